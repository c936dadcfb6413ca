package postgres_test

import (
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

// noon is an instant in the middle of a day; noonSlice its slice.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func seriesID(n int) slo.SeriesID { return slo.SeriesID(fmt.Sprintf("%032x", n)) }

func TestCursorOfANewShardIsZero(t *testing.T) {
	t.Parallel()
	cursor, err := postgrestest.Store(t).Cursor(t.Context(), "new")
	require.NoError(t, err)
	require.Zero(t, cursor)
}

func TestCommitMovesTheCursorExactlyOnce(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	first := slo.Commit{
		Shard: "a", Sequence: 1, From: 0, To: 7, MeasuredUntil: noon.Add(123456789),
		Deltas:      []slo.Delta{{Series: seriesID(1), Slice: slo.SliceOf(noon), Counts: slo.Counts{Good: 3, Bad: 2, Unknown: 1}}},
		Definitions: []byte("set 1"),
	}
	second := first
	second.Sequence, second.From, second.To, second.Definitions = 2, 7, 9, nil
	for _, tooEarly := range []slo.Commit{second, {Shard: "a", Sequence: 1, From: 3, To: 4}} {
		require.ErrorIs(t, store.Commit(t.Context(), tooEarly), slo.ErrCursorMoved)
	}
	require.NoError(t, store.Commit(t.Context(), first))
	require.ErrorIs(t, store.Commit(t.Context(), first), slo.ErrCursorMoved, "a replay is refused")
	require.NoError(t, store.Commit(t.Context(), second))
	require.ErrorIs(t, store.Commit(t.Context(), second), slo.ErrCursorMoved, "a replay is refused")
	stale := second
	stale.Sequence = 3
	require.ErrorIs(t, store.Commit(t.Context(), stale), slo.ErrCursorMoved, "the offset must fit as well")

	cursor, err := store.Cursor(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, slo.Cursor{Offset: 9, Sequence: 2, MeasuredUntil: noon.Add(123456789), Definitions: []byte("set 1")}, cursor)
	buckets, err := store.Buckets(t.Context(), seriesID(1), 0, slo.SliceOf(noon)+1)
	require.NoError(t, err)
	require.Equal(t, []slo.Bucket{{Slice: slo.SliceOf(noon), Counts: slo.Counts{Good: 6, Bad: 4, Unknown: 2}}}, buckets)
}

func TestCommitLetsOneOfManyThrough(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	commit := slo.Commit{
		Shard: "a", Sequence: 1, To: 1, MeasuredUntil: noon,
		Deltas: []slo.Delta{{Series: seriesID(1), Slice: slo.SliceOf(noon), Counts: slo.Counts{Good: 1}}},
	}
	var through, refused atomic.Int64
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() {
			switch err := store.Commit(t.Context(), commit); {
			case err == nil:
				through.Add(1)
			case errors.Is(err, slo.ErrCursorMoved):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wait.Wait()
	require.Equal(t, [2]int64{1, 4}, [2]int64{through.Load(), refused.Load()})
}

func TestCommitCountsDaysFarApart(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	days := []time.Time{
		time.Unix(0, 0), noon.AddDate(-3, 0, 0), noon.AddDate(0, 0, -1), noon, noon.AddDate(0, 0, 1),
		noon.AddDate(0, 0, 1).Truncate(24 * time.Hour), noon.AddDate(5, 0, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	}
	commit := slo.Commit{Shard: "a", Sequence: 1, To: 1, MeasuredUntil: noon}
	var want []slo.Bucket
	for i, day := range days {
		counts := slo.Counts{Good: int64(i + 1)}
		commit.Deltas = append(commit.Deltas, slo.Delta{Series: seriesID(1), Slice: slo.SliceOf(day), Counts: counts})
		want = append(want, slo.Bucket{Slice: slo.SliceOf(day), Counts: counts})
	}
	want[4], want[5] = want[5], want[4] // Midnight comes before noon.
	require.NoError(t, store.Commit(t.Context(), commit))
	got, err := store.Buckets(t.Context(), seriesID(1), 0, slo.SliceOf(days[7])+1)
	require.NoError(t, err)
	require.Equal(t, want, got)

	for name, slice := range map[string]slo.Slice{"before 1970": -1, "after 9999": slo.SliceOf(days[7]) + 1} {
		outside := slo.Commit{Shard: "b", Sequence: 1, To: 1, Deltas: []slo.Delta{{Series: seriesID(1), Slice: slice}}}
		require.ErrorContains(t, store.Commit(t.Context(), outside), "outside the years", name)
	}
}

func TestCommitFindsThatPartitionsWereTakenAway(t *testing.T) {
	t.Parallel()
	address := postgrestest.URL(t)
	store, err := postgres.Open(t.Context(), address, postgres.Options{})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	commit := slo.Commit{
		Shard: "a", Sequence: 1, To: 1, MeasuredUntil: noon,
		Deltas: []slo.Delta{{Series: seriesID(1), Slice: slo.SliceOf(noon), Counts: slo.Counts{Good: 1}}},
	}
	require.NoError(t, store.Commit(t.Context(), commit))
	execute(t, address, `DROP TABLE buckets_20260301`)
	commit.Sequence, commit.From, commit.To = 2, 1, 2
	require.Error(t, store.Commit(t.Context(), commit), "the partition is gone")
	require.NoError(t, store.Commit(t.Context(), commit), "it is made again")
}

func TestCommitTellsTheCountedStretches(t *testing.T) {
	t.Parallel()
	at := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	times := func(n ...int) map[slo.SeriesID]time.Time {
		m := make(map[slo.SeriesID]time.Time)
		for _, i := range n {
			m[seriesID(1)] = at(i)
		}
		return m
	}
	type change struct{ started, stopped map[slo.SeriesID]time.Time }
	stretch := func(from, to int) slo.Interval {
		i := slo.Interval{From: at(from)}
		if to > 0 {
			i.To = at(to)
		}
		return i
	}
	for name, c := range map[string]struct {
		changes []change
		want    []slo.Interval
	}{
		"one that started is counted":                     {[]change{{times(1), nil}}, []slo.Interval{stretch(1, 0)}},
		"one that stopped no longer is":                   {[]change{{times(1), nil}, {nil, times(2)}}, []slo.Interval{stretch(1, 2)}},
		"a repeated start changes nothing":                {[]change{{times(1), nil}, {times(2), nil}}, []slo.Interval{stretch(1, 0)}},
		"one may come back":                               {[]change{{times(1), nil}, {nil, times(2)}, {times(3), nil}}, []slo.Interval{stretch(1, 2), stretch(3, 0)}},
		"one may start and stop in one commit":            {[]change{{times(1), times(2)}}, []slo.Interval{stretch(1, 2)}},
		"one may stop and start in one commit":            {[]change{{times(1), nil}, {times(3), times(2)}}, []slo.Interval{stretch(1, 2), stretch(3, 0)}},
		"one may be replaced at the same instant":         {[]change{{times(1), nil}, {times(2), times(2)}}, []slo.Interval{stretch(1, 0)}},
		"a stop of what never started is as if it wasn't": {[]change{{nil, times(2)}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := postgrestest.Store(t)
			for i, change := range c.changes {
				require.NoError(t, store.Commit(t.Context(), slo.Commit{
					Shard: "a", Sequence: int64(i + 1), From: slo.Offset(i), To: slo.Offset(i + 1), MeasuredUntil: at(9),
					Started: change.started, Stopped: change.stopped,
				}))
			}
			states, coverage, _, err := store.ReadLedger(t.Context(), noon, slo.Detail{}, func(slo.Delta) {})
			require.NoError(t, err)
			require.Equal(t, c.want, states[seriesID(1)].Counted)
			require.False(t, coverage.Since.After(at(9)))
		})
	}
}

func BenchmarkCommit1000(b *testing.B) {
	store := postgrestest.Store(b)
	commit := slo.Commit{Shard: "a", Watermarks: make(map[slo.SeriesID]time.Time)}
	for i := range 1000 {
		commit.Deltas = append(commit.Deltas, slo.Delta{Series: seriesID(i), Counts: slo.Counts{Good: 17, Bad: 1}})
	}
	for b.Loop() {
		commit.Sequence++
		commit.From, commit.To = commit.To, commit.To+10
		// Four commits a second: each slice is counted up forty times.
		commit.MeasuredUntil = noon.Add(time.Duration(commit.Sequence) * 250 * time.Millisecond)
		for i := range commit.Deltas {
			commit.Deltas[i].Slice = slo.SliceOf(commit.MeasuredUntil)
			commit.Watermarks[commit.Deltas[i].Series] = commit.MeasuredUntil
		}
		require.NoError(b, store.Commit(b.Context(), commit))
	}
}
