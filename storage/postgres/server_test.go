package postgres_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
)

// dataDir is a folder that the server's user can reach, which t.TempDir is not
// when the tests run as root.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "slowburn server ")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o711))
	return dir
}

// startServer starts a server and stops it at the end.
func startServer(t *testing.T, dir string) *postgres.Server {
	t.Helper()
	server, err := postgres.StartServer(t.Context(), postgres.ServerOptions{DataDir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { stopServer(t, server) })
	return server
}

func stopServer(t *testing.T, server *postgres.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(t, server.Stop(ctx))
}

func openServer(t *testing.T, server *postgres.Server) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), server.URL(), postgres.Options{MaxConns: 3})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	return store
}

// await waits until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, time.Minute, 10*time.Millisecond, what)
}

func TestServerStartsAgainAndFindsItsData(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	leftover := filepath.Join(dir, "postgres.incomplete-KILLED", "base")
	require.NoError(t, os.MkdirAll(leftover, 0o700))

	server := startServer(t, dir)
	require.NoDirExists(t, leftover, "what a killed start left is cleared away")
	requirePrivate(t, server, dir)
	store := openServer(t, server)
	heartbeats(t, store, "a", 3)
	store.Close()
	stopServer(t, server)
	stopServer(t, server)
	require.NoFileExists(t, filepath.Join(dir, "postgres", "postmaster.pid"))
	require.NoError(t, server.Run(t.Context()), "it was stopped")

	server = startServer(t, dir)
	cursor, err := openServer(t, server).Cursor(t.Context(), "a")
	require.NoError(t, err)
	require.EqualValues(t, 3, cursor.Sequence)
}

// requirePrivate checks that nobody but us reaches the server, and that the
// terminal does not.
func requirePrivate(t *testing.T, server *postgres.Server, dir string) {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, "postgres"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	group, err := syscall.Getpgid(server.PID())
	require.NoError(t, err)
	require.Equal(t, server.PID(), group, "a process group of its own")
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(server.PID()), "status"))
	require.NoError(t, err)
	require.NotContains(t, string(status), "\nUid:\t0\t", "not as root")
	address, err := url.Parse(server.URL())
	require.NoError(t, err)
	require.Empty(t, address.Host, "a socket only")
}

func TestServerRunsAgainAfterItWasKilled(t *testing.T) {
	t.Parallel()
	server := startServer(t, dataDir(t))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	store := openServer(t, server)

	// A ledger that does what it must: after any error it reads the cursor
	// again, and goes on from there.
	const total = 300
	var cursor slo.Cursor
	var killed int
	for cursor.Sequence < total {
		if cursor.Sequence >= int64(100*(killed+1)) && killed < 2 {
			require.NoError(t, syscall.Kill(server.PID(), syscall.SIGKILL))
			killed++
		}
		err := store.Commit(t.Context(), slo.Commit{
			Shard: "a", Sequence: cursor.Sequence + 1, From: cursor.Offset, To: cursor.Offset + 1, MeasuredUntil: noon,
			Deltas: []slo.Delta{{Series: seriesID(int(cursor.Sequence % 7)), Slice: slo.SliceOf(noon), Counts: slo.Counts{Good: 1}}},
		})
		if err == nil {
			cursor.Sequence, cursor.Offset = cursor.Sequence+1, cursor.Offset+1
			continue
		}
		await(t, "the server is back", func() bool {
			var err error
			cursor, err = store.Cursor(t.Context(), "a")
			return err == nil
		})
	}
	require.Equal(t, 2, killed)
	var counted int64
	_, _, _, err := store.ReadLedger(t.Context(), noon, slo.Detail{}, func(d slo.Delta) { counted += d.Counts.Good })
	require.NoError(t, err)
	require.EqualValues(t, total, counted, "each once, whatever was killed")
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestServerIsTakenOverFromAKilledParent(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	parent := exec.Command(os.Args[0], "-test.run=^$")
	parent.Env = append(os.Environ(), parentVariable+"="+dir)
	output, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err, line)
	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait())

	server := startServer(t, dir)
	require.Equal(t, pid, server.PID())
	store := openServer(t, server)
	heartbeats(t, store, "a", 1)

	// It is watched like one of our own.
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	await(t, "a new server", func() bool { return server.PID() != pid && store.Ping(t.Context()) == nil })
	heartbeats(t, store, "a", 1)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestServerLivesElsewhereIfItsUserCannotEnterTheDataFolder(t *testing.T) {
	t.Parallel()
	private := dataDir(t)
	require.NoError(t, os.Chmod(private, 0o700))
	dir := filepath.Join(private, "data")
	server := startServer(t, dir)
	location := filepath.Join(dir, "postgres.location")
	if os.Geteuid() != 0 { // Then the user is ourselves, and enters.
		require.NoFileExists(t, location)
		require.FileExists(t, filepath.Join(dir, "postgres", "PG_VERSION"))
		return
	}
	named, err := os.ReadFile(location)
	require.NoError(t, err)
	cluster := strings.TrimSpace(string(named))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(filepath.Dir(cluster))) })
	require.True(t, strings.HasPrefix(cluster, "/var/lib/slowburn/"), cluster)
	heartbeats(t, openServer(t, server), "a", 2)
	stopServer(t, server)

	// Whether or not its location was written down, it is found again.
	for range 2 {
		server = startServer(t, dir)
		cursor, err := openServer(t, server).Cursor(t.Context(), "a")
		require.NoError(t, err)
		require.EqualValues(t, 2, cursor.Sequence)
		stopServer(t, server)
		require.FileExists(t, location)
		require.NoError(t, os.Remove(location))
	}

	require.NoError(t, os.WriteFile(location, []byte(cluster+"-gone\n"), 0o600))
	_, err = postgres.StartServer(t.Context(), postgres.ServerOptions{DataDir: dir})
	require.ErrorContains(t, err, "bring it back", "it does not begin with an empty one in silence")
}

