package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

// sliced is a definition whose budget is made of minutes.
func sliced(t *testing.T, method slo.BudgetingMethod) slo.Definition {
	t.Helper()
	d := definition(t, "shop", 30*24*time.Hour)
	d.SLO.Method = method
	d.SLO.Objectives[0].SliceWindow = time.Minute
	var err error
	d.SLO.Objectives[0].SliceTarget, err = slo.ParseTarget("0.95", false)
	require.NoError(t, err)
	return d
}

func TestTimeSlicesAreCountedLiveAndAfterARestart(t *testing.T) {
	t.Parallel()
	for method, want := range map[slo.BudgetingMethod]slo.Counts{
		slo.Timeslices:      {Good: 8, Bad: 2},
		slo.RatioTimeslices: {Good: 8_460_000_000, Bad: 1_540_000_000},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := newFakeStore()
			b := newBench(t, store, sliced(t, method))
			time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
			b.seconds(240, healthy)                      // four good slices
			b.seconds(60, slo.Counts{Good: 96, Bad: 4})  // good enough
			b.seconds(60, failing)                       // a bad one
			b.seconds(60, slo.Counts{Good: 50, Bad: 50}) // and half a one
			b.seconds(181, healthy)                      // The slice that has just begun is not counted.
			got := b.state("shop")
			require.Equal(t, want, got.Counts, method)
			require.Equal(t, method, got.Method)
			b.stop()
			again := newBench(t, store, sliced(t, method))
			defer again.stop()
			time.Sleep(time.Second)
			synctest.Wait()
			require.Equal(t, want, again.state("shop").Counts, "read from the ledger: %s", method)
		})
	}
}

func TestAnEditedSliceTargetCountsAllHistoryAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), sliced(t, slo.Timeslices))
		defer b.stop()
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		b.seconds(121, slo.Counts{Good: 96, Bad: 4})
		require.Equal(t, slo.Counts{Good: 2}, b.state("shop").Counts)
		edited := sliced(t, slo.Timeslices)
		edited.Revision = 2
		edited.SLO.Objectives[0].SliceTarget, _ = slo.ParseTarget("0.99", false)
		b.engine.SetDefinitions([]slo.Definition{edited})
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, slo.Counts{Bad: 2}, b.state("shop").Counts)
		b.seconds(57, slo.Counts{Good: 10_000})
		require.Equal(t, slo.Counts{Bad: 2}, b.state("shop").Counts, "an open slice is none yet")
		b.seconds(2, healthy)
		require.Equal(t, slo.Counts{Good: 1, Bad: 2}, b.state("shop").Counts)
	})
}

func TestACompositeBurnsAsItsMembersDoTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := definition(t, "journey", 30*24*time.Hour)
		one, other := definition(t, "cart", time.Hour).SLO, definition(t, "pay", time.Hour).SLO
		d.SLO.Objectives = []slo.Objective{
			{Target: one.Objectives[0].Target, Indicator: &one.Indicator},
			{Target: other.Objectives[0].Target, Indicator: &other.Indicator, Weight: "2"},
		}
		store := newFakeStore()
		b := newBench(t, store, d)
		defer b.stop()
		now := time.Now()
		store.commit(slo.Commit{
			MeasuredUntil: now, Started: map[slo.SeriesID]time.Time{d.SLO.SeriesOf(0).ID: now, d.SLO.SeriesOf(1).ID: now},
			Deltas: []slo.Delta{
				{Series: d.SLO.SeriesOf(0).ID, Slice: slo.SliceOf(now), Counts: slo.Counts{Good: 9996, Bad: 4}},
				{Series: d.SLO.SeriesOf(1).ID, Slice: slo.SliceOf(now), Counts: slo.Counts{Good: 4999, Bad: 1}},
			},
			Watermarks: map[slo.SeriesID]time.Time{d.SLO.SeriesOf(0).ID: now},
		})
		b.engine.Wake()
		synctest.Wait()
		status, err := b.engine.Status("journey")
		require.NoError(t, err)
		require.Len(t, status.Objectives, 3, "two members and the composite")
		composite := status.Objectives[2]
		require.True(t, composite.Composite)
		require.InDelta(t, 0.4+2*0.2, composite.Budget.SpentRatio, 1e-12)
		require.False(t, composite.Budget.Exhausted)
		require.Equal(t, slo.Counts{Good: 14995, Bad: 5}, composite.Counts)
		line, err := b.engine.Timeline("journey", 2, now.Add(-time.Hour), now.Add(time.Minute), 100)
		require.NoError(t, err)
		require.InDelta(t, 0.2, line.Points[len(line.Points)-1].BudgetLeft, 1e-12)
		store.commit(slo.Commit{
			MeasuredUntil: now, Deltas: []slo.Delta{{Series: d.SLO.SeriesOf(1).ID, Slice: slo.SliceOf(now), Counts: slo.Counts{Bad: 1}}},
		})
		b.engine.Wake()
		synctest.Wait()
		status, err = b.engine.Status("journey")
		require.NoError(t, err)
		require.Greater(t, status.Objectives[2].Budget.SpentRatio, 1.0, "a commit of one member judges the composite")
		require.True(t, status.Objectives[2].Budget.Exhausted)
	})
}

