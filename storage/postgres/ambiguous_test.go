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

func (p tape) stored(t *testing.T, conn *pgx.Conn) [][4]int64 {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT slice, good, bad, COALESCE(repeats, 0) FROM buckets
		WHERE series = (SELECT id FROM series WHERE hash = $1) ORDER BY slice`, p.series)
	require.NoError(t, err)
	stored, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (b [4]int64, err error) {
		return b, row.Scan(&b[0], &b[1], &b[2], &b[3])
	})
	require.NoError(t, err)
	return stored
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
	// Commits that took effect though they failed, that did not, and that
	// succeeded just before the cut.
	hidden, undone, done int
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
		sum.hidden, sum.undone, sum.done = sum.hidden+c.hidden, sum.undone+c.undone, sum.done+c.done
	}
	require.EqualValues(t, workers*rounds*(len(commitMessage)+len(commitReply)+2), cuts)
	require.Positive(t, sum.hidden, "some took effect although they failed")
	require.Positive(t, sum.undone, "some did not")
	t.Logf("%d cuts in %v: %d commits had failed and taken effect, %d had not, %d had succeeded before the cut; 0 lost, 0 doubled",
		cuts, time.Since(begun).Round(time.Millisecond), sum.hidden, sum.undone, sum.done)
}

// cut lets the next commit be cut, goes on from where the cursor then stands,
// and compares all that is stored with a recount.
func (c *cutter) cut(t *testing.T, where cut) {
	before := resume(t, c.store, c.shard)
	commit := c.commit(before, 1+int(before.Sequence%3))
	c.proxy.next.Store(&where)
	for c.proxy.next.Load() != nil {
		// A connection that was cut before may be noticed only now.
		err := c.store.Commit(t.Context(), commit)
		if err != nil && c.proxy.next.Load() != nil {
			continue
		}
		after := resume(t, c.store, c.shard)
		switch {
		case err == nil:
			c.done++
			require.Equal(t, commit.To, after.Offset)
		case errors.Is(err, slo.ErrCursorMoved):
			require.NoError(t, err, "nobody else commits")
		case after.Offset == commit.To:
			c.hidden++
		default:
			c.undone++
			require.Equal(t, before.Offset, after.Offset, "all or nothing")
		}
		require.Equal(t, c.recount(after.Offset), c.stored(t, c.look), "after a cut at %+v", where)
	}
}