func TestServerListensThoughItsPathIsTooLongForASocket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dataDir(t), strings.Repeat("long", 30), `with "quotes", commas and % `)
	if os.Geteuid() == 0 {
		require.NoError(t, os.MkdirAll(dir, 0o711))
	}
	server := startServer(t, dir)
	heartbeats(t, openServer(t, server), "a", 1)
	address, err := url.Parse(server.URL())
	require.NoError(t, err)
	socketDir := address.Query().Get("host")
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(socketDir)) })
	require.Less(t, len(socketDir), 90)
	info, err := os.Stat(socketDir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	stopServer(t, server)

	require.NoError(t, os.Chmod(socketDir, 0o777))
	_, err = postgres.StartServer(t.Context(), postgres.ServerOptions{DataDir: dir})
	require.ErrorContains(t, err, "not a private folder")
	require.NoError(t, os.Chmod(socketDir, 0o700))
	heartbeats(t, openServer(t, startServer(t, dir)), "a", 1)
}

func TestServerStartsThoughAnotherProcessHasItsNumber(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	server := startServer(t, dir)
	stopServer(t, server)

	// After a crash of the machine, the number may belong to another program
	// of the same user, which PostgreSQL would take for a server.
	other := exec.Command("sleep", "600")
	other.SysProcAttr = &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		info, err := os.Stat(filepath.Join(dir, "postgres"))
		require.NoError(t, err)
		owner, err := user.LookupId(strconv.Itoa(int(info.Sys().(*syscall.Stat_t).Uid))) //nolint:forcetypeassert // A Unix test.
		require.NoError(t, err)
		uid, err := strconv.ParseUint(owner.Uid, 10, 32)
		require.NoError(t, err)
		other.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid)}
	}
	require.NoError(t, other.Start())
	t.Cleanup(func() {
		require.NoError(t, other.Process.Kill())
		require.Error(t, other.Wait())
	})
	cluster := filepath.Join(dir, "postgres")
	stale := strings.Join([]string{strconv.Itoa(other.Process.Pid), cluster, "1700000000", "5432", cluster, "", "", ""}, "\n")
	require.NoError(t, os.WriteFile(filepath.Join(cluster, "postmaster.pid"), []byte(stale), 0o600))

	server = startServer(t, dir)
	require.NotEqual(t, other.Process.Pid, server.PID())
	require.NoError(t, other.Process.Signal(syscall.Signal(0)), "the other process was left alone")
}

func TestServerThatDoesNotStartSaysWhy(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	server := startServer(t, dir)
	stopServer(t, server)
	conf, err := os.OpenFile(filepath.Join(dir, "postgres", "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = conf.WriteString("shared_buffers = 'nonsense'\n")
	require.NoError(t, errors.Join(err, conf.Close()))
	_, err = postgres.StartServer(t.Context(), postgres.ServerOptions{DataDir: dir})
	require.ErrorContains(t, err, "shared_buffers", "the end of its log")

	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(filepath.Join(dir, "postgres"), 0, 0))
		_, err = postgres.StartServer(t.Context(), postgres.ServerOptions{DataDir: dir})
		require.ErrorContains(t, err, "belongs to root")
	}
}

func TestStoreRefusesAServerThatWasMadeUnsafe(t *testing.T) {
	t.Parallel()
	server := startServer(t, dataDir(t))
	store := openServer(t, server)
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		execute(t, server.URL(), `ALTER SYSTEM SET `+setting+` = off`)
		execute(t, server.URL(), `SELECT pg_reload_conf()`)
		await(t, "the setting to be in force", func() bool {
			_, err := postgres.Open(t.Context(), server.URL(), postgres.Options{})
			return errors.Is(err, postgres.ErrUnsafe) && strings.Contains(err.Error(), setting)
		})
		// Connections that were there before are replaced in time; new ones are refused at once.
		execute(t, server.URL(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`)
		await(t, "new connections to be refused", func() bool { return errors.Is(store.Ping(t.Context()), postgres.ErrUnsafe) })
		execute(t, server.URL(), `ALTER SYSTEM RESET `+setting)
		execute(t, server.URL(), `SELECT pg_reload_conf()`)
		await(t, "the store to work again", func() bool { return store.Ping(t.Context()) == nil })
	}
}

func TestServerTellsWhatItDoes(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	dir := dataDir(t)
	server, err := postgres.StartServer(t.Context(), postgres.ServerOptions{
		DataDir: dir, Logger: slog.New(slog.NewTextHandler(&text, nil)),
	})
	require.NoError(t, err)
	stopServer(t, server)
	for _, message := range []string{"creating the database", "database server started", "database server stopped"} {
		require.Contains(t, text.String(), message)
	}
	require.FileExists(t, filepath.Join(dir, "postgres.log"))
}
