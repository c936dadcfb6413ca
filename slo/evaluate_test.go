package slo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestBudgetsAreThoseCountedByHand(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		target    string
		counts    slo.Counts
		total     float64
		remaining float64
		exhausted bool
	}{
		"99.9 % of 10 000 with 4 bad leaves 60 %":      {"0.999", slo.Counts{Good: 9996, Bad: 4}, 10, 0.6, false},
		"spent to the last event is exhausted":         {"0.999", slo.Counts{Good: 9990, Bad: 10}, 10, 0, true},
		"one event less is not":                        {"0.999", slo.Counts{Good: 9991, Bad: 9}, 10, 0.1, false},
		"overspending is negative and not clamped":     {"0.99", slo.Counts{Good: 975, Bad: 25}, 10, -1.5, true},
		"unknown events count in the total":            {"0.99", slo.Counts{Good: 989, Bad: 1, Unknown: 10}, 10, 0.9, false},
		"no events leave no budget and exhaust none":   {"0.999", slo.Counts{}, 0, 0, false},
		"a target of zero leaves every event":          {"0", slo.Counts{Good: 1, Bad: 3}, 4, 0.25, false},
		"a target of zero is spent when all is bad":    {"0", slo.Counts{Bad: 3}, 3, 0, true},
		"counts beyond 2^53 are still compared right":  {"0.5", slo.Counts{Good: 1<<60 + 1, Bad: 1 << 60}, 1 << 60, 0, false},
		"and so is the event that tips the comparison": {"0.5", slo.Counts{Good: 1 << 60, Bad: 1 << 60}, 1 << 60, 0, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := slo.BudgetOf(target(t, test.target), test.counts)
			require.InDelta(t, test.total, got.Total, test.total*1e-12)
			require.Equal(t, test.counts.Bad, got.Spent)
			require.InDelta(t, test.remaining, got.RemainingRatio, 1e-9)
			require.Equal(t, test.exhausted, got.Exhausted)
		})
	}
}

// outage plays one hour of steady traffic and then constant errors, evaluated
// every second, and returns after how many seconds each tier fired first.
func outage(t *testing.T, targetText string, perSecond, badOf10 int64) map[string]time.Duration {
	t.Helper()
	definition := slo.SLO{
		Name: "x", Window: slo.Window{Duration: 30 * day}, Objectives: []slo.Objective{{Target: target(t, targetText)}},
	}
	plan := slo.NewPlan(definition, 0)
	history := slo.NewHistory(30 * day)
	begin := time.Unix(1_780_000_000, 0).UTC().Truncate(time.Hour)
	failing := begin.Add(time.Hour)
	open, fired := map[string]slo.Episode{}, map[string]time.Duration{}
	for now := begin; now.Before(failing.Add(30 * time.Minute)); now = now.Add(time.Second) {
		c := slo.Counts{Good: perSecond}
		if !now.Before(failing) {
			c.Bad = perSecond * badOf10 / 10
			c.Good -= c.Bad
		}
		history.Add(slo.SliceOf(now), c)
		status := plan.Evaluate(slo.Reading{
			Now: now, History: history,
			Series:   slo.SeriesState{Watermark: now, Counted: []slo.Interval{{From: begin}}},
			Coverage: slo.Coverage{Since: begin, Until: now},
		})
		for _, tier := range status.Tiers { // Each on its own: a faster one would inhibit it.
			alone := status
			alone.Tiers = []slo.TierStatus{tier}
			own := map[string]slo.Episode{}
			if e, ok := open[tier.Name]; ok {
				own[tier.Name] = e
			}
			for _, moved := range slo.Advance(&definition, &alone, own, nil, now) {
				open[moved.Episode.Tier] = moved.Episode
				if moved.Episode.State == slo.Firing {
					fired[moved.Episode.Tier] = now.Sub(failing) + time.Second
				}
			}
		}
	}
	return fired
}

