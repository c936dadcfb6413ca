package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// open opens a store on a database of the test's own, and tells its address.
func open(t *testing.T) (*postgres.Store, string) {
	t.Helper()
	address := postgrestest.URL(t)
	store, err := postgres.Open(t.Context(), address, postgres.Options{MaxConns: 4})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	return store, address
}

// heartbeats commits n times without counts.
func heartbeats(t *testing.T, store *postgres.Store, shard string, n int) {
	t.Helper()
	cursor, err := store.Cursor(t.Context(), shard)
	require.NoError(t, err)
	for range n {
		c := slo.Commit{
			Shard: shard, Sequence: cursor.Sequence + 1, From: cursor.Offset, To: cursor.Offset + 1, MeasuredUntil: noon,
		}
		require.NoError(t, store.Commit(t.Context(), c))
		cursor.Sequence, cursor.Offset = c.Sequence, c.To
	}
}

func TestCommitsRefuseToSkipAnything(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage string
		after  map[string]int64
		want   error
		length int
	}{
		"what follows is returned":           {"", map[string]int64{"a": 3}, nil, 2},
		"nothing follows the newest":         {"", map[string]int64{"a": 5}, nil, 0},
		"a new shard begins at one":          {"", nil, nil, 5},
		"an unknown shard at zero is fine":   {"", map[string]int64{"a": 5, "b": 0}, nil, 0},
		"a shard that went back":             {"", map[string]int64{"a": 6}, slo.ErrRebuild, 0},
		"a shard that is gone":               {"", map[string]int64{"a": 5, "b": 1}, slo.ErrRebuild, 0},
		"what follows is no longer kept":     {"DELETE FROM commits WHERE sequence < 3", map[string]int64{"a": 1}, slo.ErrRebuild, 0},
		"what is gone was read long ago":     {"DELETE FROM commits WHERE sequence < 3", map[string]int64{"a": 2}, nil, 3},
		"nothing at all is kept any more":    {"DELETE FROM commits", map[string]int64{"a": 4}, slo.ErrRebuild, 0},
		"nothing is kept, and nothing lacks": {"DELETE FROM commits", map[string]int64{"a": 5}, nil, 0},
		"one in the middle is gone":          {"DELETE FROM commits WHERE sequence = 4", map[string]int64{"a": 2}, slo.ErrRebuild, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, address := open(t)
			heartbeats(t, store, "a", 5)
			if c.damage != "" {
				execute(t, address, c.damage)
			}
			commits, err := store.Commits(t.Context(), c.after, 10)
			require.ErrorIs(t, err, c.want)
			require.Len(t, commits, c.length)
			for i, commit := range commits {
				require.Equal(t, c.after["a"]+int64(i)+1, commit.Sequence)
			}
		})
	}
}

func TestCommitsOfOneShardDoNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	heartbeats(t, store, "a", 20)
	heartbeats(t, store, "b", 2)
	commits, err := store.Commits(t.Context(), nil, 4)
	require.NoError(t, err)
	shards := map[string]int{}
	for _, c := range commits {
		shards[c.Shard]++
	}
	require.Equal(t, map[string]int{"a": 2, "b": 2}, shards)
}

func TestOldCommitsArePruned(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	heartbeats(t, store, "a", 63)
	execute(t, address, `UPDATE commits SET committed_at = now() - interval '11 minutes' WHERE sequence <= 60`)
	heartbeats(t, store, "a", 1)
	_, err := store.Commits(t.Context(), map[string]int64{"a": 59}, 100)
	require.ErrorIs(t, err, slo.ErrRebuild)
	commits, err := store.Commits(t.Context(), map[string]int64{"a": 60}, 100)
	require.NoError(t, err)
	require.Len(t, commits, 4)
}

func TestReadLedgerAndCommitsAreOneStory(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	const total = 60
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range total {
			err := store.Commit(t.Context(), slo.Commit{
				Shard: "a", Sequence: int64(i + 1), From: slo.Offset(i), To: slo.Offset(i + 1), MeasuredUntil: noon,
				Deltas: []slo.Delta{{Series: seriesID(i % 3), Slice: slo.SliceOf(noon), Counts: slo.Counts{Good: 1}}},
			})
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	// Whenever it is read, the snapshot and what follows make the whole.
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		var sum int64
		_, _, reached, err := store.ReadLedger(t.Context(), noon.Add(-time.Hour), slo.Detail{}, func(d slo.Delta) { sum += d.Counts.Good })
		require.NoError(t, err)
		require.Equal(t, reached["a"], sum)
	}
}

func TestListenWakesForEveryCommitAndAfterAReconnect(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	woken := make(chan struct{}, 100)
	ended := make(chan error, 1)
	go func() { ended <- store.Listen(ctx, func() { woken <- struct{}{} }) }()
	await := func(what string) {
		t.Helper()
		select {
		case <-woken:
		case <-time.After(30 * time.Second):
			require.FailNow(t, "not woken", what)
		}
	}
	await("after connecting")
	heartbeats(t, store, "a", 1)
	await("after a commit")
	execute(t, address, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`)
	await("after connecting again")
	heartbeats(t, store, "a", 1)
	await("after a commit to the new connection")
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}
