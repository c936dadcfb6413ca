package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// migrations gives the migrations of a database to be moved up and down.
func migrations(t *testing.T, address string) *goose.Provider {
	t.Helper()
	config, err := pgx.ParseConfig(address)
	require.NoError(t, err)
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	provider, err := goose.NewProvider(goose.DialectPostgres, db, postgres.Migrations(t),
		goose.WithTableName("slowburn_migrations"), goose.WithDisableGlobalRegistry(true))
	require.NoError(t, err)
	return provider
}

// connect gives a connection beside the stores.
func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) })
	return conn
}

// rowsOf are the rows of a query, as text in order.
func rowsOf(t *testing.T, conn *pgx.Conn, query string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT row(q.*)::text FROM (`+query+`) AS q ORDER BY 1`)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return all
}

// content is rowsOf with a connection of its own.
func content(t *testing.T, address, query string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	return rowsOf(t, conn, query)
}

// before are tables as the version before knows them.
func before() []string {
	return []string{
		`SELECT id, shard, position, sequence, measured_since_ns, measured_until_ns, definitions FROM cursors`,
		`SELECT * FROM series`, `SELECT series, shard, from_ns, to_ns FROM series_counted`,
		`SELECT series, shard, slice, good, bad, unknown FROM buckets`,
		`SELECT shard, sequence, from_position, to_position, series, slices, good, bad, unknown FROM commits`,
		`SELECT * FROM gaps`, `SELECT * FROM refused`, `SELECT * FROM services`,
	}
}

// fillBefore writes what the version before would have written.
func fillBefore(t *testing.T, address string) {
	t.Helper()
	slice := int64(slo.SliceOf(noon))
	day := slice / 8640 * 8640
	execute(t, address, fmt.Sprintf(`
		INSERT INTO cursors (shard, position, sequence, measured_since_ns, measured_until_ns) VALUES ('a', 7, 2, 1, %[4]d);
		INSERT INTO series (hash, watermark_ns) VALUES ('%[5]s', 5), ('%[6]s', 6);
		INSERT INTO series_counted VALUES (1, 1, 10, 20), (1, 1, 30, NULL), (2, 1, 10, 40);
		CREATE TABLE buckets_20260301 (LIKE buckets INCLUDING ALL) WITH (fillfactor = 70);
		ALTER TABLE buckets ATTACH PARTITION buckets_20260301 FOR VALUES FROM (%[2]d) TO (%[3]d);
		INSERT INTO buckets VALUES (1, 1, %[1]d, 3, 2, 1), (2, 1, %[1]d, 9, 0, 0);
		INSERT INTO commits VALUES (1, 2, 3, 7, %[4]d, now(), '{1}', '{%[1]d}', '{3}', '{2}', '{1}', '{1}', '{5}', '{}', '{}', '{}', '{}', '{}', '{}');
		INSERT INTO gaps VALUES (1, 10, 20); INSERT INTO refused VALUES ('late', 4); INSERT INTO services VALUES ('x', 5, 6)`,
		slice, day, day+8640, noon.UnixNano(), seriesID(1), seriesID(2)))
}

func TestWhatTheVersionBeforeCountedIsKeptAndCountedOn(t *testing.T) {
	t.Parallel()
	address := postgrestest.EmptyURL(t)
	_, err := migrations(t, address).UpTo(t.Context(), 2)
	require.NoError(t, err)
	fillBefore(t, address)
	kept := make(map[string][]string)
	for _, query := range before() {
		kept[query] = content(t, address, query)
		require.NotEmpty(t, kept[query])
	}
	store, err := postgres.Open(t.Context(), address, postgres.Options{MaxConns: 2})
	require.NoError(t, err)
	for query, rows := range kept {
		require.Equal(t, rows, content(t, address, query))
	}
	commits, err := store.Commits(t.Context(), map[string]int64{"a": 1}, 9)
	require.NoError(t, err)
	require.Len(t, commits, 1)
	require.Empty(t, commits[0].Recounted)

	// The program goes on in an old partition, and stops what began before.
	slice := slo.SliceOf(noon)
	require.NoError(t, store.Commit(t.Context(), slo.Commit{
		Shard: "a", Sequence: 3, From: 7, To: 9, MeasuredUntil: noon.Add(1),
		Deltas: []slo.Delta{
			{Series: seriesID(1), Slice: slice, Counts: slo.Counts{Good: 1}, Corrections: slo.Corrections{Late: 1, Repeats: 2}},
			{Series: seriesID(2), Slice: slice, Counts: slo.Counts{Good: 1}},
		},
		Stopped: newTimes(seriesID(1), noon.Add(1)),
	}))
	buckets, err := store.Buckets(t.Context(), seriesID(1), 0, slice+1)
	require.NoError(t, err)
	require.Equal(t, []slo.Bucket{{
		Slice: slice, Counts: slo.Counts{Good: 4, Bad: 2, Unknown: 1}, Corrections: slo.Corrections{Late: 1, Repeats: 2},
		Revisions: 1, RevisedAt: noon.Add(1),
	}}, buckets)
	stretches, err := store.Stretches(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, stretches[seriesID(1)], 2)
	for _, s := range stretches[seriesID(1)] {
		require.True(t, s.Unplaced)
	}
	require.Equal(t, slo.Offset(9), stretches[seriesID(1)][1].Through)
	require.ErrorIs(t, store.Commit(t.Context(), slo.Commit{
		Shard: "a", Sequence: 4, From: 9, To: 9,
		Recounted: []slo.Recounted{{Series: seriesID(1), After: 1, Through: 7, Since: noon.Add(-1)}},
	}), slo.ErrRecountMoved, "nobody knows where it began")
	store.Close()
}

func TestMigrationsGoDownAndUpAgain(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	store, err := postgres.Open(t.Context(), address, postgres.Options{MaxConns: 2})
	require.NoError(t, err)
	slice := slo.SliceOf(noon)
	require.NoError(t, store.Commit(t.Context(), slo.Commit{
		Shard: "a", Sequence: 1, To: 3, MeasuredUntil: noon,
		Deltas: []slo.Delta{
			{Series: seriesID(1), Slice: slice, Counts: slo.Counts{Good: 3}, Corrections: slo.Corrections{Late: 1}},
			{Series: seriesID(1), Slice: slice + 1, Corrections: slo.Corrections{Repeats: 1}},
		},
		Started: newTimes(seriesID(1), noon), Refused: map[string]int64{"late": 1},
	}))
	// Two stretches of one instant, of which the first is empty.
	for i, change := range []slo.Commit{{Stopped: newTimes(seriesID(1), noon)}, {Started: newTimes(seriesID(1), noon)}} {
		change.Shard, change.Sequence, change.From, change.To, change.MeasuredUntil = "a", int64(i+2), slo.Offset(i+3), slo.Offset(i+4), noon
		require.NoError(t, store.Commit(t.Context(), change))
	}
	store.Close()
	provider := migrations(t, address)
	_, err = provider.DownTo(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, []string{fmt.Sprintf("(1,1,%d,3,0,0)", slice)}, content(t, address, `SELECT * FROM buckets`))
	require.Equal(t, []string{fmt.Sprintf("(1,1,%d,)", noon.UnixNano())}, content(t, address, `SELECT * FROM series_counted`))
	_, err = provider.Up(t.Context())
	require.NoError(t, err)
	store, err = postgres.Open(t.Context(), address, postgres.Options{MaxConns: 2})
	require.NoError(t, err)
	heartbeats(t, store, "a", 1)
	store.Close()
}

// TestAMigrationThatIsCutOffHappensOrNot cuts the connections of a migration
// after every message, and starts again.
func TestAMigrationThatIsCutOffHappensOrNot(t *testing.T) {
	t.Parallel()
	step := int64(1)
	if testing.Short() {
		step = 7
	}
	address := postgrestest.EmptyURL(t)
	provider := migrations(t, address)
	_, err := provider.UpTo(t.Context(), 2)
	require.NoError(t, err)
	fillBefore(t, address)
	sources := provider.ListSources()
	newest := fmt.Sprintf("(%d)", sources[len(sources)-1].Version)
	look := connect(t, address)
	kept := make(map[string][]string)
	for _, query := range before() {
		kept[query] = rowsOf(t, look, query)
	}
	p, through := newProxy(t, address)
	var cut, happened int
	for messages := int64(0); ; messages += step {
		p.messages.Store(messages)
		store, err := postgres.Open(t.Context(), through, postgres.Options{MaxConns: 1})
		uncut := p.messages.Load() > 0
		p.messages.Store(-1)
		if err == nil {
			store.Close()
		}
		if uncut {
			require.NoError(t, err)
			break
		}
		cut++
		version := rowsOf(t, look, `SELECT max(version_id) FROM slowburn_migrations`)
		columns := rowsOf(t, look, `SELECT 1 FROM information_schema.columns WHERE table_name IN ('buckets', 'leadership') AND column_name IN ('late', 'epoch')`)
		if version[0] == "(2)" {
			require.Empty(t, columns, "nothing of the migration is there")
		} else {
			happened++
			require.Len(t, columns, 2, "all of it is")
		}
		for query, rows := range kept {
			require.Equal(t, rows, rowsOf(t, look, query), "cut after %d messages", messages)
		}
		store, err = postgres.Open(t.Context(), address, postgres.Options{MaxConns: 1})
		require.NoError(t, err, "the next start completes it")
		store.Close()
		require.Equal(t, []string{newest}, rowsOf(t, look, `SELECT max(version_id) FROM slowburn_migrations`))
		_, err = provider.DownTo(t.Context(), 2)
		require.NoError(t, err)
	}
	require.Positive(t, happened)
	require.Greater(t, cut, happened)
	t.Logf("%d cuts: the migration had happened in %d, and not in %d; all rows of before are there", cut, happened, cut-happened)
}
