package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// deciders are stores on one database, as of processes of their own.
func deciders(t *testing.T, n int) (stores []*postgres.Store, address string) {
	t.Helper()
	address = postgrestest.URL(t)
	for range n {
		store, err := postgres.Open(t.Context(), address, postgres.Options{MaxConns: 2})
		require.NoError(t, err)
		t.Cleanup(store.Close)
		stores = append(stores, store)
	}
	return stores, address
}

// decide stores that an episode fires, and a message about it.
func decide(ctx context.Context, store *postgres.Store, epoch int64, episode string) error {
	fires, err := newTransition(episode, slo.Firing)
	if err != nil {
		return err
	}
	return store.SaveTransitions(ctx, epoch, []slo.Transition{fires},
		[]slo.Notification{notification(episode, slo.Firing, "pager")})
}

// takeLead waits until the store leads.
func takeLead(t *testing.T, store *postgres.Store) *postgres.Term {
	t.Helper()
	var term *postgres.Term
	await(t, "to lead", func() bool {
		var err error
		term, err = store.Lead(t.Context())
		if err != nil {
			require.ErrorIs(t, err, slo.ErrNotLeading)
			require.Nil(t, term)
		}
		return err == nil
	})
	t.Cleanup(func() { require.NoError(t, term.Close()) })
	return term
}

func TestOneStoreLeadsAtATime(t *testing.T) {
	t.Parallel()
	stores, _ := deciders(t, 2)
	first := takeLead(t, stores[0])
	for _, store := range stores {
		_, err := store.Lead(t.Context())
		require.ErrorIs(t, err, slo.ErrNotLeading)
	}
	require.NoError(t, decide(t.Context(), stores[0], first.Epoch(), "one"))
	require.ErrorIs(t, decide(t.Context(), stores[0], first.Epoch()-1, "two"), slo.ErrFenced)
	require.ErrorIs(t, decide(t.Context(), stores[0], first.Epoch()+1, "two"), slo.ErrFenced)
	require.ErrorIs(t, decide(t.Context(), stores[1], first.Epoch(), "two"), slo.ErrFenced, "the epoch is another's")
	select {
	case <-first.Lost():
		require.Fail(t, "nobody took it")
	default:
	}
	require.NoError(t, first.Close())
	require.NoError(t, first.Close())
	<-first.Lost()
	second, err := stores[1].Lead(t.Context())
	require.NoError(t, err, "a lead that was given up is free at once")
	require.Greater(t, second.Epoch(), first.Epoch())
	require.ErrorIs(t, decide(t.Context(), stores[0], first.Epoch(), "two"), slo.ErrFenced)
	require.NoError(t, decide(t.Context(), stores[1], second.Epoch(), "two"))
	require.NoError(t, second.Close())
}

