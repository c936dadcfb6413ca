package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

// fired counts the transitions to firing, of one tier or (with "") of all.
func (f *fakeStore) fired(tier string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.moved {
		if m.Episode.State == slo.Firing && (tier == "" || m.Episode.Tier == tier) {
			n++
		}
	}
	return n
}

func (f *fakeStore) movedSoFar() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.moved)
}

// lag makes the ledger commit one more for each that comes until it is that
// many commits, of a second each, behind.
func (b *bench) lag(c slo.Counts, seconds int) {
	for range seconds {
		b.store.set(func(f *fakeStore) { f.hidden++ })
		b.second(c)
	}
}

func TestWhatBeganAndEndedWhileNobodyCouldLookIsHistory(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(*bench){
		"the store was away": func(b *bench) {
			b.store.set(func(f *fakeStore) { f.fail = true })
			b.seconds(120, failing)
			b.seconds(2000, healthy)
			b.store.set(func(f *fakeStore) { f.fail = false })
			b.second(healthy)
		},
		"the store hung": func(b *bench) {
			b.store.set(func(f *fakeStore) { f.hangs = true })
			b.seconds(120, failing)
			b.seconds(2000, healthy)
			b.store.set(func(f *fakeStore) { f.hangs = false })
			b.seconds(12, healthy)
		},
		"the ledger was behind and caught up five times as fast": func(b *bench) {
			b.lag(failing, 120)
			b.lag(healthy, 2000)
			for hidden := 2120; hidden > 0; {
				hidden = max(0, hidden-5)
				b.store.set(func(f *fakeStore) { f.hidden = hidden })
				b.engine.Wake()
				synctest.Wait()
				if hidden > 30 {
					require.Equal(b.t, 0, b.store.movedSoFar(), "nothing moves in the middle of a backlog")
					require.NotZero(b.t, b.state("shop").StaleSince)
				}
				time.Sleep(time.Second)
				synctest.Wait()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
				defer b.stop()
				b.seconds(300, healthy)
				away(b)
				b.seconds(2, healthy)
				for _, tier := range []string{"fast", "1h", "6h"} {
					require.Zero(t, b.store.fired(tier), "%s pages for what is over", tier)
				}
				require.Zero(t, b.state("shop").StaleSince)
				require.Equal(t, int64(12_000), b.state("shop").Counts.Bad, "it is in the budget all the same")
				b.seconds(10, healthy)
				b.seconds(15, failing)
				require.Equal(t, 1, b.store.fired("fast"), "what comes next is told")
			})
		})
	}
}

func TestWhatStillGoesOnAfterAnOutageFiresOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(300, healthy)
		b.store.set(func(f *fakeStore) { f.fail = true })
		for range 10 { // It comes and goes, and is there at the end.
			b.seconds(60, failing)
			b.seconds(400, healthy)
		}
		b.seconds(60, failing)
		require.Zero(t, b.store.movedSoFar())
		b.store.set(func(f *fakeStore) { f.fail = false })
		b.seconds(30, failing)
		require.Equal(t, 1, b.store.fired("fast"))
		require.Zero(t, b.store.fired("1h"), "the fast tier has told it")
	})
}

func TestAnEpisodeThatFiresHoldsWhileVerdictsAreStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(300, healthy)
		b.seconds(20, failing)
		require.Equal(t, 1, b.store.fired("fast"))
		moved := b.store.movedSoFar()
		b.lag(healthy, 1200)
		require.Equal(t, moved, b.store.movedSoFar(), "nothing fires, lapses or resolves")
		require.Len(t, b.state("shop").Firing, 2)
		b.store.set(func(f *fakeStore) { f.hidden = 0 })
		b.seconds(200, healthy)
		require.NotContains(t, b.store.states("fast"), slo.Resolved, "five quiet minutes begin when somebody looks again")
		b.seconds(110, healthy)
		require.Contains(t, b.store.states("fast"), slo.Resolved)
		require.Equal(t, 1, b.store.fired("fast"))
	})
}

