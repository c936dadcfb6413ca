package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// tape is a journal whose records are known by their numbers: record n counts
// n%7 good and one bad event, and one repeat, in slice n%5. An oracle can
// recount it by arithmetic.
type tape struct {
	shard  string
	series slo.SeriesID
}

func (p tape) commit(cursor slo.Cursor, records int) slo.Commit {
	c := slo.Commit{
		Shard: p.shard, Sequence: cursor.Sequence + 1, From: cursor.Offset, To: cursor.Offset + slo.Offset(records),
		MeasuredUntil: noon.Add(time.Duration(cursor.Offset) * time.Millisecond),
	}
	deltas := map[slo.Slice]*slo.Delta{}
	for n := c.From + 1; n <= c.To; n++ {
		slice := slo.SliceOf(noon) + slo.Slice(n%5)
		if deltas[slice] == nil {
			deltas[slice] = &slo.Delta{Series: p.series, Slice: slice}
		}
		d := deltas[slice]
		d.Counts.Good, d.Counts.Bad, d.Repeats = d.Counts.Good+int64(n%7), d.Counts.Bad+1, d.Repeats+1
	}
	for _, d := range deltas {
		c.Deltas = append(c.Deltas, *d)
	}
	return c
}

// recount is what the buckets must hold of the records up to through: slice,
// good, bad and repeats.
func (p tape) recount(through slo.Offset) [][4]int64 {
	var want [][4]int64
	for slice := range slo.Offset(5) {
		row := [4]int64{int64(slo.SliceOf(noon)) + int64(slice)}
		for n := slo.Offset(1); n <= through; n++ {
			if n%5 == slice {
				row[1], row[2], row[3] = row[1]+int64(n%7), row[2]+1, row[3]+1
			}
		}
		if row[2] > 0 {
			want = append(want, row)
		}
	}
	return want
}

// stored is what the buckets hold, and how far the cursor stood at that moment.
func (p tape) stored(t *testing.T, conn *pgx.Conn) (through slo.Offset, rows [][4]int64) {
	t.Helper()
	found, err := conn.Query(t.Context(), `SELECT (SELECT position FROM cursors WHERE shard = $2), slice, good, bad, COALESCE(repeats, 0)
		FROM buckets WHERE series = (SELECT id FROM series WHERE hash = $1) ORDER BY slice`, p.series, p.shard)
	require.NoError(t, err)
	var b [4]int64
	_, err = pgx.ForEachRow(found, []any{&through, &b[0], &b[1], &b[2], &b[3]}, func() error {
		rows = append(rows, b)
		return nil
	})
	require.NoError(t, err)
	return through, rows
}

// check compares all that is stored with a recount.
func (p tape) check(t *testing.T, conn *pgx.Conn, message ...any) {
	t.Helper()
	through, rows := p.stored(t, conn)
	require.Equal(t, p.recount(through), rows, message...)
}

// resume is what a ledger does after any trouble: it reads the cursor until it
// knows it.
func resume(t *testing.T, store *postgres.Store, shard string) slo.Cursor {
	t.Helper()
	var cursor slo.Cursor
	await(t, "the cursor", func() bool {
		var err error
		cursor, err = store.Cursor(t.Context(), shard)
		return err == nil
	})
	return cursor
}

// cutter commits through a proxy that cuts.
type cutter struct {
	tape
	proxy *proxy
	store *postgres.Store
	look  *pgx.Conn
	// Commits that succeeded just before the cut, that failed by it, and that
	// stood afterwards; and how many of them came to stand only later.
	done, failed, stand, late int
}

func TestCommitCutAtEveryByteCountsOnce(t *testing.T) {
	t.Parallel()
	const workers = 2
	rounds := 32 // of one cut at each byte, by each worker
	if testing.Short() {
		rounds = 2
	}
	address := postgrestest.URL(t)
	begun := time.Now()
	var all [workers]*cutter
	var wait sync.WaitGroup
	for w := range workers {
		p, through := newProxy(t, address)
		store, err := postgres.Open(t.Context(), through, postgres.Options{MaxConns: 1})
		require.NoError(t, err)
		t.Cleanup(store.Close)
		all[w] = &cutter{tape: tape{fmt.Sprintf("shard %d", w), seriesID(w)}, proxy: p, store: store, look: connect(t, address)}
		require.NoError(t, store.Commit(t.Context(), all[w].commit(slo.Cursor{}, 1)), "with partitions and series made")
	}
	for w := range workers {
		wait.Go(func() {
			for range rounds {
				for n := range len(commitMessage) + 1 {
					all[w].cut(t, cut{bytes: n})
				}
				for n := range len(commitReply) + 1 {
					all[w].cut(t, cut{reply: true, bytes: n})
				}
			}
		})
	}
	wait.Wait()
	var cuts int64
	var sum cutter
	for _, c := range all {
		cuts += c.proxy.cuts.Load()
		sum.done, sum.failed, sum.stand, sum.late = sum.done+c.done, sum.failed+c.failed, sum.stand+c.stand, sum.late+c.late
	}
	require.EqualValues(t, workers*rounds*(len(commitMessage)+len(commitReply)+2), cuts)
	require.EqualValues(t, cuts, sum.done+sum.failed)
	require.Greater(t, sum.stand, sum.done, "some failed and took effect all the same")
	require.Less(t, sum.stand, sum.done+sum.failed, "some did not")
	t.Logf("%d cuts in %v: %d commits succeeded, %d failed, of which %d had taken effect (%d of them after the cursor was read again); 0 lost, 0 doubled",
		cuts, time.Since(begun).Round(time.Millisecond), sum.done, sum.failed, sum.stand-sum.done+sum.late, sum.late)
}

// cut lets the next commit be cut, and compares all that is stored with a recount.
func (c *cutter) cut(t *testing.T, where cut) {
	before := resume(t, c.store, c.shard)
	commit := c.commit(before, 1+int(before.Sequence%3))
	c.proxy.next.Store(&where)
	for try := 0; c.proxy.next.Load() != nil; try++ {
		err := c.store.Commit(t.Context(), commit)
		switch {
		case err == nil:
			c.done++
		case c.proxy.next.Load() == nil:
			c.failed++
		case errors.Is(err, slo.ErrCursorMoved):
			// What was cut before took effect only after the cursor was read.
			c.late++
			before = resume(t, c.store, c.shard)
			commit = c.commit(before, 1+int(before.Sequence%3))
		default:
			// A connection that was cut before may be noticed only now.
			require.Less(t, try, 10, "commits fail before they are cut: %v", err)
		}
	}
	after := resume(t, c.store, c.shard)
	require.Contains(t, []slo.Offset{before.Offset, commit.To}, after.Offset, "all or nothing")
	if after.Offset == commit.To {
		c.stand++
	}
	c.check(t, c.look, "after a cut at %+v", where)
}
