package engine_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/engine"
)

// everyDay expands an exclusion to one hour after midnight of each day.
func everyDay(exclusions []slo.Exclusion, from, to time.Time) []slo.Excluded {
	var all []slo.Excluded
	for at := from.Truncate(24 * time.Hour); at.Before(to); at = at.Add(24 * time.Hour) {
		for _, e := range exclusions {
			begin := at.Add(time.Hour + 7*time.Minute)
			all = append(all, slo.Excluded{Interval: slo.Interval{From: begin, To: begin.Add(e.Duration)}, As: e.As, Reason: e.Reason})
		}
	}
	return all
}

// maintained is a definition with an hour of maintenance a day.
func maintained(t *testing.T, as slo.ExclusionKind) slo.Definition {
	t.Helper()
	d := definition(t, "shop", 30*24*time.Hour)
	d.SLO.Exclusions = []slo.Exclusion{{Duration: time.Hour, As: as, Reason: "backup"}}
	return d
}

func TestAMaintenanceWindowDoesNotPageAndBothBudgetsStay(t *testing.T) {
	t.Parallel()
	for as, want := range map[slo.ExclusionKind]slo.Counts{
		slo.Drop:      {Good: 60_000, Bad: 100},
		slo.CountGood: {Good: 90_000, Bad: 100},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := newFakeStore()
			settings := engine.Settings{Ledger: store, Episodes: store, Expand: everyDay}
			b := newBenchWith(t, store, settings, maintained(t, as))
			time.Sleep(time.Until(time.Now().Truncate(24 * time.Hour).Add(24*time.Hour + time.Hour + 2*time.Minute)))
			b.seconds(300, healthy)
			b.seconds(300, failing) // In the window: an outage that would page within seconds.
			require.Equal(t, slo.OK, b.state("shop").State)
			require.Empty(t, b.store.moved, "nothing fires, nothing is pending")
			time.Sleep(55 * time.Minute)
			b.seconds(300, healthy)
			b.seconds(1, failing)
			got := b.state("shop")
			require.Equal(t, want, got.Counts, as)
			require.Equal(t, slo.Counts{Bad: 30_000}, got.ExcludedCounts)
			require.Equal(t, slo.Counts{Good: 60_000, Bad: 30_100}, got.Without.Counts)
			require.Greater(t, got.Without.Budget.SpentRatio, 300.0, "without exclusions all of it is spent many times over")
			require.NotEmpty(t, got.Excluded)
			b.stop()
			time.Sleep(20 * 24 * time.Hour) // The edges are old: only pins know them.
			again := newBenchWith(t, store, settings, maintained(t, as))
			defer again.stop()
			time.Sleep(time.Second)
			synctest.Wait()
			require.Equal(t, want, again.state("shop").Counts, "read from the ledger")
		})
	}
}

func TestExclusionsAreFoundAnewAsTimePasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := newBenchWith(t, store, engine.Settings{Ledger: store, Episodes: store, Expand: everyDay}, maintained(t, slo.Drop))
		defer b.stop()
		b.second(healthy)
		time.Sleep(time.Until(time.Now().Truncate(24 * time.Hour).Add(24*time.Hour + 90*time.Minute)))
		b.second(failing) // In the maintenance of a day that was too far ahead at the start.
		time.Sleep(time.Hour)
		b.second(healthy)
		got := b.state("shop")
		require.Equal(t, slo.Counts{Good: 200}, got.Counts)
		require.Equal(t, slo.Counts{Bad: 100}, got.ExcludedCounts)
		store.set(func(f *fakeStore) {
			require.Equal(t, 1, f.rebuilds, "edges are pinned in time: the ledger is not read anew")
		})
	})
}

func TestAnEditThatExcludesThePastReadsTheLedgerAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := newBenchWith(t, store, engine.Settings{Ledger: store, Episodes: store, Expand: everyDay}, definition(t, "shop", 30*24*time.Hour))
		time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)))
		b.second(healthy)
		time.Sleep(10 * time.Minute)
		b.second(failing)
		b.stop()
		time.Sleep(5*24*time.Hour + 2*time.Hour)
		b = newBenchWith(t, store, engine.Settings{Ledger: store, Episodes: store, Expand: everyDay}, definition(t, "shop", 30*24*time.Hour))
		b.once = true
		defer b.stop() // Of the hour of the failure only the sum is known once there is a newer one.
		b.second(healthy)
		require.Equal(t, slo.Counts{Good: 200, Bad: 100}, b.state("shop").Counts)
		edited := maintained(t, slo.Drop)
		edited.Revision = 2
		b.engine.SetDefinitions([]slo.Definition{edited})
		b.second(slo.Counts{})
		require.Equal(t, slo.Counts{Good: 200}, b.state("shop").Counts)
	})
}

