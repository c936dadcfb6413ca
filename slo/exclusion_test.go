package slo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestExcludingFlattensWhatLiesOverEachOther(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	minutes := func(from, to int, as slo.ExclusionKind, reason string) slo.Excluded {
		return slo.Excluded{
			Interval: slo.Interval{From: start.Add(time.Duration(from) * time.Minute), To: start.Add(time.Duration(to) * time.Minute)}, As: as, Reason: reason,
		}
	}
	for name, test := range map[string]struct{ all, want []slo.Excluded }{
		"nothing":                          {nil, nil},
		"in their order":                   {[]slo.Excluded{minutes(5, 6, slo.Drop, "b"), minutes(1, 2, slo.CountGood, "a")}, []slo.Excluded{minutes(1, 2, slo.CountGood, "a"), minutes(5, 6, slo.Drop, "b")}},
		"drop holds over good":             {[]slo.Excluded{minutes(0, 9, slo.CountGood, "g"), minutes(3, 5, slo.Drop, "d")}, []slo.Excluded{minutes(0, 3, slo.CountGood, "g"), minutes(3, 5, slo.Drop, "d"), minutes(5, 9, slo.CountGood, "g")}},
		"one beneath another does not cut": {[]slo.Excluded{minutes(0, 9, slo.Drop, "d"), minutes(3, 5, slo.CountGood, "g")}, []slo.Excluded{minutes(0, 9, slo.Drop, "d")}},
		"twice is once":                    {[]slo.Excluded{minutes(0, 9, slo.Drop, "d"), minutes(0, 9, slo.Drop, "d")}, []slo.Excluded{minutes(0, 9, slo.Drop, "d")}},
		"the first goes on":                {[]slo.Excluded{minutes(0, 5, slo.Drop, "a"), minutes(3, 9, slo.Drop, "b")}, []slo.Excluded{minutes(0, 5, slo.Drop, "a"), minutes(5, 9, slo.Drop, "b")}},
		"cut to what is asked":             {[]slo.Excluded{minutes(-10, 1, slo.Drop, "a"), minutes(55, 99, slo.Drop, "b"), minutes(60, 61, slo.Drop, "c")}, []slo.Excluded{minutes(0, 1, slo.Drop, "a"), minutes(55, 60, slo.Drop, "b")}},
	} {
		require.Equal(t, test.want, slo.Excluding(test.all, start, start.Add(time.Hour)), name)
	}
}

// TestDroppingDilatesAndCountingAsGoodDoesNot is the case of the reference: of a
// week with 0.6 % bad a tenth is excluded.
func TestDroppingDilatesAndCountingAsGoodDoesNot(t *testing.T) {
	t.Parallel()
	definition := slo.SLO{Name: "x", Window: slo.Window{Duration: 7 * 24 * time.Hour}, Objectives: []slo.Objective{{Target: target(t, "0.99")}}}
	plan := slo.NewPlan(definition, 0)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	history := slo.NewHistory(plan.Longest())
	history.Add(slo.SliceOf(now.Add(-2*time.Hour)), slo.Counts{Good: 900, Bad: 100}) // The maintenance.
	history.Add(slo.SliceOf(now), slo.Counts{Good: 8940, Bad: 60})
	for as, want := range map[slo.ExclusionKind]slo.Counts{slo.Drop: {Good: 8940, Bad: 60}, slo.CountGood: {Good: 9940, Bad: 60}} {
		excluded := slo.Excluded{Interval: slo.Interval{From: now.Add(-3 * time.Hour), To: now.Add(-time.Hour)}, As: as}
		s := plan.Evaluate(slo.Reading{Now: now, History: history, Series: slo.SeriesState{Watermark: now}, Excluded: []slo.Excluded{excluded}})
		require.Equal(t, want, s.Counts, as)
		require.Equal(t, slo.Counts{Good: 9840, Bad: 160}, s.Without.Counts)
		require.Equal(t, slo.Counts{Good: 900, Bad: 100}, s.ExcludedCounts)
		require.True(t, s.Without.Budget.Exhausted)
		require.False(t, s.Budget.Exhausted)
	}
}

