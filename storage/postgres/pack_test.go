package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

// everything packs all hours of the tests by slice.
var everything = postgres.Packing{Closed: noon.Add(48 * time.Hour)}

// pack packs, and returns what that did.
func pack(t *testing.T, store *postgres.Store, p postgres.Packing) postgres.Packed {
	t.Helper()
	packed, err := store.Pack(t.Context(), p)
	require.NoError(t, err)
	return packed
}

// add commits deltas of one series.
func add(t *testing.T, store *postgres.Store, deltas ...slo.Delta) {
	t.Helper()
	for i := range deltas {
		deltas[i].Series = seriesID(1)
	}
	require.NoError(t, next(t, store, func(c *slo.Commit) { c.Deltas = deltas }))
}

// good is a delta of good events.
func good(slice slo.Slice, n int64) slo.Delta {
	return slo.Delta{Slice: slice, Counts: slo.Counts{Good: n}}
}

func TestOnlyClosedHoursArePacked(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	store.RaiseEpoch(t)
	first := slo.SliceOf(noon)
	add(t, store, good(first-1, 1), good(first, 2), good(first+359, 4), good(first+360, 8))
	require.Equal(t, postgres.Packed{Buckets: 1, Hours: 1}, pack(t, store, postgres.Packing{Closed: noon.Add(59 * time.Minute)}))
	require.Equal(t, postgres.Packed{Buckets: 2, Hours: 1}, pack(t, store, postgres.Packing{Closed: noon.Add(time.Hour)}))
	require.Equal(t, postgres.Packed{}, pack(t, store, postgres.Packing{Closed: noon.Add(time.Hour)}))
	require.Len(t, content(t, address, `SELECT * FROM buckets`), 1)
	require.Len(t, content(t, address, `SELECT * FROM hours`), 2)

	// What is late lies loose until the next pass.
	add(t, store, good(first+1, 16), good(first, 32))
	require.Len(t, content(t, address, `SELECT * FROM buckets`), 3)
	require.Equal(t, postgres.Packed{Buckets: 2, Hours: 1}, pack(t, store, postgres.Packing{Closed: noon.Add(time.Hour)}))
	buckets, err := store.Buckets(t.Context(), seriesID(1), first, first+360)
	require.NoError(t, err)
	require.Equal(t, []slo.Bucket{
		{Slice: first, Counts: slo.Counts{Good: 34}},
		{Slice: first + 1, Counts: slo.Counts{Good: 16}},
		{Slice: first + 359, Counts: slo.Counts{Good: 4}},
	}, buckets)
	require.Equal(t, []string{"(54)"}, content(t, address, fmt.Sprintf(`SELECT good FROM hours WHERE hour = %d`, noon.Unix()/3600)))
}

func TestMinutesStayMinutes(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	store.RaiseEpoch(t)
	first := slo.SliceOf(noon)
	add(t, store, good(first+6, 1), good(first+11, 2), good(first+12, 4))
	pack(t, store, everything)
	minutes := postgres.Packing{Closed: everything.Closed, Minutes: noon.Add(time.Hour)}
	require.EqualValues(t, 1, pack(t, store, minutes).Coarsened)
	require.Zero(t, pack(t, store, minutes).Coarsened)
	add(t, store, good(first+8, 8), good(first+30, 16))
	buckets, err := store.Buckets(t.Context(), seriesID(1), 0, first+360)
	require.NoError(t, err)
	require.Equal(t, []slo.Bucket{
		{Slice: first + 6, Minute: true, Counts: slo.Counts{Good: 3}},
		{Slice: first + 8, Counts: slo.Counts{Good: 8}},
		{Slice: first + 12, Minute: true, Counts: slo.Counts{Good: 4}},
		{Slice: first + 30, Counts: slo.Counts{Good: 16}},
	}, buckets)
	pack(t, store, everything)
	snapshot, err := store.Snapshot(t.Context(), "a", first, first+400)
	require.NoError(t, err)
	require.Equal(t, first+360, snapshot.Fine)
	require.Equal(t, []slo.Bucket{
		{Slice: first + 6, Minute: true, Counts: slo.Counts{Good: 11}},
		{Slice: first + 12, Minute: true, Counts: slo.Counts{Good: 4}},
		{Slice: first + 30, Minute: true, Counts: slo.Counts{Good: 16}},
	}, snapshot.Buckets[seriesID(1)])
	buckets, err = store.Buckets(t.Context(), seriesID(1), first+7, first+30)
	require.NoError(t, err)
	require.Len(t, buckets, 1, "only minutes that begin there")
	snapshot, err = store.Snapshot(t.Context(), "a", first+360, first+400)
	require.NoError(t, err)
	require.Equal(t, first+360, snapshot.Fine)
	require.NotEmpty(t, content(t, address, `SELECT FROM hours WHERE grid = 60`))
}