func TestAResetDoesNotOutliveItsSLO(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		old := slo.Reset{SLO: "shop", At: time.Now().UTC(), Reason: "of the one that was deleted"}
		settings := engine.Settings{Ledger: store, Episodes: store, Resets: func(context.Context, time.Time) ([]slo.Reset, error) {
			return []slo.Reset{old}, nil
		}}
		d := definition(t, "shop", 30*24*time.Hour)
		b := newBenchWith(t, store, settings, d)
		defer b.stop()
		b.seconds(2, healthy)
		require.Equal(t, old.At, b.state("shop").ResetAt)

		b.engine.SetDefinitions(nil)
		time.Sleep(time.Hour)
		d.Revision, d.AppliedAt, d.CreatedAt = 2, time.Now().UTC(), time.Now().UTC()
		b.engine.SetDefinitions([]slo.Definition{d})
		b.seconds(70, healthy) // Resets are read again every minute.
		require.Zero(t, b.state("shop").ResetAt)
		status, err := b.engine.Status("shop")
		require.NoError(t, err)
		require.Empty(t, status.Resets)

		own := slo.Reset{SLO: "shop", At: time.Now().UTC(), Reason: "of the new one"}
		b.engine.AddResets([]slo.Reset{own})
		require.Equal(t, own.At, b.state("shop").ResetAt)
		status, err = b.engine.Status("shop")
		require.NoError(t, err)
		require.Equal(t, []slo.Reset{own}, status.Resets)
	})
}

func TestAResetBeginsTheBudgetAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		var stored []slo.Reset
		settings := engine.Settings{Ledger: store, Episodes: store, Resets: func(context.Context, time.Time) ([]slo.Reset, error) {
			return stored, nil
		}}
		b := newBenchWith(t, store, settings, definition(t, "shop", 30*24*time.Hour))
		time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour + 10*time.Minute + 20*time.Second)))
		b.seconds(5, healthy)
		b.second(failing)
		require.Equal(t, slo.Exhausted, b.state("shop").State)
		reset := slo.Reset{SLO: "shop", At: time.Now().UTC(), Reason: "the load test"}
		stored = append(stored, reset)
		b.engine.AddResets([]slo.Reset{reset})
		got := b.state("shop")
		require.Equal(t, slo.Counts{}, got.Counts, "at once")
		require.Equal(t, reset.At, got.ResetAt)
		require.Equal(t, int64(100), got.BurnRates[len(got.BurnRates)-2].Counts.Bad, "look-backs stay as they are")
		edited := definition(t, "shop", 30*24*time.Hour)
		edited.Revision, edited.SLO.DisplayName = 2, "Shop"
		b.engine.SetDefinitions([]slo.Definition{edited})
		require.Equal(t, reset.At, b.state("shop").ResetAt, "an edit forgives nothing less")
		time.Sleep(time.Minute)
		b.seconds(10, healthy)
		want := slo.Counts{Good: 1000}
		require.Equal(t, want, b.state("shop").Counts)
		line, err := b.engine.Timeline("shop", 0, time.Now().Add(-10*time.Minute), time.Now(), 100)
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(line.Points, func(p slo.Point) bool { return p.BudgetLeft < 0 }), "what was spent before stays visible")
		require.InDelta(t, 1, line.Points[len(line.Points)-1].BudgetLeft, 0)
		b.stop()
		for _, days := range []time.Duration{4, 27} {
			time.Sleep(days * 24 * time.Hour)
			again := newBenchWith(t, store, settings, definition(t, "shop", 30*24*time.Hour))
			again.once = true
			again.seconds(2, slo.Counts{})
			status, err := again.engine.Status("shop")
			require.NoError(t, err)
			require.Equal(t, []slo.Reset{reset}, status.Resets)
			if days == 4 {
				require.Equal(t, want, again.state("shop").Counts, "an engine that starts learns of it")
			} else {
				require.Zero(t, again.state("shop").ResetAt, "the window has moved past it")
			}
			again.stop()
		}
	})
}
