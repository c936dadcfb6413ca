package postgres_test

import (
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// execute runs a statement beside the store.
func execute(t *testing.T, address, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	_, err = conn.Exec(t.Context(), statement, args...)
	require.NoError(t, err)
}

// withOption adds an option of the connection to an address.
func withOption(t *testing.T, address, option string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	u.RawQuery += "&options=-c%20" + url.QueryEscape(option)
	return u.String()
}

func TestOpenRefusesASettingThatLosesData(t *testing.T) {
	t.Parallel()
	address := postgrestest.EmptyURL(t)
	_, err := postgres.Open(t.Context(), withOption(t, address, "synchronous_commit=off"), postgres.Options{})
	require.ErrorIs(t, err, postgres.ErrUnsafe)
	require.ErrorContains(t, err, "synchronous_commit is off")

	for _, enough := range []string{"local", "remote_write", "remote_apply", "on"} {
		store, err := postgres.Open(t.Context(), withOption(t, address, "synchronous_commit="+enough), postgres.Options{})
		require.NoError(t, err, enough)
		store.Close()
	}
}

func TestOpenMigratesOnceWhoeverAsks(t *testing.T) {
	t.Parallel()
	address := postgrestest.EmptyURL(t)
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			store, err := postgres.Open(t.Context(), address, postgres.Options{MaxConns: 2})
			if err == nil {
				store.Close()
			}
			require.NoError(t, err)
		})
	}
	wait.Wait()
	store, err := postgres.Open(t.Context(), address, postgres.Options{})
	require.NoError(t, err)
	require.NoError(t, store.Ping(t.Context()))
	store.Close()
	store.Close()
	require.Error(t, store.Ping(t.Context()), "it is closed")
}

func TestOpenRefusesASchemaOfANewerProgram(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	execute(t, address, `INSERT INTO slowburn_migrations (version_id, is_applied) VALUES (99999, true)`)
	_, err := postgres.Open(t.Context(), address, postgres.Options{})
	require.ErrorIs(t, err, postgres.ErrNewerSchema)
	require.ErrorContains(t, err, "version 99999")
}

func TestOpenSaysWhatIsWrongWithTheAddress(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"an address that is none":    "postgres://user:secret@%zz",
		"a server that is not there": "postgres:///slowburn?host=" + url.QueryEscape(t.TempDir()),
	} {
		_, err := postgres.Open(t.Context(), address, postgres.Options{})
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "secret", name)
	}
}