func TestACalendarWindowStaysExactWhenItsEdgeIsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := definition(t, "shop", 30*24*time.Hour)
		now := time.Now()
		edge := now.Add(-20 * 24 * time.Hour).Truncate(time.Hour).Add(15 * time.Minute)
		d.SLO.Window.Calendar = slo.Calendar{Count: 1, Unit: 'M', Start: edge.UTC().Format(slo.CalendarStart), Zone: "UTC"}
		store := newFakeStore()
		at := func(at time.Time, good int64) slo.Delta {
			return slo.Delta{Series: d.SLO.SeriesOf(0).ID, Slice: slo.SliceOf(at), Counts: slo.Counts{Good: good}}
		}
		store.commit(slo.Commit{
			MeasuredUntil: now, Started: map[slo.SeriesID]time.Time{d.SLO.SeriesOf(0).ID: now.Add(-40 * 24 * time.Hour)},
			Deltas: []slo.Delta{at(edge.Add(-10*time.Second), 1), at(edge, 10), at(now, 100)},
		})
		b := newBench(t, store, d)
		defer b.stop()
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, int64(110), b.state("shop").Counts.Good, "what lies ten seconds before the month is not in it")
		rolling := definition(t, "rolling", 30*24*time.Hour)
		rolling.SLO.Indicator = d.SLO.Indicator
		b.engine.SetDefinitions([]slo.Definition{rolling})
		time.Sleep(time.Second)
		synctest.Wait()
		b.engine.SetDefinitions([]slo.Definition{rolling, d})
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, int64(110), b.state("shop").Counts.Good, "nor where the objective came after the events")
	})
}

func TestARestartRemembersWhatAFasterTierHasTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		shop := definition(t, "shop", 30*24*time.Hour)
		b := newBench(t, store, shop)
		b.seconds(3600, healthy)
		b.seconds(600, failing)
		b.seconds(310, healthy)
		require.Contains(t, store.states("fast"), slo.Resolved)
		b.stop()
		again := newBench(t, store, shop)
		defer again.stop()
		again.once = true
		again.seconds(60, healthy)
		require.NotContains(t, store.states("6h"), slo.Firing, "it would page for what is over")
		require.Equal(t, "fast", again.state("shop").Tiers[2].Inhibited)
	})
}

