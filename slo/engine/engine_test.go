package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errStore = errors.New("the store does not answer")

// fakeStore is a ledger and a store of episodes that can fail, also after it
// did what was asked.
type fakeStore struct {
	mu        sync.Mutex
	commits   []slo.Commit
	pruned    int64
	episodes  map[string]slo.Episode
	told      []slo.Notification
	moved     []slo.Transition
	rebuilds  int
	fail      bool
	failAfter bool
	// hidden is how many of the newest commits the ledger has not made yet.
	hidden int
	// hangs: the store takes questions and never answers.
	hangs bool
	// failSave: it answers, but takes nothing.
	failSave bool
	// epoch is that of the newest term; fence: others are refused.
	epoch int64
	fence bool
	// held is the term that holds the lock, if there is one.
	lock bool
	held *fakeTerm
}

func newFakeStore() *fakeStore { return &fakeStore{episodes: map[string]slo.Episode{}} }

func (f *fakeStore) commit(c slo.Commit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.Shard, c.Sequence = "a", int64(len(f.commits)+1)
	f.commits = append(f.commits, c)
}

func (f *fakeStore) ReadLedger(_ context.Context, _ time.Time, _ slo.Detail, visit func(slo.Delta)) (map[slo.SeriesID]slo.SeriesState, slo.Coverage, map[string]int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail {
		return nil, slo.Coverage{}, nil, errStore
	}
	f.rebuilds++
	states := map[slo.SeriesID]slo.SeriesState{}
	coverage := slo.Coverage{}
	for _, c := range f.commits[:len(f.commits)-f.hidden] {
		for _, d := range c.Deltas {
			visit(d)
		}
		for id, at := range c.Watermarks {
			s := states[id]
			if at.After(s.Watermark) {
				s.Watermark = at
			}
			states[id] = s
		}
		for id, at := range c.Started {
			s := states[id]
			s.Counted = append(s.Counted, slo.Interval{From: at})
			states[id] = s
		}
		if coverage.Since.IsZero() {
			coverage.Since = c.MeasuredUntil
		}
		coverage.Until = c.MeasuredUntil
	}
	return states, coverage, map[string]int64{"a": int64(len(f.commits) - f.hidden)}, nil
}

func (f *fakeStore) Commits(ctx context.Context, after map[string]int64, limit int) ([]slo.Commit, error) {
	var hangs bool
	if f.set(func(f *fakeStore) { hangs = f.hangs }); hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail {
		return nil, errStore
	}
	if after["a"] < f.pruned {
		return nil, slo.ErrRebuild
	}
	rest := f.commits[after["a"]:max(int(after["a"]), len(f.commits)-f.hidden)]
	return rest[:min(limit, len(rest))], nil
}

func (f *fakeStore) OpenEpisodes(context.Context) ([]slo.Episode, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail {
		return nil, errStore
	}
	var open []slo.Episode
	for _, e := range f.episodes {
		if e.State == slo.Pending || e.State == slo.Firing {
			open = append(open, e)
		}
	}
	return open, nil
}

func (f *fakeStore) FindEpisodes(_ context.Context, query slo.EpisodeQuery) ([]slo.Episode, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail {
		return nil, errStore
	}
	var found []slo.Episode
	for _, e := range f.episodes {
		if slices.Contains(query.States, e.State) && !e.ResolvedAt.Before(query.From) {
			found = append(found, e)
		}
	}
	return found, nil
}

func (f *fakeStore) SaveTransitions(_ context.Context, epoch int64, moved []slo.Transition, tell []slo.Notification) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail || f.failSave {
		return errStore
	}
	if f.fence && epoch != f.epoch {
		return slo.ErrFenced
	}
	for _, m := range moved {
		f.episodes[m.Episode.ID] = m.Episode
	}
	f.moved = append(f.moved, moved...)
	f.told = append(f.told, tell...)
	if f.failAfter {
		f.failAfter = false
		return errStore
	}
	return nil
}

func (f *fakeStore) set(change func(*fakeStore)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeStore) states(tier string) []slo.EpisodeState {
	f.mu.Lock()
	defer f.mu.Unlock()
	var states []slo.EpisodeState
	for _, m := range f.moved {
		if m.Episode.Tier == tier {
			states = append(states, m.Episode.State)
		}
	}
	return states
}

type announcer struct{}

func (announcer) Labels(t slo.Transition) map[string]string {
	return map[string]string{"objective": t.Status.Target.String()}
}

