package slo_test

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

// scene plays events on one objective and follows its episodes.
type scene struct {
	t          *testing.T
	definition slo.SLO
	plan       slo.Plan
	history    *slo.History
	begin, now time.Time
	watermark  time.Time
	open       map[string]slo.Episode
	ended      slo.Ended
	fired      map[string]time.Time
	resolved   map[string]time.Time
	status     slo.ObjectiveStatus
}

func newScene(t *testing.T, target string, policies ...slo.AlertPolicy) *scene {
	t.Helper()
	parsed, err := slo.ParseTarget(target, false)
	require.NoError(t, err)
	s := &scene{
		t: t, begin: time.Unix(1_780_000_000, 0).UTC().Truncate(time.Hour), open: map[string]slo.Episode{}, ended: slo.Ended{},
		fired: map[string]time.Time{}, resolved: map[string]time.Time{}, history: slo.NewHistory(30 * day),
	}
	s.now = s.begin
	s.definition = slo.SLO{
		Name: "x", Window: slo.Window{Duration: 30 * day}, Objectives: []slo.Objective{{Target: parsed}}, Policies: policies,
	}
	s.plan = slo.NewPlan(s.definition, 0)
	return s
}

// event counts something now.
func (s *scene) event(c slo.Counts) {
	s.history.Add(slo.SliceOf(s.now), c)
	s.watermark = s.now
	s.look()
}

// pass lets time pass, looking every step.
func (s *scene) pass(d, step time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = s.now.Add(step)
		s.look()
	}
}

func (s *scene) look() {
	s.status = s.plan.Evaluate(slo.Reading{
		Now: s.now, History: s.history,
		Series:   slo.SeriesState{Watermark: s.watermark, Counted: []slo.Interval{{From: s.begin.Add(-30 * day)}}},
		Coverage: slo.Coverage{Since: s.begin.Add(-30 * day), Until: s.now},
	})
	for _, m := range slo.Advance(&s.definition, &s.status, s.open, s.ended, s.now) {
		name := m.Episode.Tier
		switch m.Episode.State {
		case slo.Firing:
			s.open[name] = m.Episode
			if _, ok := s.fired[name]; !ok {
				s.fired[name] = s.now
			}
		case slo.Pending:
			s.open[name] = m.Episode
		case slo.Resolved:
			s.ended[name], s.resolved[name] = s.now, s.now
			delete(s.open, name)
		case slo.Lapsed:
			delete(s.open, name)
		}
	}
	s.status.Conclude(s.open, s.now)
}

func (s *scene) tier(name string) slo.TierStatus {
	for _, tier := range s.status.Tiers {
		if tier.Name == name {
			return tier
		}
	}
	s.t.Fatalf("no tier %s", name)
	return slo.TierStatus{}
}

func (s *scene) pages() []string {
	var pages []string
	for _, tier := range s.status.Tiers {
		if _, ok := s.fired[tier.Name]; ok && tier.Severity == slo.Page {
			pages = append(pages, tier.Name)
		}
	}
	return pages
}

// TestASingleFailureOfAQuietServicePagesNobody is the complaint of services with
// ten requests an hour: one failure burns at 100x.
func TestASingleFailureOfAQuietServicePagesNobody(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"0.9", "0.99", "0.999", "0.9999"} {
		s := newScene(t, target)
		for i := range 240 {
			if i%80 == 40 {
				s.event(slo.Counts{Bad: 1})
			} else {
				s.event(slo.Counts{Good: 1})
			}
			s.pass(6*time.Minute, time.Minute)
		}
		require.Empty(t, s.pages(), "one failure of 80, ten events an hour, at %s", target)
	}
}

