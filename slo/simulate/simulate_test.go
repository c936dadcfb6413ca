package simulate_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

var begin = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

func definition(t testing.TB, target string) slo.SLO {
	t.Helper()
	return slo.SLO{
		Name: "x", Window: slo.Window{Duration: 30 * day}, Objectives: []slo.Objective{{Target: targetOf(t, target)}},
		Indicator: slo.Indicator{Total: slo.SpanSource{Service: "a"}, Bad: &slo.SpanSource{}},
	}
}

// steady are slices of 1000 events each, of which so many are bad.
func steady(from time.Time, length time.Duration, bad int64) []slo.Bucket {
	var all []slo.Bucket
	for i := range slo.Slice(length / slo.SliceLength) {
		all = append(all, slo.Bucket{Slice: slo.SliceOf(from) + i, Counts: slo.Counts{Good: 1000 - bad, Bad: bad}})
	}
	return all
}

// firing are the first episodes of each tier that fired.
func firing(o simulate.Objective) map[string]simulate.Episode {
	first := map[string]simulate.Episode{}
	for _, e := range o.Episodes {
		if _, known := first[e.Tier.Name]; e.Fired() && !known {
			first[e.Tier.Name] = e
		}
	}
	return first
}

// TestDetectionIsThatOfTheFormula compares with long * factor * (1 - target) /
// error rate, rounded up to the end of a slice.
func TestDetectionIsThatOfTheFormula(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tier    string
		bad     int64
		seconds float64
	}{
		{"fast", 1000, 12}, {"fast", 500, 24}, {"1h", 60, 864}, {"1h", 90, 576}, {"6h", 12, 10800}, {"24h", 5, 51840},
	} {
		d := definition(t, "0.999")
		buckets := append(steady(begin, 4*day, 0), steady(begin.Add(4*day), day, c.bad)...)
		result, err := simulate.Run(d, simulate.Series{d.SeriesOf(0).ID: buckets}, begin.Add(3*day), begin.Add(5*day), simulate.Options{})
		require.NoError(t, err)
		e, fired := firing(result.Objectives[0])[c.tier]
		require.True(t, fired, c.tier)
		want := time.Duration(math.Ceil(c.seconds/10)*10) * time.Second
		require.InDelta(t, want.Seconds(), e.FiredAt.Sub(begin.Add(4*day)).Seconds(), 60, "%s at %d bad of 1000", c.tier, c.bad)
		require.GreaterOrEqual(t, e.FiredAt.Sub(begin.Add(4*day)), want-time.Minute)
		require.Contains(t, e.Began.Explain(), "It fires when both reach")
	}
}

func TestAnOutageIsOneEpisodeOfTheFastTier(t *testing.T) {
	t.Parallel()
	d := definition(t, "0.999")
	buckets := append(append(steady(begin, day, 0), steady(begin.Add(day), 10*time.Minute, 500)...), steady(begin.Add(day+10*time.Minute), day, 0)...)
	at := []time.Time{begin.Add(day + 5*time.Minute), begin.Add(day)}
	result, err := simulate.Run(d, simulate.Series{d.SeriesOf(0).ID: buckets}, begin, begin.Add(2*day), simulate.Options{At: at})
	require.NoError(t, err)
	o := result.Objectives[0]
	require.Len(t, firing(o), 1)
	e := firing(o)["fast"]
	require.Equal(t, begin.Add(day+30*time.Second), e.FiredAt)
	require.Equal(t, begin.Add(day+15*time.Minute), e.ResolvedAt, "quiet for five minutes")
	require.Equal(t, []slo.State{slo.OK, slo.Exhausted}, []slo.State{o.At[0].State, o.At[1].State})
	require.EqualValues(t, 30_000, o.Status.Counts.Bad)
	require.Len(t, o.Tiers, 8)
	for _, tier := range o.Tiers {
		if tier.Name == "fast" {
			require.Equal(t, 1, tier.Fired)
			require.Equal(t, 14*time.Minute+30*time.Second, tier.Firing)
		}
	}
	require.GreaterOrEqual(t, len(o.Budget), 100)
	require.InDelta(t, 1, o.Budget[1].Left, 1e-9)
	require.Less(t, o.Budget[len(o.Budget)-1].Left, 0.0)
}

// TestMinutesCountAsSpreadEvenly compares an outage that is kept by the slice
// with the same one by the minute, as the ledger keeps it after some days.
func TestMinutesCountAsSpreadEvenly(t *testing.T) {
	t.Parallel()
	d := definition(t, "0.999")
	slices := append(append(steady(begin, day, 0), steady(begin.Add(day), 10*time.Minute, 499)...), steady(begin.Add(day+10*time.Minute), day, 0)...)
	var minutes []slo.Bucket
	for i, b := range slices {
		if i%6 == 0 {
			minutes = append(minutes, slo.Bucket{Slice: b.Slice, Minute: true})
		}
		m := &minutes[len(minutes)-1]
		m.Counts = m.Counts.Plus(b.Counts)
	}
	minutes = append(minutes, slo.Bucket{Slice: slices[0].Slice - 6, Minute: true, Counts: slo.Counts{Good: 1, Bad: 5, Unknown: 7}})
	slices = append(slices, slo.Bucket{Slice: slices[0].Slice - 1, Counts: slo.Counts{Good: 1, Bad: 5, Unknown: 7}})
	var results []simulate.Objective
	for _, buckets := range [][]slo.Bucket{slices, minutes} {
		result, err := simulate.Run(d, simulate.Series{d.SeriesOf(0).ID: buckets}, begin, begin.Add(2*day), simulate.Options{})
		require.NoError(t, err)
		results = append(results, result.Objectives[0])
	}
	require.Equal(t, results[0].Status.Counts, results[1].Status.Counts)
	require.Equal(t, transitions(results[0]), transitions(results[1]))
}

func TestRangesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	d := definition(t, "0.999")
	for _, c := range []struct{ from, to time.Time }{
		{begin, begin}, {begin, begin.Add(-day)}, {begin, begin.Add(10_000 * day)}, {time.Unix(-10, 0), begin}, {begin.Add(time.Second), begin.Add(2 * time.Second)},
	} {
		_, err := simulate.Run(d, simulate.Series{}, c.from, c.to, simulate.Options{})
		require.Error(t, err)
	}
	result, err := simulate.Run(d, simulate.Series{}, begin, begin.Add(day), simulate.Options{})
	require.NoError(t, err)
	require.Equal(t, slo.Unmeasured, result.Objectives[0].Status.State)
	require.Contains(t, firing(result.Objectives[0]), "blind")
}

func TestIncidentsAreFoundWhereTheyWere(t *testing.T) {
	t.Parallel()
	d := definition(t, "0.999")
	noisy := steady(begin, 10*day, 0)
	for i := range noisy {
		if i%3 == 0 {
			noisy[i].Counts = slo.Counts{Good: 999, Bad: 1}
		}
	}
	spoil := func(from time.Time, length time.Duration, bad int64) {
		for _, b := range steady(from, length, bad) {
			noisy[b.Slice-noisy[0].Slice] = b
		}
	}
	spoil(begin.Add(2*day), 20*time.Minute, 300)
	spoil(begin.Add(2*day+25*time.Minute), 10*time.Minute, 300) // A pause of five minutes is none.
	spoil(begin.Add(5*day), 6*time.Hour, 20)
	spoil(begin.Add(8*day), time.Minute, 20) // It costs too little.
	found := simulate.FindIncidents(d, simulate.Series{d.SeriesOf(0).ID: noisy}, begin, begin.Add(10*day), 0, nil)
	require.Len(t, found, 2, "%+v", found)
	require.Equal(t, begin.Add(2*day), found[0].From)
	require.Equal(t, begin.Add(2*day+35*time.Minute), found[0].To)
	require.InDelta(t, 54_000/(0.001*30*8640*1000), found[0].Lost, 0.001)
	require.Equal(t, begin.Add(5*day), found[1].From)
	require.Equal(t, begin.Add(5*day+6*time.Hour), found[1].To)
	require.Len(t, simulate.FindIncidents(d, simulate.Series{d.SeriesOf(0).ID: noisy}, begin, begin.Add(10*day), 0.0001, nil), 3)
}

// paging is a policy that pages at a burn rate over one look-back.
func paging(name string, threshold slo.Decimal, lookBack time.Duration) simulate.NamedPolicy {
	return simulate.NamedPolicy{Name: name, Policies: []slo.AlertPolicy{{Name: name, WhenBreaching: true, WhenResolved: true, Condition: slo.AlertCondition{
		Severity: slo.Page, Kind: slo.BurnRate, Op: slo.GTE, Threshold: threshold, LookBack: lookBack,
	}}}}
}