func TestOnlyTheLeaderPacks(t *testing.T) {
	t.Parallel()
	stores, address := deciders(t, 2)
	add(t, stores[0], good(slo.SliceOf(noon), 1))
	stores[1].RaiseEpoch(t)
	_, err := stores[0].Pack(t.Context(), everything)
	require.ErrorIs(t, err, slo.ErrFenced)
	require.Empty(t, content(t, address, `SELECT * FROM hours`))
	require.EqualValues(t, 1, pack(t, stores[1], everything).Buckets)
	stores[0].RaiseEpoch(t)
	_, err = stores[1].Pack(t.Context(), everything)
	require.ErrorIs(t, err, slo.ErrFenced)
}

func TestAPassEndsWhenItIsAskedTo(t *testing.T) {
	t.Parallel()
	store, _ := open(t)
	store.RaiseEpoch(t)
	add(t, store, good(slo.SliceOf(noon), 1), good(slo.SliceOf(noon)+360, 1), good(slo.SliceOf(noon)+720, 1))
	enough := errors.New("enough")
	left := 2
	p := everything
	p.Between = func(context.Context, time.Duration) error {
		if left--; left == 0 {
			return enough
		}
		return nil
	}
	packed, err := store.Pack(t.Context(), p)
	require.ErrorIs(t, err, enough)
	require.EqualValues(t, 2, packed.Buckets)
	require.EqualValues(t, 1, pack(t, store, everything).Buckets, "the next goes on")
}

func TestPackingWaitsForNoCommit(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	store.RaiseEpoch(t)
	first := slo.SliceOf(noon)
	add(t, store, good(first, 1), good(first+1, 2), good(first+2, 4))
	commit := connect(t, address)
	_, err := commit.Exec(t.Context(), `BEGIN; UPDATE buckets SET good = good + 8 WHERE slice = `+fmt.Sprint(first+1))
	require.NoError(t, err)
	require.EqualValues(t, 2, pack(t, store, everything).Buckets, "what a commit holds is left")
	_, err = commit.Exec(t.Context(), `COMMIT`)
	require.NoError(t, err)
	require.EqualValues(t, 1, pack(t, store, everything).Buckets)
	buckets, err := store.Buckets(t.Context(), seriesID(1), 0, first+10)
	require.NoError(t, err)
	require.Equal(t, []slo.Bucket{
		{Slice: first, Counts: slo.Counts{Good: 1}},
		{Slice: first + 1, Counts: slo.Counts{Good: 10}},
		{Slice: first + 2, Counts: slo.Counts{Good: 4}},
	}, buckets)
}