func TestAnEditOfWhatIsMeasuredKeepsBudgetAndAlerts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := definition(t, "shop", 30*24*time.Hour)
		first.Revision = 1
		store := newFakeStore()
		b := newBench(t, store, first)
		defer b.stop()
		b.seconds(3700, healthy)
		b.seconds(60, failing)
		require.Equal(t, 1, b.store.fired("fast"))
		before, firing := b.state("shop").Counts, b.state("shop").Firing

		edited := first
		edited.Revision, edited.AppliedAt = 2, time.Now()
		edited.SLO.Indicator.Total.Condition = "span.kind == SPAN_KIND_SERVER"
		edited.Earlier = []slo.EarlierRevision{{Revision: 1, Until: edited.AppliedAt, SLO: first.SLO}}
		b.engine.SetDefinitions([]slo.Definition{edited})
		old, now := first.SLO.SeriesOf(0).ID, edited.SLO.SeriesOf(0).ID
		second := func(c slo.Counts) { // Both are counted.
			at := time.Now()
			store.commit(slo.Commit{
				MeasuredUntil: at, Started: map[slo.SeriesID]time.Time{now: edited.AppliedAt},
				Deltas: []slo.Delta{
					{Series: old, Slice: slo.SliceOf(at), Counts: c},
					{Series: now, Slice: slo.SliceOf(at), Counts: slo.Counts{Good: c.Good / 2, Bad: c.Bad / 2}},
				},
				Watermarks: map[slo.SeriesID]time.Time{old: at, now: at},
			})
			b.engine.Wake()
			time.Sleep(time.Second)
			synctest.Wait()
		}
		for range 30 {
			second(failing)
		}
		o := b.state("shop")
		require.Equal(t, before.Plus(slo.Counts{Bad: 30 * 50}), o.Counts, "the budget goes over to the new series at the edit")
		require.Len(t, o.Splices, 1)
		require.Equal(t, before, o.Splices[0].Counts)
		require.Len(t, o.Firing, len(firing), "what fires goes on firing")
		for i := range firing {
			require.Equal(t, firing[i].ID, o.Firing[i].ID)
		}
		require.Equal(t, 1, b.store.fired("fast"), "and is not told again")
		require.Equal(t, 1, o.Tiers[0].Revision, "the old series judges until the new one covers two minutes")
		for range 100 {
			second(failing)
		}
		require.Zero(t, b.state("shop").Tiers[0].Revision)
		require.Equal(t, 1, b.state("shop").Tiers[1].Revision)
		require.Contains(t, b.state("shop").Tiers[1].Explain(), "Judged by revision 1 until the one of now covers the last 1h.")
		require.Equal(t, 1, b.store.fired("fast"))

		retired := edited
		retired.Earlier = []slo.EarlierRevision{{Revision: 1, Until: edited.AppliedAt, SLO: first.SLO, Retired: true}}
		b.engine.SetDefinitions([]slo.Definition{retired})
		second(failing)
		require.Zero(t, b.state("shop").Tiers[1].Revision, "retired at once")
		require.Equal(t, before, b.state("shop").Splices[0].Counts, "its history stays")
	})
}

func TestACompositeOfOneMemberIsJudgedAsSuch(t *testing.T) {
	t.Parallel()
	for _, method := range []slo.BudgetingMethod{slo.Occurrences, slo.Timeslices, slo.RatioTimeslices} {
		synctest.Test(t, func(t *testing.T) {
			d := sliced(t, method)
			own := d.SLO.Indicator
			d.SLO.Objectives[0].Indicator = &own
			store := newFakeStore()
			b := newBench(t, store, d)
			b.seconds(130, healthy)
			b.stop()
			again := newBench(t, store, d) // It must not stand in the way of a start either.
			defer again.stop()
			time.Sleep(time.Second)
			synctest.Wait()
			status, err := again.engine.Status("shop")
			require.NoError(t, err)
			require.Len(t, status.Objectives, 2)
			require.Equal(t, status.Objectives[0].Counts, status.Objectives[1].Counts, method)
			require.NotZero(t, status.Objectives[1].Counts)
		})
	}
}

func TestWhatAnEditEndedInhibitsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := definition(t, "shop", 30*24*time.Hour)
		first.Revision = 1
		store := newFakeStore()
		b := newBench(t, store, first)
		defer b.stop()
		b.seconds(3700, healthy)
		b.seconds(30, failing)
		require.Equal(t, 1, b.store.fired("fast"))
		edited := sliced(t, slo.Timeslices) // Which has no fast tier.
		edited.Revision = 2
		b.engine.SetDefinitions([]slo.Definition{edited})
		b.seconds(180, failing)
		require.Contains(t, store.states("fast"), slo.Resolved)
		require.Equal(t, 1, b.store.fired("1h"), "it need not wait for what an edit has ended")
	})
}