// The arithmetic minimum is long * factor * (1 - target) / error ratio (SRE
// Workbook, chapter 5): 51.84 s for the 1h tier and 12 s for the fast one at
// 99.9 %. Both windows reach up to one cell of their grid further back.
func TestOutagesAreDetectedAtTheirArithmeticMinimum(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		target  string
		badOf10 int64
		tier    string
		least   time.Duration
		most    time.Duration
	}{
		"99.9 % total outage, fast tier": {"0.999", 10, "fast", 12 * time.Second, 13 * time.Second},
		"99.9 % half outage, fast tier":  {"0.999", 5, "fast", 24 * time.Second, 26 * time.Second},
		"99.9 % total outage, 1h tier":   {"0.999", 10, "1h", 51 * time.Second, 53 * time.Second},
		"99.9 % half outage, 1h tier":    {"0.999", 5, "1h", 103 * time.Second, 105 * time.Second},
		"99 % total outage, 1h tier":     {"0.99", 10, "1h", 518 * time.Second, 520 * time.Second},
		"99 % half outage, 1h tier":      {"0.99", 5, "1h", 1036 * time.Second, 1040 * time.Second},
		"99.9 % total outage, 6h tier":   {"0.999", 10, "6h", 21 * time.Second, 23 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fired := outage(t, test.target, 10, test.badOf10)
			require.GreaterOrEqual(t, fired[test.tier], test.least)
			require.LessOrEqual(t, fired[test.tier], test.most)
		})
	}
}

func TestLowTrafficNeedsItsLeastNumberOfBadEvents(t *testing.T) {
	t.Parallel()
	definition := slo.SLO{
		Name: "x", Window: slo.Window{Duration: 30 * day}, Objectives: []slo.Objective{{Target: target(t, "0.999")}},
	}
	plan := slo.NewPlan(definition, 0)
	now := time.Unix(1_780_000_005, 0).UTC()
	for bad, want := range map[int64][2]bool{2: {false, false}, 3: {false, true}, 9: {false, true}, 10: {true, true}} {
		history := slo.NewHistory(30 * day)
		history.Add(slo.SliceOf(now), slo.Counts{Bad: bad})
		status := plan.Evaluate(slo.Reading{Now: now, History: history, Series: slo.SeriesState{Watermark: now}})
		require.Equal(t, want[0], status.Tiers[0].LongOver, "fast with %d bad", bad)
		require.Equal(t, want[1], status.Tiers[1].LongOver, "1h with %d bad", bad)
	}
}

func TestStatesOfAnObjective(t *testing.T) {
	t.Parallel()
	definition := slo.SLO{
		Name: "x", Window: slo.Window{Duration: 30 * day}, Objectives: []slo.Objective{{Target: target(t, "0.99")}},
	}
	plan := slo.NewPlan(definition, 0)
	now := time.Unix(1_780_000_005, 0).UTC()
	firing := map[string]slo.Episode{"1h": {State: slo.Firing}}
	tests := map[string]struct {
		counts slo.Counts
		open   map[string]slo.Episode
		until  time.Time
		want   slo.State
	}{
		"events within the budget are ok":          {slo.Counts{Good: 1000, Bad: 1}, nil, now, slo.OK},
		"no event in the window is unmeasured":     {slo.Counts{}, nil, now, slo.Unmeasured},
		"nothing read for a minute is unmeasured":  {slo.Counts{Good: 1000}, nil, now.Add(-time.Minute), slo.Unmeasured},
		"a firing episode is burning":              {slo.Counts{Good: 1000, Bad: 1}, firing, now, slo.Burning},
		"a pending episode is not":                 {slo.Counts{Good: 1000, Bad: 1}, map[string]slo.Episode{"1h": {State: slo.Pending}}, now, slo.OK},
		"nothing left is exhausted, firing or not": {slo.Counts{Good: 990, Bad: 10}, firing, now, slo.Exhausted},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			history := slo.NewHistory(30 * day)
			history.Add(slo.SliceOf(now), test.counts)
			status := plan.Evaluate(slo.Reading{
				Now: now, History: history, Coverage: slo.Coverage{Since: now.Add(-day), Until: test.until},
			})
			status.Conclude(test.open, now)
			require.Equal(t, test.want, status.State)
		})
	}
}