func TestLeadIsFreeOnceItsConnectionIsGone(t *testing.T) {
	t.Parallel()
	stores, address := deciders(t, 2)
	first := takeLead(t, stores[0])
	begun := time.Now()
	execute(t, address, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'slowburn leader' AND datname = current_database()`)
	select {
	case <-first.Lost():
	case <-time.After(30 * time.Second):
		require.Fail(t, "the loss was not noticed")
	}
	noticed := time.Since(begun)
	second := takeLead(t, stores[1])
	t.Logf("loss noticed after %v, taken over after %v", noticed, time.Since(begun))
	require.ErrorIs(t, decide(t.Context(), stores[0], first.Epoch(), "zombie"), slo.ErrFenced)
	require.NoError(t, second.Close())

	// Who lost it and leads again must not be fenced by its own past.
	third := takeLead(t, stores[0])
	require.Greater(t, third.Epoch(), second.Epoch())
	require.ErrorIs(t, decide(t.Context(), stores[0], first.Epoch(), "zombie"), slo.ErrFenced, "its old term stays lost")
	require.NoError(t, decide(t.Context(), stores[0], third.Epoch(), "alive"))
}

func TestLeadIsLostWhenAnotherRaisesTheEpoch(t *testing.T) {
	t.Parallel()
	stores, _ := deciders(t, 2)
	first := takeLead(t, stores[0])
	stores[1].RaiseEpoch(t)
	select {
	case <-first.Lost():
	case <-time.After(30 * time.Second):
		require.Fail(t, "it was not noticed")
	}
	require.Greater(t, takeLead(t, stores[0]).Epoch(), first.Epoch(), "the lock was given back")
}

func TestEpochOfAFailoverIsNobodyElses(t *testing.T) {
	t.Parallel()
	stores, address := deciders(t, 2)
	epoch := stores[0].RaiseEpoch(t)
	// A server takes over that has not heard of it.
	execute(t, address, `UPDATE leadership SET epoch = $1, holder = 'older'`, epoch-1)
	require.ErrorIs(t, decide(t.Context(), stores[0], epoch, "a"), slo.ErrFenced)
	require.Equal(t, epoch, stores[1].RaiseEpoch(t), "the number is given again")
	require.ErrorIs(t, decide(t.Context(), stores[0], epoch, "a"), slo.ErrFenced, "but not the lead")
	require.Greater(t, stores[0].RaiseEpoch(t), epoch, "a store never leads twice in one epoch")
}

// TestNoZombieEverWrites lets stores take over from one another, while the one
// before goes on as if nothing had happened, now before, now after, now during
// the takeover.
func TestNoZombieEverWrites(t *testing.T) {
	t.Parallel()
	takeovers := 500
	if testing.Short() {
		takeovers = 50
	}
	stores, address := deciders(t, 2)
	look := connect(t, address)
	zombie := stores[0].RaiseEpoch(t)
	var before, fenced int
	for i := range takeovers {
		old, leader := stores[i%2], stores[(i+1)%2]
		stale := zombie
		outcome := make(chan error, 1)
		if i%3 == 0 {
			go func() { outcome <- decide(t.Context(), old, stale, fmt.Sprintf("stale %d", i)) }()
		}
		zombie = leader.RaiseEpoch(t)
		if i%3 != 0 {
			outcome <- decide(t.Context(), old, stale, fmt.Sprintf("stale %d", i))
		}
		taken := rowsOf(t, look, fmt.Sprintf(`SELECT id FROM episodes WHERE id = 'stale %d'`, i))
		switch err := <-outcome; {
		case err == nil && i%3 == 0:
			before++
			// It was stored before the takeover, or not at all.
			require.Len(t, taken, 1)
		case errors.Is(err, slo.ErrFenced):
			fenced++
			require.Empty(t, taken)
		default:
			require.NoError(t, err)
			require.Fail(t, "a zombie wrote")
		}
	}
	require.Equal(t, takeovers, before+fenced)
	for _, query := range []string{`SELECT id FROM episodes`, `SELECT episode FROM transitions`, `SELECT id FROM outbox`} {
		require.Len(t, rowsOf(t, look, query), before, query)
	}
	t.Logf("%d takeovers: %d writes of the old leader came before and stand, %d came after, 0 rows of them", takeovers, before, fenced)
}

// TestDecidersWithoutALockAgree lets three stores decide the same, all of them
// believing to lead: the fence and the keys alone must let one set through.
func TestDecidersWithoutALockAgree(t *testing.T) {
	t.Parallel()
	stores, address := deciders(t, 3)
	const episodes = 40
	var wait sync.WaitGroup
	for _, store := range stores {
		wait.Go(func() {
			epoch := store.RaiseEpoch(t)
			for n := 0; n < episodes; {
				switch err := decide(t.Context(), store, epoch, fmt.Sprintf("episode %d", n)); {
				case err == nil:
					n++
				case errors.Is(err, slo.ErrFenced):
					epoch = store.RaiseEpoch(t)
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	for _, query := range []string{`SELECT id FROM episodes`, `SELECT episode, state FROM transitions`, `SELECT episode FROM outbox`} {
		require.Len(t, content(t, address, query), episodes, query)
	}
}

// TestLeadOfAMachineThatStandsStillIsTaken stops all that a leader says, while
// its connections stay: that is what a stopped process or a cut network is.
func TestLeadOfAMachineThatStandsStillIsTaken(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes ten seconds")
	}
	stores, address := deciders(t, 1)
	p, through := newProxy(t, address)
	frozen, err := postgres.Open(t.Context(), through, postgres.Options{MaxConns: 2})
	require.NoError(t, err)
	t.Cleanup(frozen.Close)
	old := takeLead(t, frozen)
	p.stalled.Lock()
	begun := time.Now()
	outcome := make(chan error, 1)
	go func() { outcome <- decide(t.Context(), frozen, old.Epoch(), "stale") }()
	takeLead(t, stores[0])
	took := time.Since(begun)
	p.stalled.Unlock()
	t.Logf("taken over %v after the leader stood still", took)
	require.Less(t, took, 40*time.Second, "the server gives a silent leader up after %s", "10s")
	require.ErrorIs(t, <-outcome, slo.ErrFenced, "what it had on its way comes too late")
	<-old.Lost()
	require.Empty(t, content(t, address, `SELECT * FROM episodes`))
}