func TestReadersAreToldSinceWhenVerdictsAreStale(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breaks func(*fakeStore)
		within time.Duration
	}{
		"a store that answers with errors": {func(f *fakeStore) { f.fail = true }, 2 * time.Second},
		"a store that never answers":       {func(f *fakeStore) { f.hangs = true }, 13 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour), definition(t, "cart", 30*24*time.Hour))
				defer b.stop()
				b.seconds(60, healthy)
				until := b.state("shop").MeasuredUntil
				require.Zero(t, b.state("shop").StaleSince)
				b.store.set(c.breaks)
				time.Sleep(c.within)
				synctest.Wait()
				for _, name := range []string{"shop", "cart"} {
					require.Equal(t, until, b.state(name).StaleSince, "%s, of all objectives at once", name)
				}
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				status := b.state("shop")
				require.Equal(t, until, status.StaleSince)
				require.Equal(t, until, b.engine.StaleSince())
				require.Equal(t, until, status.To, "verdicts are of then")
				require.False(t, status.Silent, "the silence is Slowburn's")
				require.Equal(t, slo.Unmeasured, status.State)
				require.Greater(t, len(b.alarmed(slo.AlarmStale)), 500)
				require.Contains(t, b.alarmed(slo.AlarmStale)[0], until.UTC().Format(time.RFC3339))
				b.store.set(func(f *fakeStore) { f.fail, f.hangs = false, false })
				b.seconds(13, healthy)
				require.Zero(t, b.state("shop").StaleSince)
				require.Zero(t, b.state("cart").StaleSince)
			})
		})
	}
}

func TestALedgerThatLagsForGoodIsNeverSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(60, healthy)
		b.lag(healthy, 60)
		b.seconds(300, failing)
		require.Zero(t, b.store.fired(""), "a minute behind nothing is of now")
		require.NotZero(t, b.state("shop").StaleSince)
		require.Greater(t, len(b.alarmed(slo.AlarmStale)), 290, "the alarm says so every second")
		b.store.set(func(f *fakeStore) { f.hidden = 20 })
		b.seconds(25, failing)
		require.Zero(t, b.store.fired(""), "it may still be catching up")
		b.seconds(10, failing)
		require.Equal(t, 1, b.store.fired("fast"), "twenty seconds behind is as near as it gets, and better than nothing")
		require.Zero(t, b.state("shop").StaleSince)
	})
}

func TestARestartShowsTheLastKnownStateWhileTheLedgerCatchesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := newBench(t, store, definition(t, "shop", 30*24*time.Hour))
		b.seconds(60, healthy)
		b.seconds(60, failing)
		b.stop()
		before := b.state("shop")
		moved := store.movedSoFar()
		for range 3600 { // The journal goes on; the ledger was away for an hour.
			store.set(func(f *fakeStore) { f.hidden++ })
			b.second(healthy)
		}
		again := newBench(t, store, definition(t, "shop", 30*24*time.Hour))
		defer again.stop()
		again.once = true
		require.False(t, again.engine.Ready() && again.state("shop").StaleSince.IsZero())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.True(t, again.engine.Ready())
		after := again.state("shop")
		require.Equal(t, before.Counts, after.Counts)
		require.Len(t, after.Firing, len(before.Firing))
		require.Equal(t, before.MeasuredUntil, after.StaleSince)
		require.Equal(t, moved, store.movedSoFar())
		store.set(func(f *fakeStore) { f.hidden = 0 })
		again.seconds(400, healthy)
		require.Contains(t, store.states("fast"), slo.Resolved)
		require.Equal(t, 1, store.fired("fast"))
	})
}

func TestAStoreThatTakesNothingRaisesTheAlarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(300, healthy)
		b.store.set(func(f *fakeStore) { f.failSave = true })
		b.seconds(60, failing)
		require.Greater(t, len(b.alarmed(slo.AlarmStale)), 30)
		require.Contains(t, b.alarmed(slo.AlarmStale)[0], "Episodes cannot be stored")
		b.store.set(func(f *fakeStore) { f.failSave = false })
		b.seconds(2, failing)
		require.Equal(t, 1, b.store.fired("fast"))
	})
}

func TestDeletingAnObjectiveEndsItsEpisodesThoughVerdictsAreStale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(60, healthy)
		b.seconds(60, failing)
		b.lag(failing, 120)
		b.engine.SetDefinitions(nil)
		b.second(failing)
		require.Contains(t, b.store.states("fast"), slo.Resolved, "a human's word is of now")
	})
}

func TestARecountedStretchIsCountedSinceItsBeginning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		began := time.Now()
		b.seconds(20, healthy)
		require.Equal(t, began, b.state("shop").CountedSince)
		until := began
		for range 3 {
			since := until.Add(-10 * time.Hour)
			b.store.commit(slo.Commit{
				MeasuredUntil: time.Now(),
				Deltas:        []slo.Delta{{Series: b.id, Slice: slo.SliceOf(since), Counts: slo.Counts{Bad: 1}}},
				Recounted:     []slo.Recounted{{Series: b.id, Since: since, Until: until}},
			})
			until = since
			b.second(healthy)
			require.Equal(t, since, b.state("shop").CountedSince)
		}
		require.Equal(t, int64(3), b.state("shop").Counts.Bad)
		require.Zero(t, b.store.fired(""))
	})
}