// TestASustainedFailureOfAQuietServicePages is the opposite one: nine of ten
// events failed for eight days, and nobody was told.
func TestASustainedFailureOfAQuietServicePages(t *testing.T) {
	t.Parallel()
	for name, every := range map[string]time.Duration{
		"ten an hour": 6 * time.Minute, "one an hour": time.Hour, "one in four hours": 4 * time.Hour, "two a day": 12 * time.Hour,
	} {
		s := newScene(t, "0.99")
		healthy := int(3 * day / every)
		for range healthy {
			s.event(slo.Counts{Good: 1})
			s.pass(every, every/4)
		}
		require.Empty(t, s.fired, name)
		failing := s.now
		for i := range 10 {
			if i%10 == 5 {
				s.event(slo.Counts{Good: 1})
			} else {
				s.event(slo.Counts{Bad: 1})
			}
			s.pass(every, every/4)
		}
		require.NotEmpty(t, s.pages(), "%s: nine of ten events fail", name)
		for _, page := range s.pages() {
			require.LessOrEqual(t, s.fired[page].Sub(failing), 6*every, "%s: %s", name, page)
		}
	}
}

func TestTheChanceOfBadEventsIsThatOfTheBinomialDistribution(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		bad, n int64
		target string
	}{{3, 10, "0.99"}, {3, 100, "0.999"}, {4, 40, "0.99"}, {12, 700, "0.999"}, {30, 600, "0.99"}, {3, 3, "0.5"}} {
		s := newScene(t, test.target)
		s.event(slo.Counts{Good: test.n - test.bad, Bad: test.bad})
		met, ok := new(big.Rat).SetString(test.target)
		require.True(t, ok)
		want := chanceOf(test.bad, test.n, met)
		for _, tier := range s.status.Tiers {
			if tier.Chance > 0 {
				require.InDelta(t, 1, tier.Chance/want, 1e-9, "%d of %d at %s, %s", test.bad, test.n, test.target, tier.Name)
			}
		}
	}
	s := newScene(t, "0.999")
	s.event(slo.Counts{Good: 1_000_000, Bad: 1_000_000})
	for _, tier := range s.status.Tiers {
		require.False(t, math.IsNaN(tier.Chance), tier.Name)
	}
	require.True(t, s.tier("1h").LongOver)
}

func TestASlowerTierIsInhibitedWhileAFasterOneFires(t *testing.T) {
	t.Parallel()
	s := newScene(t, "0.999")
	busy := func(d time.Duration, bad int64) {
		for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(10 * time.Second) {
			s.event(slo.Counts{Good: 1000 - bad, Bad: bad})
		}
	}
	busy(time.Hour, 0)
	busy(20*time.Minute, 500)
	require.Equal(t, []string{"fast"}, s.pages(), "one incident, one page")
	require.Equal(t, "fast", s.tier("6h").Inhibited)
	require.Contains(t, s.tier("6h").Explain(), "Inhibited: fast tells it already")
	require.Equal(t, slo.Pending, s.open["6h"].State)
	busy(3*time.Hour, 0)
	require.Contains(t, s.resolved, "fast")
	require.Equal(t, []string{"fast"}, s.pages(), "and none for what is over")
	busy(6*time.Hour, 10)
	require.Contains(t, s.pages(), "6h", "a slow burn afterwards is one of its own")
}

func TestAFasterTierThatEndsLeavesASlowBurnToTheSlowerOne(t *testing.T) {
	t.Parallel()
	s := newScene(t, "0.999")
	busy := func(d time.Duration, bad int64) {
		for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(10 * time.Second) {
			s.event(slo.Counts{Good: 1000 - bad, Bad: bad})
		}
	}
	busy(time.Hour, 0)
	busy(5*time.Minute, 500)
	busy(20*time.Minute, 30) // 30x: too slow for the fast tier.
	require.Contains(t, s.resolved, "fast")
	require.Contains(t, s.pages(), "1h")
	require.LessOrEqual(t, s.fired["1h"].Sub(s.resolved["fast"]), 5*time.Minute+time.Second)
}

func policy(kind slo.ConditionKind, op slo.Operator, threshold slo.Decimal, lookBack time.Duration) slo.AlertPolicy {
	return slo.AlertPolicy{
		Name: "own", WhenBreaching: true, WhenResolved: true,
		Condition: slo.AlertCondition{Severity: "page", Kind: kind, Op: op, Threshold: threshold, LookBack: lookBack},
	}
}