// TestCommitsWhileTwoPack commits without pause into hours that two passes
// pack, and compares each look at the store with what its records count.
func TestCommitsWhileTwoPack(t *testing.T) {
	t.Parallel()
	commits := 400
	if testing.Short() {
		commits = 60
	}
	store, err := postgres.Open(t.Context(), postgrestest.URL(t), postgres.Options{MaxConns: 10})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	store.RaiseEpoch(t)
	tapes := []tape{{"shard 0", seriesID(0)}, {"shard 1", seriesID(0)}}
	var writing, others sync.WaitGroup
	var over atomic.Bool
	for _, p := range tapes {
		writing.Go(func() {
			var cursor slo.Cursor
			for i := range commits {
				if err := store.Commit(t.Context(), p.commit(cursor, 1+i%6)); err != nil {
					t.Errorf("a commit while others pack: %v", err)
					return
				}
				cursor.Offset, cursor.Sequence = cursor.Offset+slo.Offset(1+i%6), cursor.Sequence+1
			}
		})
	}
	var moved atomic.Int64
	for range 2 {
		others.Go(func() {
			for !over.Load() {
				packed, err := store.Pack(t.Context(), everything)
				if err != nil {
					t.Errorf("pack: %v", err)
					return
				}
				moved.Add(packed.Buckets)
			}
		})
	}
	looks := 0
	others.Go(func() {
		for !over.Load() {
			for _, p := range tapes {
				p.look(t, store)
			}
			looks++
		}
	})
	writing.Wait()
	over.Store(true)
	others.Wait()
	pack(t, store, everything)
	for _, p := range tapes {
		p.look(t, store)
	}
	require.Positive(t, looks)
	require.Greater(t, moved.Load(), int64(commits/10), "they met")
	t.Logf("%d commits, %d buckets moved meanwhile, %d looks: difference 0", 2*commits, moved.Load(), looks)
}

// look compares a snapshot with what the records up to its cursor count.
func (p tape) look(t *testing.T, store *postgres.Store) {
	snapshot, err := store.Snapshot(t.Context(), p.shard, 0, slo.SliceOf(noon)+10)
	if err != nil {
		t.Errorf("look: %v", err)
		return
	}
	var rows [][4]int64
	for _, b := range snapshot.Buckets[p.series] {
		rows = append(rows, [4]int64{int64(b.Slice), b.Counts.Good, b.Counts.Bad, b.Repeats})
	}
	if want := p.recount(snapshot.Cursor.Offset); fmt.Sprint(want) != fmt.Sprint(rows) {
		t.Errorf("%s at record %d: %v, not %v", p.shard, snapshot.Cursor.Offset, rows, want)
	}
}

// TestAPassThatIsCutOffLosesNothing cuts the connections of a pass after every
// message: a kill at any time.
func TestAPassThatIsCutOffLosesNothing(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	p, through := newProxy(t, address)
	direct, err := postgres.Open(t.Context(), address, postgres.Options{MaxConns: 3})
	require.NoError(t, err)
	t.Cleanup(direct.Close)
	tape := tape{"shard", seriesID(0)}
	var cursor slo.Cursor
	var cuts, half int
	for messages := int64(0); ; messages++ {
		for range 2 {
			require.NoError(t, direct.Commit(t.Context(), tape.commit(cursor, 3)))
			cursor.Offset, cursor.Sequence = cursor.Offset+3, cursor.Sequence+1
		}
		store, err := postgres.Open(t.Context(), through, postgres.Options{MaxConns: 1})
		require.NoError(t, err)
		store.RaiseEpoch(t)
		p.messages.Store(messages)
		packed, err := store.Pack(t.Context(), postgres.Packing{Closed: everything.Closed, Minutes: noon.Add(-time.Hour)})
		uncut := p.messages.Load() > 0
		p.messages.Store(-1)
		store.Close()
		tape.look(t, direct)
		if uncut {
			require.NoError(t, err)
			require.Positive(t, packed.Buckets)
			break
		}
		if cuts++; packed.Buckets > 0 || err == nil {
			half++
		}
	}
	require.Greater(t, cuts, 20)
	t.Logf("%d cuts, %d of them after buckets were moved; difference 0", cuts, half)
}

