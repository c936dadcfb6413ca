package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/engine"
)

// fakeTerm is a term of the fake store.
type fakeTerm struct {
	store *fakeStore
	epoch int64
	lost  chan struct{}
	once  sync.Once
}

func (t *fakeTerm) Epoch() int64          { return t.epoch }
func (t *fakeTerm) Lost() <-chan struct{} { return t.lost }
func (t *fakeTerm) lose()                 { t.once.Do(func() { close(t.lost) }) }

func (t *fakeTerm) Close() error {
	t.store.set(func(f *fakeStore) {
		if f.held == t {
			f.held = nil
		}
	})
	t.lose()
	return nil
}

// lead gives a term to whoever asks first; without the lock, to everybody.
func (f *fakeStore) lead(context.Context) (engine.Term, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail {
		return nil, errStore
	}
	if f.lock && f.held != nil {
		return nil, slo.ErrNotLeading
	}
	f.epoch++
	f.held = &fakeTerm{store: f, epoch: f.epoch, lost: make(chan struct{})}
	return f.held, nil
}

// slow is a way to the store on which anything may take its time: a process
// that is stopped, a connection that hangs, a lock that is lost unnoticed.
type slow struct {
	*fakeStore
	mu     sync.Mutex
	random *rand.Rand
	pause  func(*rand.Rand) time.Duration
}

func (s *slow) wait() {
	s.mu.Lock()
	pause := s.pause(s.random)
	s.mu.Unlock()
	time.Sleep(pause)
}

func (s *slow) Commits(ctx context.Context, after map[string]int64, limit int) ([]slo.Commit, error) {
	s.wait()
	return s.fakeStore.Commits(ctx, after, limit)
}

func (s *slow) OpenEpisodes(ctx context.Context) ([]slo.Episode, error) {
	open, err := s.fakeStore.OpenEpisodes(ctx)
	s.wait()
	return open, err
}

func (s *slow) SaveTransitions(ctx context.Context, epoch int64, moved []slo.Transition, tell []slo.Notification) error {
	s.wait()
	return s.fakeStore.SaveTransitions(ctx, epoch, moved, tell)
}

func (s *slow) lead(ctx context.Context) (engine.Term, error) {
	term, err := s.fakeStore.lead(ctx)
	s.wait()
	return term, err
}

// requireOneSet wants what one engine alone would have stored: of each tier
// one episode at a time, each state of an episode once, each message once.
func (f *fakeStore) requireOneSet(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	open := map[string]string{}
	entered := map[string]bool{}
	for _, m := range f.moved {
		key := fmt.Sprint(m.Episode.ID, m.Episode.State)
		require.False(t, entered[key], "%s entered %s twice", m.Episode.Tier, m.Episode.State)
		entered[key] = true
		if id := open[m.Episode.Tier]; id != "" {
			require.Equal(t, id, m.Episode.ID, "a second episode of %s while one was open", m.Episode.Tier)
		}
		switch m.Episode.State {
		case slo.Pending, slo.Firing:
			open[m.Episode.Tier] = m.Episode.ID
		case slo.Resolved, slo.Lapsed:
			require.NotEmpty(t, open[m.Episode.Tier])
			delete(open, m.Episode.Tier)
		}
	}
	told := map[string]bool{}
	for _, n := range f.told {
		require.False(t, told[n.ID])
		told[n.ID] = true
	}
}

func TestThreeEnginesStoreOneSetOfTransitions(t *testing.T) {
	t.Parallel()
	never := func(*rand.Rand) time.Duration { return 0 }
	zombie := func(r *rand.Rand) time.Duration { // Now and then for a minute, as if stopped.
		if r.IntN(150) == 0 {
			return time.Duration(r.IntN(60)) * time.Second
		}
		return time.Duration(r.IntN(300)) * time.Millisecond
	}
	for name, c := range map[string]struct {
		lock, loses bool
		pause       func(*rand.Rand) time.Duration
	}{
		"the lock holds":                                  {true, false, never},
		"the lock is lost at random":                      {true, true, never},
		"the leader is stopped and goes on":               {true, true, zombie},
		"all of them think that they lead":                {false, false, never},
		"all of them think so, and are stopped at random": {false, true, zombie},
	} {
		seeds := uint64(2)
		if testing.Short() {
			seeds = 1
		}
		for seed := range seeds {
			t.Run(fmt.Sprint(name, ", seed ", seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { threeEngines(t, c.lock, c.loses, c.pause, seed) })
			})
		}
	}
}