func (announcer) Notifications(t slo.Transition) ([]slo.Notification, error) {
	return []slo.Notification{{ID: t.Episode.ID + string(t.Episode.State), Episode: t.Episode.ID, State: t.Episode.State}}, nil
}

func definition(t *testing.T, name string, window time.Duration) slo.Definition {
	t.Helper()
	target, err := slo.ParseTarget("0.999", false)
	require.NoError(t, err)
	return slo.Definition{SLO: slo.SLO{
		Name: name, Window: slo.Window{Duration: window},
		Indicator:  slo.Indicator{Total: slo.SpanSource{Service: name}, Bad: &slo.SpanSource{}},
		Objectives: []slo.Objective{{Target: target}},
	}}
}

// bench is an engine that runs in a bubble of fake time over a fake store.
type bench struct {
	t      *testing.T
	store  *fakeStore
	engine *engine.Engine
	id     slo.SeriesID
	stop   func()
	once   bool
	alarms map[string][]string
	mu     sync.Mutex
}

// alarmed returns what was said of an alarm while it was wrong.
func (b *bench) alarmed(name string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.alarms[name])
}

func newBench(t *testing.T, store *fakeStore, definitions ...slo.Definition) *bench {
	t.Helper()
	return newBenchWith(t, store, engine.Settings{Ledger: store, Episodes: store}, definitions...)
}

func newBenchWith(t *testing.T, store *fakeStore, settings engine.Settings, definitions ...slo.Definition) *bench {
	t.Helper()
	b := &bench{t: t, store: store, alarms: map[string][]string{}}
	settings.Announcer, settings.Logger = announcer{}, slog.New(slog.DiscardHandler)
	settings.Alarm = func(name string, wrong bool, text string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if wrong {
			b.alarms[name] = append(b.alarms[name], text)
		}
	}
	b.engine = engine.New(settings)
	b.engine.SetDefinitions(definitions)
	if len(definitions) > 0 {
		b.id = definitions[0].SLO.Indicator.Series().ID
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.engine.Run(ctx)
	}()
	b.stop = func() { cancel(); <-done }
	return b
}

// second lets one second pass in which the series counts.
func (b *bench) second(c slo.Counts) {
	now := time.Now()
	commit := slo.Commit{MeasuredUntil: now}
	if c.Total() > 0 {
		commit.Deltas = []slo.Delta{{Series: b.id, Slice: slo.SliceOf(now), Counts: c}}
		commit.Watermarks = map[slo.SeriesID]time.Time{b.id: now}
	}
	if !b.once {
		commit.Started = map[slo.SeriesID]time.Time{b.id: now}
		b.once = true
	}
	b.store.commit(commit)
	b.engine.Wake()
	time.Sleep(time.Second)
	synctest.Wait()
}

func (b *bench) seconds(n int, c slo.Counts) {
	for range n {
		b.second(c)
	}
}

func (b *bench) state(name string) slo.ObjectiveStatus {
	status, err := b.engine.Status(name)
	require.NoError(b.t, err)
	return status.Objectives[0]
}

var (
	healthy = slo.Counts{Good: 100}
	failing = slo.Counts{Bad: 100}
)

func TestAnOutageFiresTheFastTierAndResolvesAfterFiveQuietMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(300, healthy)
		require.Equal(t, slo.OK, b.state("shop").State)
		b.seconds(11, failing)
		require.Empty(t, b.store.states("fast"), "below 12 s the fast tier cannot know")
		b.seconds(3, failing)
		require.Equal(t, []slo.EpisodeState{slo.Firing}, b.store.states("fast")[len(b.store.states("fast"))-1:])
		require.NotEmpty(t, b.state("shop").Firing)
		b.seconds(330, healthy)
		states := b.store.states("fast")
		require.Equal(t, slo.Resolved, states[len(states)-1])
		require.Equal(t, int64(1400), b.state("shop").Counts.Bad)
		b.store.set(func(f *fakeStore) {
			require.Len(t, f.told, len(f.moved), "every transition was told in the transaction that stored it")
		})
	})
}

func TestSilenceHoldsWhatFires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(60, healthy)
		b.seconds(60, failing)
		before := len(b.state("shop").Firing)
		require.Positive(t, before)
		b.seconds(1200, slo.Counts{})
		require.NotEmpty(t, b.state("shop").Firing, "no event says that it is over")
		for _, states := range [][]slo.EpisodeState{b.store.states("fast"), b.store.states("1h")} {
			require.NotContains(t, states, slo.Resolved)
		}
	})
}

