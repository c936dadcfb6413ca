package slo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
)

// TestASplicedBudgetEqualsTheOracle edits what is measured twice, and compares
// the window, each tier and what is said of the difference with looking at every
// event of the three series.
func TestASplicedBudgetEqualsTheOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		definition := drawDefinition(t)
		definition.Policies = nil
		definition.Objectives = definition.Objectives[:1]
		definition.Objectives[0].Indicator = nil
		const revisions = 3
		worlds, oracles := make([]*world, revisions), make([]*fullOracle, revisions)
		for i := range revisions {
			worlds[i], oracles[i] = newWorld(definition), &fullOracle{definition: definition, newest: make([]time.Time, 1)}
		}
		now := time.Unix(1_792_850_000+rapid.Int64Range(0, 200_000).Draw(t, "start"), 0).UTC()
		edits := []time.Time{ // Of the newest series, and of the one before.
			now.Add(-time.Duration(rapid.Int64Range(0, int64(40*time.Hour)).Draw(t, "edited"))),
			now.Add(-time.Duration(rapid.Int64Range(int64(41*time.Hour), int64(70*time.Hour)).Draw(t, "edited before"))),
		}
		since := []time.Time{ // The newest was recounted for some time before its edit.
			edits[0].Add(-time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "recounted"))),
			now.Add(-200 * 24 * time.Hour), now.Add(-300 * 24 * time.Hour),
		}
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			i := rapid.IntRange(0, revisions-1).Draw(t, "series")
			at := now.Add(-time.Duration(rapid.Int64Range(0, int64(73*time.Hour)).Draw(t, "age")))
			c := slo.Counts{Good: rapid.Int64Range(0, 2000).Draw(t, "good"), Bad: rapid.Int64Range(0, 50).Draw(t, "bad")}
			oracles[i].events = append(oracles[i].events, oracleEvent{second: at.Unix(), counts: c})
		}
		for i := range worlds {
			worlds[i] = worlds[i].again(t, oracles[i], now)
			for _, edit := range edits {
				worlds[i].tracks[0].Pin(slo.SliceOf(edit))
				if worlds[i].slices[0] != nil {
					worlds[i].slices[0].History().Pin(slo.SliceOf(edit))
				}
			}
		}
		raw := drawExcluded(t, now, 73*time.Hour, 0)
		excluded := slo.Excluding(raw, now.Add(-300*24*time.Hour), now.Add(time.Hour))
		for i := range worlds {
			oracles[i].excluded, worlds[i].excluded = raw, excluded
			require.True(t, worlds[i].pin(now))
		}
		retired := rapid.Bool().Draw(t, "retired")
		reading := func(i int) slo.Reading {
			return worlds[i].reading(0, now, []time.Time{now}, since[i])
		}
		r := reading(0)
		r.Excluded = excluded
		r.Coverage.Since = now.Add(-400 * 24 * time.Hour)
		for i := 1; i < revisions; i++ {
			e := reading(i)
			r.Earlier = append(r.Earlier, slo.Earlier{
				Revision: revisions - i, Until: edits[i-1], Retired: retired, History: e.History, Events: e.Events, Series: e.Series,
			})
		}
		s := worlds[0].plans[0].Evaluate(r)

		end := oracles[0].end(now)
		cut := func(i int) int64 { return floorDiv(edits[i].Unix(), 10) * 10 }
		spliced := func(from int64) slo.Counts {
			var sum slo.Counts
			for i, part := range [][2]int64{{max(from, cut(0)), end}, {max(from, cut(1)), min(end, cut(0))}, {from, min(end, cut(1))}} {
				if part[0] < part[1] {
					sum = sum.Plus(oracles[i].sum(0, part[0], part[1]))
				}
			}
			return sum
		}
		require.Equal(t, spliced(s.From.Unix()), s.Counts)
		for _, b := range s.BurnRates[:len(s.BurnRates)-1] {
			from, by := oracles[0].lookBack(now, b.Length), 0
			if since[0].After(time.Unix(from, 0)) && !retired {
				by = 1
			}
			require.Equal(t, oracles[by].sum(0, from, end), b.Counts, "%s is that of one series, as the tiers", b.Length)
		}
		for _, tier := range s.Tiers {
			if tier.Kind != slo.BurnRate {
				continue
			}
			from := oracles[0].lookBack(now, tier.Tier.Long)
			by, revision := 0, 0
			if since[0].After(time.Unix(from, 0)) && !retired {
				by, revision = 1, 2
			}
			require.Equal(t, revision, tier.Revision, "%s", tier.Name)
			require.Equal(t, oracles[by].sum(0, from, end), tier.Long.Counts, "%s is judged by one series as a whole", tier.Name)
		}
		for _, one := range s.Splices {
			i := revisions - one.Revision
			first, last := one.Both.From.Unix(), one.Both.To.Unix()
			begins, least := latestOf(since[0], time.Unix(s.From.Unix(), 0)), 2*time.Hour
			if now.Sub(begins) < 6*time.Hour {
				least = 20 * time.Second
			}
			require.True(t, first < last || time.Unix(end, 0).Sub(begins) < least, "whatever is common is compared, to the grid that is kept")
			if first < last {
				require.False(t, one.Both.From.Before(since[0]), "only where both were counted")
				require.Equal(t, oracles[i].sum(0, first, last), one.Before)
				require.Equal(t, oracles[0].sum(0, first, last), one.After)
			}
		}
		line := worlds[0].plans[0].Timeline(r, now.Add(-50*time.Hour), now.Add(slo.SliceLength), 100) // With the slice that has just begun.
		var drawn slo.Counts
		for _, p := range line.Points {
			drawn = drawn.Plus(p.Counts)
		}
		if n := len(line.Points); n > 0 && line.Points[n-1].HasBudget {
			require.InDelta(t, s.Budget.RemainingRatio, line.Points[n-1].BudgetLeft, 1e-9*max(1, s.Budget.SpentRatio))
		}
		for i := range oracles {
			oracles[i].excluded = nil
		}
		require.Equal(t, spliced(line.From.Unix()), drawn, "the charts show what happened")
	})
}

func latestOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