func TestABacktestScoresAndRecommends(t *testing.T) {
	t.Parallel()
	d := definition(t, "0.999")
	buckets := steady(begin, 14*day, 0)
	spoil := func(from time.Time, length time.Duration, bad int64) {
		for _, b := range steady(from, length, bad) {
			buckets[b.Slice-buckets[0].Slice] = b
		}
	}
	incidents := []simulate.Incident{
		{From: begin.Add(3 * day), To: begin.Add(3*day + 20*time.Minute)},
		{From: begin.Add(6 * day), To: begin.Add(6*day + 20*time.Minute)},
		{From: begin.Add(9 * day), To: begin.Add(9*day + time.Hour)}, // Nothing is to be seen of it.
	}
	spoil(incidents[0].From, 20*time.Minute, 300)
	spoil(incidents[1].From, 20*time.Minute, 300)
	for k := range 5 {
		spoil(begin.Add(10*day+time.Duration(k)*12*time.Hour), time.Minute, 5) // Blips.
	}
	report, err := simulate.Backtest(d, simulate.Candidates(d, paging("twitchy", "1", time.Minute), paging("deaf", "900", 6*time.Hour)),
		simulate.Series{d.SeriesOf(0).ID: buckets}, simulate.BacktestOptions{From: begin, To: begin.Add(14 * day), Incidents: incidents})
	require.NoError(t, err)
	require.False(t, report.Found)
	require.Len(t, report.Scores, 3)
	usual, twitchy, deaf := report.Scores[0], report.Scores[1], report.Scores[2]
	require.Equal(t, []int{2, 2, 0}, []int{usual.Pages, usual.Detected, usual.FalsePages})
	require.Equal(t, 40*time.Second, usual.Median)
	require.InDelta(t, 1, usual.PagesPerWeek, 1e-9)
	require.InDelta(t, 1, usual.Precision, 1e-9)
	require.InDelta(t, 2.0/3, usual.Recall, 1e-9)
	require.Equal(t, []bool{true, true, false}, []bool{usual.Detections[0].Detected, usual.Detections[1].Paged, usual.Detections[2].Detected})
	require.Equal(t, "fast", usual.Detections[0].Tier)
	require.Equal(t, []int{7, 2, 5}, []int{twitchy.Pages, twitchy.Detected, twitchy.FalsePages})
	require.Equal(t, 10*time.Second, twitchy.Worst)
	require.Equal(t, []int{0, 0}, []int{deaf.Pages, deaf.Detected})
	require.True(t, math.IsNaN(deaf.Precision))
	require.Equal(t, simulate.DefaultPolicy, report.Recommended)
	require.Equal(t, "default told of 2 of 3 incidents, with 0 pages outside of them; it is ahead of the others by at most one page a week outside of incidents, the incidents told of.", report.Reason)
	require.InDelta(t, usual.BudgetLeft, twitchy.BudgetLeft, 1e-12)

	_, err = simulate.Backtest(d, []simulate.NamedPolicy{{Name: "a"}, {Name: "a"}}, simulate.Series{}, simulate.BacktestOptions{From: begin, To: begin.Add(day)})
	require.Error(t, err)
	_, err = simulate.Backtest(d, nil, simulate.Series{}, simulate.BacktestOptions{From: begin, To: begin.Add(day)})
	require.Error(t, err)
}

func TestIncidentsOutsideOfTheDataAreNotMissed(t *testing.T) {
	t.Parallel()
	d := definition(t, "0.999")
	buckets := append(steady(begin, 10*time.Minute, 300), steady(begin.Add(10*time.Minute), day, 0)...)
	incident := func(after, length time.Duration) simulate.Incident {
		return simulate.Incident{From: begin.Add(after), To: begin.Add(after + length)}
	}
	for name, test := range map[string]struct {
		given           []simulate.Incident
		inside, outside int
		detected, falls int
		recall          float64
	}{
		"one long before it":                   {[]simulate.Incident{incident(-day, time.Hour), incident(0, 10*time.Minute)}, 1, 1, 1, 0, 1},
		"one after it":                         {[]simulate.Incident{incident(0, 10*time.Minute), incident(3*day, time.Hour)}, 1, 1, 1, 0, 1},
		"one that ends where it begins":        {[]simulate.Incident{incident(-time.Hour, time.Hour)}, 0, 1, 0, 1, math.NaN()},
		"one that began before explains pages": {[]simulate.Incident{incident(-time.Hour, 70*time.Minute)}, 0, 1, 0, 0, math.NaN()},
		"one within it is missed":              {[]simulate.Incident{incident(0, 10*time.Minute), incident(20*time.Hour, time.Hour)}, 2, 0, 1, 0, 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := simulate.Backtest(d, simulate.Candidates(d), simulate.Series{d.SeriesOf(0).ID: buckets},
				simulate.BacktestOptions{From: begin, To: begin.Add(day), Incidents: test.given})
			require.NoError(t, err)
			require.False(t, report.Found)
			require.Len(t, report.Incidents, test.inside)
			require.Len(t, report.Outside, test.outside)
			s := report.Scores[0]
			require.Equal(t, []int{1, test.detected, test.falls}, []int{s.Pages, s.Detected, s.FalsePages})
			require.Len(t, s.Detections, test.inside)
			if math.IsNaN(test.recall) {
				require.True(t, math.IsNaN(s.Recall))
			} else {
				require.InDelta(t, test.recall, s.Recall, 1e-9)
			}
		})
	}
}

func TestWithoutIncidentsTheQuieterPolicyIsRecommended(t *testing.T) {
	t.Parallel()
	d := definition(t, "0.999")
	d.Policies = paging("own", "0.5", time.Minute).Policies
	buckets := steady(begin, 7*day, 0)
	for i := 0; i < len(buckets); i += 8000 {
		buckets[i].Counts = slo.Counts{Good: 990, Bad: 10}
	}
	report, err := simulate.Backtest(d, simulate.Candidates(d), simulate.Series{d.SeriesOf(0).ID: buckets}, simulate.BacktestOptions{From: begin, To: begin.Add(7 * day)})
	require.NoError(t, err)
	require.True(t, report.Found)
	require.Empty(t, report.Incidents)
	require.Equal(t, simulate.OwnPolicy, report.Scores[0].Policy)
	require.Equal(t, simulate.DefaultPolicy, report.Recommended)
	require.Contains(t, report.Reason, "There was no incident to compare by.")
}