func TestAConditionMustHoldForAlertAfter(t *testing.T) {
	t.Parallel()
	own := policy(slo.BurnRate, slo.GTE, "2", time.Hour)
	own.Condition.After = 10 * time.Minute
	s := newScene(t, "0.99", own)
	s.event(slo.Counts{Good: 90, Bad: 10})
	require.Equal(t, slo.Pending, s.open["own"].State)
	for range 9 {
		s.pass(time.Minute, 10*time.Second)
		s.event(slo.Counts{Good: 1})
	}
	require.Empty(t, s.fired)
	s.event(slo.Counts{Good: 1000}) // 10 of 1109: below 2x, so it lapses.
	require.NotContains(t, s.open, "own")
	s.event(slo.Counts{Bad: 1000})
	began := s.now
	for len(s.fired) == 0 {
		s.pass(time.Minute, 10*time.Second)
		s.event(slo.Counts{Bad: 1})
	}
	require.Equal(t, 10*time.Minute, s.fired["own"].Sub(began))
}

func TestPoliciesCompareWhatTheirKindMeasures(t *testing.T) {
	t.Parallel()
	// 10 000 events, 50 bad, at 99 %: half of the budget is spent. The last hour
	// has 1000 of them, 30 bad: it burns at 3x and spent 30 % of the budget. At
	// that rate the half that is left lasts 5 days.
	for name, test := range map[string]struct {
		kind      slo.ConditionKind
		op        slo.Operator
		threshold slo.Decimal
		over      bool
	}{
		"burn rate reaches 3":                  {slo.BurnRate, slo.GTE, "3", true},
		"burn rate is not above 3":             {slo.BurnRate, slo.GT, "3", false},
		"burn rate is at most 3, as written":   {slo.BurnRate, slo.LTE, "3", true},
		"burn rate is not below 3":             {slo.BurnRate, slo.LT, "3", false},
		"half of the budget is consumed":       {slo.BudgetConsumed, slo.GTE, "0.5", true},
		"a little more is not":                 {slo.BudgetConsumed, slo.GTE, "0.500000001", false},
		"30 % dropped in the last hour":        {slo.BudgetDrop, slo.GTE, "0.3", true},
		"and not more":                         {slo.BudgetDrop, slo.GT, "0.3", false},
		"exhausted within 120 hours":           {slo.TimeToExhaustion, slo.LTE, "120", true},
		"and not within fewer":                 {slo.TimeToExhaustion, slo.LTE, "119.999999999", false},
		"a threshold of more than 64 bits":     {slo.BurnRate, slo.GTE, "2.999999999999999999", true},
		"and one that is just above the value": {slo.BurnRate, slo.GTE, "3.000000000000000001", false},
	} {
		s := newScene(t, "0.99", policy(test.kind, test.op, test.threshold, time.Hour))
		s.event(slo.Counts{Good: 8980, Bad: 20})
		s.pass(5*time.Hour, time.Hour)
		s.event(slo.Counts{Good: 970, Bad: 30})
		require.Equal(t, test.over, s.tier("own").LongOver, "%s: %s", name, s.tier("own").Explain())
		require.NotEmpty(t, s.tier("own").Explain())
	}
}

func TestAPolicyTellsOfMissingData(t *testing.T) {
	t.Parallel()
	own := policy(slo.BurnRate, slo.GTE, "2", time.Hour)
	own.WhenNoData = true
	s := newScene(t, "0.99", own)
	s.event(slo.Counts{Good: 10})
	began := s.now
	s.pass(2*time.Hour, time.Minute)
	require.Equal(t, time.Hour, s.fired["own-no-data"].Sub(began))
	require.NotContains(t, s.fired, "own")
	s.event(slo.Counts{Good: 1})
	require.Contains(t, s.resolved, "own-no-data")
}

func TestASourceThatFallsSilentIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t, "0.99")
	for range 60 {
		s.event(slo.Counts{Good: 1})
		s.pass(20*time.Minute, 5*time.Minute)
	}
	require.Empty(t, s.fired, "a pause of 20 minutes is usual")
	last := s.watermark
	s.pass(2*time.Hour, time.Minute)
	require.InDelta(t, 57, s.fired["source-silent"].Sub(last).Minutes(), 1, "three times 19 whole minutes")
	require.Equal(t, slo.OK, s.status.State, "it says nothing about the budget")
	require.Contains(t, s.tier("source-silent").Explain(), "No event arrives")
	s.event(slo.Counts{Good: 1})
	require.Contains(t, s.resolved, "source-silent")
}

func TestAnObjectiveThatCannotSeeIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t, "0.99")
	s.pass(time.Minute, time.Minute)
	require.Contains(t, s.fired, "blind", "counted for days, and never an event")
	require.Contains(t, s.tier("blind").Explain(), "never had an event")
	s.event(slo.Counts{Good: 100})
	require.Contains(t, s.resolved, "blind")
	s.event(slo.Counts{Unknown: 99})
	require.NotContains(t, s.open, "blind")
	s.event(slo.Counts{Unknown: 1})
	require.Equal(t, slo.Firing, s.open["blind"].State, "half of the events cannot be judged")
	require.NotEmpty(t, s.tier("blind").Explain())
}

func TestAVerdictExplainsItself(t *testing.T) {
	t.Parallel()
	s := newScene(t, "0.999")
	s.event(slo.Counts{Good: 3001, Bad: 49})
	s.pass(10*time.Minute, time.Minute)
	s.event(slo.Counts{Good: 273, Bad: 5})
	require.Equal(t, "54 bad of 3328 events in the last 1h burn at 16.2x, 5 bad of 278 events in the last 5m at 18x. It fires when both reach 14.4x.",
		s.tier("1h").Explain())
	quiet := newScene(t, "0.999")
	quiet.event(slo.Counts{Good: 9, Bad: 1})
	require.True(t, strings.HasSuffix(quiet.tier("1h").Explain(), "Not yet: 1 of at least 3 bad events."), quiet.tier("1h").Explain())
	low := newScene(t, "0.9")
	require.Empty(t, low.status.Tiers)
	low.look()
	require.Contains(t, low.tier("1h").Explain(), "Left out: it can never fire")
}

func TestEventsThatCannotBeJudgedLeaveAnObjectiveUnmeasured(t *testing.T) {
	t.Parallel()
	s := newScene(t, "0.99")
	s.event(slo.Counts{Unknown: 50})
	require.Equal(t, slo.Unmeasured, s.status.State)
	s.event(slo.Counts{Good: 1})
	require.Equal(t, slo.OK, s.status.State)
}

func TestRawEventsAreCountedAsEventsByTheGates(t *testing.T) {
	t.Parallel()
	parsed, err := slo.ParseTarget("0.99", false)
	require.NoError(t, err)
	definition := slo.SLO{
		Name: "x", Window: slo.Window{Duration: 30 * day}, Objectives: []slo.Objective{{Target: parsed}},
		Indicator: slo.Indicator{Value: &slo.Value{Of: "x", Raw: slo.RawSuccess}},
	}
	plan, history := slo.NewPlan(definition, 0), slo.NewHistory(30*day)
	now := time.Unix(1_780_000_000, 0).UTC()
	history.Add(slo.SliceOf(now), slo.Counts{Good: 3 * slo.RawUnit, Unknown: 3 * slo.RawUnit, Bad: 2 * slo.RawUnit})
	status := plan.Evaluate(slo.Reading{Now: now, History: history, Series: slo.SeriesState{Watermark: now}, Coverage: slo.Coverage{Until: now}})
	for _, tier := range status.Tiers {
		require.False(t, tier.LongOver, "%s: two bad events, three unknown ones: %s", tier.Name, tier.Explain())
	}
	require.Equal(t, slo.UnitRawEvent, status.Unit)
}

func TestWhatIsConsumedIsToldHoweverLittleOfTheWindowWasMeasured(t *testing.T) {
	t.Parallel()
	s := newScene(t, "0.99", policy(slo.BudgetConsumed, slo.GTE, "0.5", 0))
	status := s.plan.Evaluate(slo.Reading{
		Now: s.now.Add(time.Hour), History: s.history, Series: slo.SeriesState{Counted: []slo.Interval{{From: s.now}}},
		Coverage: slo.Coverage{Since: s.now, Until: s.now.Add(time.Hour)},
	})
	require.False(t, status.Tiers[0].Frozen, "an hour of 30 days was measured")
}