// unresolved reports whether the newest episode of a tier goes on.
func (f *fakeStore) unresolved(tier string) bool {
	states := f.states(tier)
	return len(states) > 0 && states[len(states)-1] != slo.Resolved
}

func threeEngines(t *testing.T, lock, loses bool, pause func(*rand.Rand) time.Duration, seed uint64) {
	t.Helper()
	store := newFakeStore()
	store.fence, store.lock = true, lock
	var all []*bench
	for i := range uint64(3) {
		way := &slow{fakeStore: store, random: rand.New(rand.NewPCG(seed, i)), pause: pause}
		all = append(all, newBenchWith(t, store, engine.Settings{Ledger: way, Episodes: way, Lead: way.lead},
			definition(t, "shop", 30*24*time.Hour)))
	}
	random := rand.New(rand.NewPCG(seed, 99))
	second := func(c slo.Counts) {
		if loses && random.IntN(40) == 0 {
			store.set(func(f *fakeStore) {
				if f.held == nil {
					return
				}
				if random.IntN(2) == 0 {
					f.held.lose() // Else it is lost and the leader does not know.
				}
				f.held = nil
			})
		}
		all[0].second(c)
		for _, b := range all[1:] {
			b.engine.Wake()
		}
	}
	// A fast episode is quiet for 300 s first, and for 300 s more after each time
	// that somebody takes over: who does so cannot know that it was quiet before.
	calm := func() {
		for i := 0; i < 1000 || (i < 10_000 && store.unresolved("fast")); i++ {
			second(healthy)
		}
	}
	const incidents = 3
	for range incidents {
		calm()
		for range 150 {
			second(failing)
		}
	}
	calm()
	for _, b := range all {
		b.stop()
	}
	store.requireOneSet(t)
	require.Equal(t, incidents, store.fired("fast"), "each incident is told once, whoever leads")
	states := store.states("fast")
	require.Equal(t, slo.Resolved, states[len(states)-1])
	if !lock || loses {
		require.Greater(t, store.epoch, int64(1), "somebody took over")
	}
}

func TestAnEngineThatDoesNotLeadShowsWhatTheLeaderDecided(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		store.fence, store.lock = true, true
		shop := definition(t, "shop", 30*24*time.Hour)
		leader := newBenchWith(t, store, engine.Settings{Ledger: store, Episodes: store, Lead: store.lead}, shop)
		leader.seconds(60, healthy)
		follower := newBenchWith(t, store, engine.Settings{Ledger: store, Episodes: store, Lead: store.lead}, shop)
		defer follower.stop()
		follower.once = true
		leader.seconds(20, failing)
		require.True(t, leader.engine.Leading())
		require.False(t, follower.engine.Leading())
		require.Len(t, follower.state("shop").Firing, len(leader.state("shop").Firing))
		require.NotEmpty(t, follower.state("shop").Firing)
		require.Equal(t, leader.state("shop").Counts, follower.state("shop").Counts)
		leader.stop()
		follower.seconds(280, healthy)
		require.True(t, follower.engine.Leading(), "it takes over")
		require.NotContains(t, store.states("fast"), slo.Resolved, "and knows when it was over last")
		follower.seconds(40, healthy)
		require.Contains(t, store.states("fast"), slo.Resolved)
		require.Equal(t, 1, store.fired("fast"))
		store.requireOneSet(t)
	})
}

func TestALeaderTakesANewTermAfterTheDatabaseRestarted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		store.fence, store.lock = true, true
		b := newBenchWith(t, store, engine.Settings{Ledger: store, Episodes: store, Lead: store.lead},
			definition(t, "shop", 30*24*time.Hour))
		defer b.stop()
		b.seconds(300, healthy)
		for range 3 {
			store.set(func(f *fakeStore) { // The restart ends the connection, and with it lock and term.
				f.fail = true
				f.held.lose()
				f.held = nil
			})
			b.seconds(5, failing)
			store.set(func(f *fakeStore) { f.fail = false })
			b.seconds(5, failing)
			require.True(t, b.engine.Leading())
		}
		require.Equal(t, int64(4), store.epoch)
		require.Equal(t, 1, store.fired("fast"))
		b.seconds(330, healthy)
		require.Contains(t, store.states("fast"), slo.Resolved)
		store.requireOneSet(t)
	})
}