func TestWhatIsDoneWithIsDropped(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	store.RaiseEpoch(t)
	first := slo.SliceOf(noon.Truncate(24 * time.Hour))
	add(t, store, good(first, 1), good(first-8640*60, 2))
	p := postgres.Packing{Closed: noon.Add(48 * time.Hour), Minutes: noon.Add(23 * time.Hour), Days: noon.Add(23 * time.Hour)}
	packed := pack(t, store, p)
	require.Equal(t, []string{"buckets_20251231", "buckets_20260101", "buckets_20260301"}, packed.Dropped, "the day after is not over")
	// A late event makes the partition again.
	add(t, store, good(first, 4))
	ahead := p
	ahead.Closed = p.Closed.AddDate(2, 0, 0)
	ahead.Oldest = ahead.Closed.AddDate(0, 0, -120)
	ahead.Days = time.Time{}
	require.Empty(t, pack(t, store, ahead).Dropped, "a clock that is two years ahead drops nothing that is not 120 days older than the newest")
	p.Oldest = time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC)
	require.Equal(t, []string{"buckets_20260301", "hours_202512"}, pack(t, store, p).Dropped)
	p.Oldest = time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)
	require.Empty(t, pack(t, store, p).Dropped)
	buckets, err := store.Buckets(t.Context(), seriesID(1), 0, first+1)
	require.NoError(t, err)
	require.Equal(t, []slo.Bucket{{Slice: first, Minute: true, Counts: slo.Counts{Good: 5}}}, buckets)
	require.Equal(t, []string{"(buckets_20260302)", "(hours_202603)"},
		content(t, address, `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relkind = 'r' ORDER BY 1`))
}

func TestADayThatIsLookedAtIsNotDropped(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	store.RaiseEpoch(t)
	first := slo.SliceOf(noon)
	add(t, store, good(first, 1))
	look := connect(t, address)
	_, err := look.Exec(t.Context(), `BEGIN ISOLATION LEVEL REPEATABLE READ`)
	require.NoError(t, err)
	require.Equal(t, []string{"(1)"}, rowsOf(t, look, `SELECT 1 FROM series`), "its moment is now")
	p := postgres.Packing{Closed: noon.Add(48 * time.Hour), Days: noon.Add(24 * time.Hour)}
	packed := pack(t, store, p)
	require.EqualValues(t, 1, packed.Buckets)
	require.Empty(t, packed.Dropped)
	require.Equal(t, []string{"(1,)"}, rowsOf(t, look, `SELECT sum(good), (SELECT sum(good) FROM hours) FROM buckets`), "it sees what was")
	_, err = look.Exec(t.Context(), `COMMIT`)
	require.NoError(t, err)
	require.Equal(t, []string{"buckets_20260301"}, pack(t, store, p).Dropped)
}

func TestAPackedHourThatIsDamagedIsNotBelieved(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	store.RaiseEpoch(t)
	add(t, store, good(slo.SliceOf(noon), 3))
	pack(t, store, everything)
	execute(t, address, `UPDATE hours SET data = set_byte(data, length(data) - 1, 8)`)
	_, err := store.Buckets(t.Context(), seriesID(1), 0, slo.SliceOf(noon)+1)
	require.ErrorContains(t, err, "damaged")
	add(t, store, good(slo.SliceOf(noon), 4))
	_, err = store.Pack(t.Context(), everything)
	require.ErrorContains(t, err, "damaged")
	require.Len(t, content(t, address, `SELECT * FROM buckets`), 1, "what is late is not added to it")
}

func TestGoingBackBehindPackedHoursKeepsTheirSums(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	store.RaiseEpoch(t)
	first := slo.SliceOf(noon)
	add(t, store, good(first, 1), good(first+7, 2), good(first-8640*3, 4), good(first+360, 8))
	pack(t, store, postgres.Packing{Closed: noon.Add(time.Hour), Minutes: noon.Add(-24 * time.Hour)})
	add(t, store, good(first, 16), good(first+8, 32))
	provider := migrations(t, address)
	_, err := provider.DownTo(t.Context(), 3)
	require.NoError(t, err)
	require.Equal(t, []string{
		fmt.Sprintf("(%d,4)", first-8640*3), fmt.Sprintf("(%d,19)", first), fmt.Sprintf("(%d,32)", first+8), fmt.Sprintf("(%d,8)", first+360),
	}, content(t, address, `SELECT slice, good FROM buckets`))
	_, err = provider.Up(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 4, pack(t, store, everything).Buckets)
}
