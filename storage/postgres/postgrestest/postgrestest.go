// Package postgrestest gives tests a real database each, from one server per
// test process. In the package under test:
//
//	func TestMain(m *testing.M) { postgrestest.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		t.Parallel()
//		store := postgrestest.Store(t)
//		...
//	}
package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/storage/postgres"
)

const (
	// urlVariable tells tests where the server of their process is.
	urlVariable = "SLOWBURN_POSTGRESTEST_URL"
	// faultVariable tells them why there is none.
	faultVariable = "SLOWBURN_POSTGRESTEST_FAULT"
	// template is the database, already migrated, that every test copies.
	template  = "slowburn_template"
	dirPrefix = "slowburn-test-"
)

// Runner runs tests: *testing.M.
type Runner interface{ Run() int }

// Main runs the tests of a package with a server beside them. The test
// process exits with the code of the tests when TestMain returns.
func Main(m Runner) { WithServer(m).Run() }

// WithServer is Main for whoever wants to run the tests by other means, as in
// goleak.VerifyTestMain(postgrestest.WithServer(m)).
func WithServer(m Runner) Runner { return runner{m} }

type runner struct{ tests Runner }

// Run starts the server, runs the tests and stops the server. If the server
// does not start, the tests that need it say why and fail; the others run.
func (r runner) Run() (code int) {
	stop, err := start()
	if err != nil {
		_ = os.Setenv(faultVariable, err.Error())
		return r.tests.Run()
	}
	defer stop()
	return r.tests.Run()
}

// start starts a server in a temporary folder, with the template in it.
func start() (stop func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	sweep(ctx)
	dir, err := os.MkdirTemp("", dirPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, err
	}
	// As root, the server's user must be able to enter.
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // To pass through is all that it allows.
		return nil, err
	}
	server, err := postgres.StartServer(ctx, postgres.ServerOptions{DataDir: dir})
	if err != nil {
		return nil, err
	}
	stop = func() {
		// Nobody reads the files again, so no time is given to put them in order.
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = server.Stop(ctx)
		_ = os.RemoveAll(dir)
	}
	if err := makeTemplate(ctx, server.URL()); err != nil {
		stop()
		return nil, err
	}
	return stop, os.Setenv(urlVariable, server.URL())
}

func makeTemplate(ctx context.Context, admin string) error {
	if err := execute(ctx, admin, "CREATE DATABASE "+template); err != nil {
		return err
	}
	migrated, err := databaseURL(admin, template)
	if err != nil {
		return err
	}
	store, err := postgres.Open(ctx, migrated, postgres.Options{})
	if err != nil {
		return err
	}
	store.Close()
	return nil
}

// sweep ends the servers of test processes that were killed.
func sweep(ctx context.Context) {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		pid, err := strconv.Atoi(text)
		if err != nil || syscall.Kill(pid, 0) == nil || os.Geteuid() != ownerOf(dir) {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "postgres", "postmaster.pid")); err == nil {
			if server, err := postgres.StartServer(ctx, postgres.ServerOptions{DataDir: dir}); err == nil {
				_ = server.Stop(ctx)
			}
		}
		_ = os.RemoveAll(dir)
	}
}

func ownerOf(dir string) int {
	info, err := os.Stat(dir)
	if err != nil {
		return -1
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// Store opens a store on a database of the test's own, and closes it at the end.
func Store(t testing.TB) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), URL(t), postgres.Options{MaxConns: 6})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	return store
}

// URL returns the address of a migrated database of the test's own. It goes
// with the server: to drop one takes a checkpoint, and more time than a test.
func URL(t testing.TB) string {
	t.Helper()
	return newDatabase(t, "TEMPLATE "+template)
}

// EmptyURL is URL for a database without any table.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return newDatabase(t, "")
}

func newDatabase(t testing.TB, options string) string {
	t.Helper()
	admin := os.Getenv(urlVariable)
	require.Empty(t, os.Getenv(faultVariable), "the test server did not start")
	require.NotEmpty(t, admin, "call postgrestest.Main from TestMain")
	name := "test_" + strings.ToLower(rand.Text())
	require.NoError(t, execute(t.Context(), admin, "CREATE DATABASE "+name+" "+options))
	own, err := databaseURL(admin, name)
	require.NoError(t, err)
	return own
}

func execute(ctx context.Context, address, statement string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// databaseURL is the address of another database of the same server.
func databaseURL(address, name string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}
