package postgres_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
)

// keepServer starts the server again whenever it dies.
func keepServer(t *testing.T, server *postgres.Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// TestCommitsCountOnceThroughRestartsAndKills kills the server again and again,
// its postmaster first or one of its backends, while a ledger commits.
func TestCommitsCountOnceThroughRestartsAndKills(t *testing.T) {
	t.Parallel()
	kills := 6
	if testing.Short() {
		kills = 2
	}
	server := startServer(t, dataDir(t))
	keepServer(t, server)
	store := openServer(t, server)
	records := tape{"a", seriesID(1)}
	require.NoError(t, store.Commit(t.Context(), records.commit(slo.Cursor{}, 1)))
	signals := []syscall.Signal{syscall.SIGKILL, syscall.SIGQUIT, syscall.SIGINT}
	var failed, hidden int
	for i := range kills {
		cursor := resume(t, store, "a")
		pid, last := server.PID(), cursor.Offset+slo.Offset(20+7*i)
		killed := make(chan struct{})
		for n := 0; cursor.Offset < last; n++ {
			if n == 5 {
				go func() {
					defer close(killed)
					_ = syscall.Kill(pid, signals[i%len(signals)])
				}()
			}
			commit := records.commit(cursor, 1+n%3)
			err := store.Commit(t.Context(), commit)
			cursor = resume(t, store, "a")
			if err != nil {
				failed++
				if cursor.Offset == commit.To {
					hidden++
				}
				continue
			}
			require.Equal(t, commit.To, cursor.Offset)
		}
		<-killed
		await(t, "another server", func() bool { return server.PID() != pid })
	}
	end := resume(t, store, "a")
	records.check(t, connect(t, server.URL()))
	t.Logf("%d kills of the server: %d commits failed, %d of them had taken effect; %d records count once", kills, failed, hidden, end.Offset)
}

// TestAFailoverToAnOlderStateIsCountedAgain copies the server's files as a
// backup, goes on, and puts the backup in their place: the cursor goes back,
// and what follows it counts again, once.
func TestAFailoverToAnOlderStateIsCountedAgain(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	server := startServer(t, dir)
	store := openServer(t, server)
	records := tape{"a", seriesID(1)}
	advance := func(store *postgres.Store, to slo.Offset) {
		for cursor := resume(t, store, "a"); cursor.Offset < to; cursor = resume(t, store, "a") {
			require.NoError(t, store.Commit(t.Context(), records.commit(cursor, 3)))
		}
	}
	advance(store, 30)
	// A series that only the lost state has numbered; its number will be given again.
	commitOf := func(id int) {
		resume(t, store, "a") // Connections to the server before are buried.
		require.NoError(t, next(t, store, func(c *slo.Commit) {
			*c = records.commit(slo.Cursor{Offset: c.From, Sequence: c.Sequence - 1}, 1)
			c.Deltas = append(c.Deltas, slo.Delta{Series: seriesID(id), Slice: slo.SliceOf(noon), Counts: slo.Counts{Bad: 1}})
		}))
	}
	stopServer(t, server)
	files, backup := server.Dir(), filepath.Join(filepath.Dir(server.Dir()), "backup")
	require.NoError(t, exec.Command("cp", "-a", files, backup).Run())

	server = startServer(t, dir)
	require.Equal(t, files, server.Dir())
	commitOf(7)
	advance(store, 90)
	_, _, follower, err := store.ReadLedger(t.Context(), noon, slo.Detail{}, func(slo.Delta) {})
	require.NoError(t, err)
	require.Equal(t, resume(t, store, "a").Sequence, follower["a"])
	stopServer(t, server)
	require.NoError(t, os.Rename(files, files+" lost"))
	require.NoError(t, os.Rename(backup, files))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(files+" lost")) })

	server = startServer(t, dir)
	cursor := resume(t, store, "a")
	require.EqualValues(t, 30, cursor.Offset, "it went back")
	_, err = store.Commits(t.Context(), follower, 10)
	require.ErrorIs(t, err, slo.ErrRebuild, "followers are told")
	commitOf(8)
	commitOf(7)
	advance(store, 120)
	require.Greater(t, resume(t, store, "a").Sequence, follower["a"])
	_, err = store.Commits(t.Context(), follower, 10)
	require.ErrorIs(t, err, slo.ErrRebuild, "also those that look after it has come by")
	records.check(t, connect(t, server.URL()))
	for _, id := range []int{7, 8} {
		buckets, err := store.Buckets(t.Context(), seriesID(id), 0, slo.SliceOf(noon)+1)
		require.NoError(t, err)
		require.Equal(t, []slo.Bucket{{Slice: slo.SliceOf(noon), Counts: slo.Counts{Bad: 1}}}, buckets, fmt.Sprint(id))
	}
}

func TestCommitsWaitForNoServerAndGoOnWithIt(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	server := startServer(t, dir)
	store := openServer(t, server)
	records := tape{"a", seriesID(1)}
	require.NoError(t, store.Commit(t.Context(), records.commit(slo.Cursor{}, 1)))
	stopServer(t, server)
	begun := time.Now()
	commit := records.commit(slo.Cursor{Offset: 1, Sequence: 1}, 2)
	require.Error(t, store.Commit(t.Context(), commit))
	_, err := store.Cursor(t.Context(), "a")
	require.Error(t, err)
	require.Less(t, time.Since(begun), 20*time.Second, "without a server it says so soon")
	server = startServer(t, dir)
	require.NoError(t, store.Commit(t.Context(), commit))
	require.EqualValues(t, 3, resume(t, store, "a").Offset)
	records.check(t, connect(t, server.URL()))
}