func TestOldEdgesThatArePinnedStayExact(t *testing.T) {
	t.Parallel()
	definition := slo.SLO{Name: "x", Window: slo.Window{Duration: 28 * 24 * time.Hour}, Objectives: []slo.Objective{{Target: target(t, "0.99")}}}
	plan := slo.NewPlan(definition, 0)
	begin := time.Date(2026, 3, 1, 12, 7, 0, 0, time.UTC)
	excluded := slo.Excluding([]slo.Excluded{{Interval: slo.Interval{From: begin, To: begin.Add(11 * time.Minute)}, As: slo.Drop}}, begin.Add(-time.Hour), begin.Add(time.Hour))
	history := slo.NewHistory(plan.Longest())
	edges := slo.ExcludedEdges(excluded)
	require.Len(t, edges, 2, "neither lies on a whole hour")
	for _, edge := range edges {
		require.True(t, history.Pin(edge), "an edge ahead is pinned")
	}
	for minute := range 60 {
		history.Add(slo.SliceOf(begin.Truncate(time.Hour).Add(time.Duration(minute)*time.Minute)), slo.Counts{Bad: 1})
	}
	now := begin.Add(9 * 24 * time.Hour)
	history.Add(slo.SliceOf(now), slo.Counts{Good: 1})
	history.Add(slo.SliceOf(begin.Add(10*time.Second)), slo.Counts{Bad: 1}) // Late, within the stretch.
	s := plan.Evaluate(slo.Reading{Now: now, History: history, Series: slo.SeriesState{Watermark: now}, Excluded: excluded})
	require.Equal(t, slo.Counts{Good: 1, Bad: 49}, s.Counts)
	require.Equal(t, slo.Counts{Bad: 12}, s.ExcludedCounts)
}

// TestPlannedSilenceIsNoSilence: neither tier that tells of missing events counts
// time that is excluded.
func TestPlannedSilenceIsNoSilence(t *testing.T) {
	t.Parallel()
	definition := slo.SLO{Name: "x", Window: slo.Window{Duration: 7 * 24 * time.Hour}, Objectives: []slo.Objective{{Target: target(t, "0.99")}}}
	plan := slo.NewPlan(definition, 0)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	last := now.Add(-3 * time.Hour)
	history := slo.NewHistory(plan.Longest())
	for at := last.Add(-6 * time.Hour); !at.After(last); at = at.Add(time.Minute) {
		history.Add(slo.SliceOf(at), slo.Counts{Good: 10})
	}
	history.Add(slo.SliceOf(now.Add(-30*time.Minute)), slo.Counts{Unknown: 20})
	reading := slo.Reading{
		Now: now, History: history, Series: slo.SeriesState{Watermark: last, Counted: []slo.Interval{{From: now.Add(-24 * time.Hour)}}},
		Coverage: slo.Coverage{Since: now.Add(-24 * time.Hour), Until: now},
	}
	over := func(excluded ...slo.Excluded) map[slo.ConditionKind]bool {
		reading.Excluded = excluded
		out := map[slo.ConditionKind]bool{}
		for _, tier := range plan.Evaluate(reading).Tiers {
			out[tier.Kind] = out[tier.Kind] || tier.LongOver
		}
		return out
	}
	require.True(t, over()[slo.SourceSilent])
	require.True(t, over()[slo.Blind])
	planned := slo.Excluded{Interval: slo.Interval{From: last.Add(10 * time.Minute), To: now}, As: slo.Drop}
	require.False(t, over(planned)[slo.SourceSilent])
	require.False(t, over(planned)[slo.Blind])
	planned.To = now.Add(-20 * time.Minute)
	require.True(t, over(planned)[slo.SourceSilent], "half an hour of it was not planned")
}