func TestAnUnknownOutcomeNeverMakesASecondEpisode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(60, healthy)
		for range 40 {
			b.store.set(func(f *fakeStore) { f.failAfter = true })
			b.second(failing)
		}
		firing := map[string]int{}
		b.store.set(func(f *fakeStore) {
			for _, e := range f.episodes {
				if e.State == slo.Firing {
					firing[e.Tier]++
				}
			}
		})
		require.NotEmpty(t, firing)
		for tier, n := range firing {
			require.Equal(t, 1, n, tier)
		}
	})
}

func TestAStoreThatIsAwayLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(60, healthy)
		b.store.set(func(f *fakeStore) { f.fail = true })
		b.seconds(60, failing)
		require.Empty(t, b.store.states("fast"))
		b.store.set(func(f *fakeStore) { f.fail = false })
		b.seconds(2, failing)
		require.NotEmpty(t, b.state("shop").Firing)
		require.Equal(t, slo.Counts{Good: 6000, Bad: 6200}, b.state("shop").Counts)
	})
}

func TestARestartGoesOnWithTheSameEpisode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := newBench(t, store, definition(t, "shop", 30*24*time.Hour))
		b.seconds(60, healthy)
		b.seconds(60, failing)
		b.stop()
		before := b.state("shop")
		again := newBench(t, store, definition(t, "shop", 30*24*time.Hour))
		defer again.stop()
		again.once = true
		again.second(healthy)
		after := again.state("shop")
		require.Equal(t, before.Counts.Plus(healthy), after.Counts)
		require.Len(t, after.Firing, len(before.Firing))
		for i := range after.Firing {
			require.Equal(t, before.Firing[i].ID, after.Firing[i].ID)
		}
		again.seconds(280, healthy)
		require.NotContains(t, store.states("fast"), slo.Resolved, "a restart does not end the fast episode early")
		again.seconds(40, healthy)
		require.Contains(t, store.states("fast"), slo.Resolved)
	})
}

func TestMissingCommitsMakeItReadTheLedgerAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(10, healthy)
		now := time.Now()
		for range 3 {
			b.store.commit(slo.Commit{
				MeasuredUntil: now,
				Deltas:        []slo.Delta{{Series: b.id, Slice: slo.SliceOf(now), Counts: slo.Counts{Bad: 1}}},
				Watermarks:    map[slo.SeriesID]time.Time{b.id: now},
			})
		}
		b.store.set(func(f *fakeStore) { f.pruned = int64(len(f.commits)) })
		b.second(slo.Counts{})
		b.store.set(func(f *fakeStore) { require.Equal(t, 2, f.rebuilds) })
		require.Equal(t, slo.Counts{Good: 1000, Bad: 3}, b.state("shop").Counts)
	})
}

func TestADeletedObjectiveResolvesItsEpisodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(60, healthy)
		b.seconds(60, failing)
		require.NotEmpty(t, b.state("shop").Firing)
		b.engine.SetDefinitions(nil)
		synctest.Wait()
		_, err := b.engine.Status("shop")
		require.ErrorIs(t, err, slo.ErrNotFound)
		b.store.set(func(f *fakeStore) {
			for _, e := range f.episodes {
				require.NotEqual(t, slo.Firing, e.State, e.Tier)
				require.NotEqual(t, slo.Pending, e.State, e.Tier)
			}
			last := f.moved[len(f.moved)-1]
			require.Equal(t, "shop", last.SLO.Indicator.Total.Service, "the last message names the objective as the first did")
			require.Equal(t, "0.999", last.Status.Target.String())
		})
	})
}

func TestDeletingAndApplyingAgainWhileFiringMakesNoStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		shop := definition(t, "shop", 30*24*time.Hour)
		b := newBench(t, store, shop)
		defer b.stop()
		b.seconds(60, healthy)
		b.seconds(30, failing)
		for range 5 {
			b.engine.SetDefinitions(nil)
			b.engine.SetDefinitions([]slo.Definition{shop})
			b.seconds(2, failing)
		}
		b.seconds(30, failing)
		open, fired := map[string]int{}, 0
		store.set(func(f *fakeStore) {
			for _, e := range f.episodes {
				if e.State == slo.Firing {
					open[e.Tier]++
				}
			}
			for _, m := range f.moved {
				if m.Episode.State == slo.Firing && m.Episode.Tier == "fast" {
					fired++
				}
			}
		})
		require.Equal(t, 1, open["fast"], "one episode of a tier at a time")
		require.LessOrEqual(t, fired, 6, "each new objective may fire once")
		require.Len(t, b.state("shop").Firing, len(open))
	})
}