func TestATierIsFrozenWhereItsShortLookBackWasNotMeasured(t *testing.T) {
	t.Parallel()
	definition := slo.SLO{
		Name: "x", Window: slo.Window{Duration: 30 * day}, Objectives: []slo.Objective{{Target: target(t, "0.99")}},
	}
	plan := slo.NewPlan(definition, 0)
	now := time.Unix(1_780_000_000, 0).UTC().Truncate(time.Minute)
	gap := []slo.Interval{{From: now.Add(-4 * time.Minute), To: now.Add(-30 * time.Second)}}
	tests := map[string]struct {
		coverage slo.Coverage
		counted  []slo.Interval
		fast, h1 bool
	}{
		"all measured":                       {slo.Coverage{Since: now.Add(-day), Until: now}, []slo.Interval{{From: now.Add(-day)}}, false, false},
		"a gap in most of five minutes":      {slo.Coverage{Since: now.Add(-day), Until: now, Gaps: gap}, []slo.Interval{{From: now.Add(-day)}}, false, true},
		"the objective is one minute old":    {slo.Coverage{Since: now.Add(-day), Until: now}, []slo.Interval{{From: now.Add(-time.Minute)}}, false, true},
		"the journal was last read long ago": {slo.Coverage{Since: now.Add(-day), Until: now.Add(-time.Hour)}, []slo.Interval{{From: now.Add(-day)}}, true, true},
		"the series is not in force":         {slo.Coverage{Since: now.Add(-day), Until: now}, nil, true, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status := plan.Evaluate(slo.Reading{
				Now: now, History: slo.NewHistory(30 * day),
				Series: slo.SeriesState{Counted: test.counted}, Coverage: test.coverage,
			})
			require.Equal(t, test.fast, status.Tiers[0].Frozen, "fast")
			require.Equal(t, test.h1, status.Tiers[1].Frozen, "1h")
		})
	}
}

func TestASeriesIsKnownByItsMeaning(t *testing.T) {
	t.Parallel()
	base := slo.Indicator{
		Total: slo.SpanSource{Service: "checkout", Condition: "span.kind == SPAN_KIND_SERVER"},
		Good:  &slo.SpanSource{MaxDuration: 300 * time.Millisecond},
	}
	spaced := base
	spaced.Total.Condition = "  span.kind == SPAN_KIND_SERVER\n"
	require.Equal(t, base.Series().ID, spaced.Series().ID)
	slower := base
	slower.Good = &slo.SpanSource{MaxDuration: 301 * time.Millisecond}
	require.NotEqual(t, base.Series().ID, slower.Series().ID)
	inverted := base
	inverted.Good, inverted.Bad = nil, base.Good
	require.NotEqual(t, base.Series().ID, inverted.Series().ID)

	payload, err := slo.EncodeSeries([]slo.Series{slower.Series(), base.Series(), spaced.Series()})
	require.NoError(t, err)
	set, err := slo.DecodeSeries(payload)
	require.NoError(t, err)
	require.ElementsMatch(t, []slo.Series{base.Series(), slower.Series()}, set)
	_, err = slo.DecodeSeries([]byte(`{"version":2,"series":[]}`))
	require.ErrorContains(t, err, "version 2")
	_, err = slo.DecodeSeries([]byte(`{"version":1,"series":[{"id":"00","indicator":{"total":{}}}]}`))
	require.ErrorContains(t, err, "has the meaning of")
}

func TestSlicesFloorTowardsThePast(t *testing.T) {
	t.Parallel()
	require.Equal(t, slo.Slice(176722560), slo.SliceOf(time.Date(2026, 1, 1, 0, 0, 7, 0, time.UTC)))
	require.Equal(t, slo.Slice(-1), slo.SliceOf(time.Unix(-1, 0)))
	require.Equal(t, slo.Slice(-1), slo.SliceOf(time.Unix(-10, 0)))
	require.Equal(t, slo.Slice(0), slo.SliceOf(time.Unix(9, 999_999_999)))
}

func TestTimeToExhaustionBeginsWithWhatIsLeft(t *testing.T) {
	t.Parallel()
	status := slo.ObjectiveStatus{
		Window: slo.Window{Duration: 30 * day}, Counts: slo.Counts{Good: 1, Bad: 1}, Budget: slo.Budget{RemainingRatio: 0.5},
	}
	left, ok := status.TimeToExhaustion(14.4)
	require.True(t, ok)
	require.Equal(t, 25*time.Hour, left)
	_, ok = status.TimeToExhaustion(0)
	require.False(t, ok)
	status.Budget.RemainingRatio = -0.1
	_, ok = status.TimeToExhaustion(14.4)
	require.False(t, ok)
}