func TestAnEpisodeKeepsTheLabelsThatItFiredWith(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := newBench(t, store, definition(t, "shop", 30*24*time.Hour))
		b.seconds(60, healthy)
		b.seconds(30, failing)
		b.stop()
		edited := definition(t, "shop", 30*24*time.Hour)
		var err error
		edited.SLO.Objectives[0].Target, err = slo.ParseTarget("0.99", false)
		require.NoError(t, err)
		again := newBench(t, store, edited)
		defer again.stop()
		again.once = true
		again.seconds(700, healthy)
		store.set(func(f *fakeStore) {
			fired := map[string]map[string]string{}
			for _, m := range f.moved {
				switch m.Episode.State {
				case slo.Firing:
					fired[m.Episode.ID] = m.Episode.Labels
				case slo.Resolved:
					require.Equal(t, fired[m.Episode.ID], m.Episode.Labels, m.Episode.Tier)
				}
			}
		})
		require.Contains(t, store.states("fast"), slo.Resolved)
	})
}

func TestNothingNewFiresInSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(5, failing) // Too young for the 1h tier, which is frozen still.
		b.seconds(100, failing)
		require.NotContains(t, b.store.states("1h"), slo.Firing)
		b.seconds(600, slo.Counts{})
		require.NotContains(t, b.store.states("1h"), slo.Firing, "no event came since, so nothing new is known")
		require.NotContains(t, b.store.states("6h"), slo.Firing)
		b.seconds(5, failing)
		require.Contains(t, b.store.states("fast"), slo.Firing)
		require.Equal(t, []slo.EpisodeState{slo.Pending}, b.store.states("1h"), "the fast tier tells it already")
	})
}

func TestANewTargetKeepsTheCountsAndALongerWindowFindsItsHistory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		short := definition(t, "shop", 30*24*time.Hour)
		b := newBench(t, store, short)
		defer b.stop()
		old := time.Now().Add(-60 * 24 * time.Hour)
		store.commit(slo.Commit{
			MeasuredUntil: time.Now(),
			Deltas:        []slo.Delta{{Series: b.id, Slice: slo.SliceOf(old), Counts: slo.Counts{Good: 7}}},
		})
		b.seconds(10, healthy)
		require.Equal(t, int64(1000), b.state("shop").Counts.Good)
		b.engine.SetDefinitions([]slo.Definition{definition(t, "shop", 90*24*time.Hour)})
		b.second(healthy)
		require.Equal(t, int64(1107), b.state("shop").Counts.Good)
	})
}

func TestEveryObjectiveIsJudgedWithinTenSecondsThoughNothingTouchesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all []slo.Definition
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"} {
			all = append(all, definition(t, name, 30*24*time.Hour))
		}
		b := newBench(t, newFakeStore(), all...)
		defer b.stop()
		time.Sleep(2 * time.Second)
		begin := time.Now()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for _, s := range b.engine.Statuses() {
			require.False(t, s.Objectives[0].To.Before(begin), s.Definition.SLO.Name)
		}
	})
}

// TestAStatusThatWasHandedOutStaysAsItWas holds one while later verdicts are
// written over those that nobody holds, and through an episode.
func TestAStatusThatWasHandedOutStaysAsItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newFakeStore(), definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(60, healthy)
		var held []slo.Status
		var written []string
		for _, c := range []slo.Counts{healthy, failing, healthy} {
			for range 40 {
				b.second(c)
				s, err := b.engine.Status("shop")
				require.NoError(t, err)
				held, written = append(held, s), append(written, spell(s))
			}
		}
		require.NotEqual(t, written[0], written[100])
		for i, s := range held {
			require.Equal(t, written[i], spell(s))
		}
		for _, m := range b.store.moved {
			require.Equal(t, m.Tier.Long, m.Status.Tiers[slices.IndexFunc(m.Status.Tiers, func(t slo.TierStatus) bool { return t.Name == m.Tier.Name })].Long,
				"the evidence of a transition is that of then")
		}
	})
}

// spell writes all of a status that can change.
func spell(s slo.Status) string {
	o := s.Objectives[0]
	return fmt.Sprintf("%v %+v %+v %+v %+v", o.Counts, o.Budget, o.BurnRates, o.Tiers, o.Firing)
}
