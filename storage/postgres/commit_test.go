package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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
			states, coverage, _, err := store.ReadLedger(t.Context(), noon, func(slo.Delta) {})
			require.NoError(t, err)
			require.Equal(t, c.want, states[seriesID(1)].Counted)
			require.False(t, coverage.Since.After(at(9)))
		})
	}
}

// model is what a store should hold.
type model struct {
	cursors  map[string]slo.Cursor
	buckets  map[slo.SeriesID]map[slo.Slice]slo.Counts
	marks    map[slo.SeriesID]time.Time
	refused  map[string]int64
	services map[string]slo.Service
	gaps     map[slo.Interval]bool
	commits  []slo.Commit
}

func newModel() *model {
	return &model{
		cursors: map[string]slo.Cursor{}, buckets: map[slo.SeriesID]map[slo.Slice]slo.Counts{},
		marks: map[slo.SeriesID]time.Time{}, refused: map[string]int64{}, services: map[string]slo.Service{},
		gaps: map[slo.Interval]bool{},
	}
}

func (m *model) apply(c slo.Commit) {
	cursor := m.cursors[c.Shard]
	cursor.Offset, cursor.Sequence, cursor.MeasuredUntil = c.To, c.Sequence, c.MeasuredUntil
	if c.Definitions != nil {
		cursor.Definitions = c.Definitions
	}
	m.cursors[c.Shard] = cursor
	for _, d := range c.Deltas {
		if m.buckets[d.Series] == nil {
			m.buckets[d.Series] = map[slo.Slice]slo.Counts{}
		}
		m.buckets[d.Series][d.Slice] = m.buckets[d.Series][d.Slice].Plus(d.Counts)
	}
	for id, at := range c.Watermarks {
		if at.After(m.marks[id]) {
			m.marks[id] = at
		}
	}
	for reason, n := range c.Refused {
		m.refused[reason] += n
	}
	for _, service := range c.Services {
		known := m.services[service.Name]
		known.Name, known.Spans = service.Name, known.Spans+service.Spans
		if service.LastSeen.After(known.LastSeen) {
			known.LastSeen = service.LastSeen
		}
		m.services[service.Name] = known
	}
	for _, gap := range c.Gaps {
		m.gaps[gap] = true
	}
	c.Refused, c.Services, c.Definitions = nil, nil, nil
	m.commits = append(m.commits, c)
}

// drawCommit makes a commit that fits the model's cursor.
func (m *model) drawCommit(t *rapid.T) slo.Commit {
	shard := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "shard")
	cursor := m.cursors[shard]
	c := slo.Commit{
		Shard: shard, Sequence: cursor.Sequence + 1, From: cursor.Offset,
		To:            cursor.Offset + slo.Offset(rapid.IntRange(1, 5).Draw(t, "records")),
		MeasuredUntil: noon.Add(time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "until"))),
	}
	instant := rapid.Custom(func(t *rapid.T) time.Time { return noon.Add(-time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "ago"))) })
	count := rapid.Int64Range(0, 5)
	type cell struct {
		series, hours, slice int
	}
	cells := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) cell {
		// Far enough back to meet every grid, and dense enough to meet again.
		return cell{rapid.IntRange(1, 4).Draw(t, "series"), rapid.IntRange(0, 120).Draw(t, "hours"), rapid.IntRange(0, 11).Draw(t, "slice")}
	}), 0, 12, rapid.ID[cell]).Draw(t, "cells")
	for _, k := range cells {
		id := seriesID(k.series)
		c.Deltas = append(c.Deltas, slo.Delta{
			Series: id, Slice: slo.SliceOf(noon) - slo.Slice(360*k.hours) + slo.Slice(k.slice),
			Counts: slo.Counts{Good: count.Draw(t, "good"), Bad: count.Draw(t, "bad"), Unknown: count.Draw(t, "unknown")},
		})
		if c.Watermarks == nil {
			c.Watermarks = map[slo.SeriesID]time.Time{}
		}
		c.Watermarks[id] = instant.Draw(t, "watermark")
	}
	if rapid.Bool().Draw(t, "seen") {
		c.Refused = map[string]int64{rapid.SampledFrom([]string{"late", "future"}).Draw(t, "reason"): count.Draw(t, "refused")}
		c.Services = []slo.Service{
			{Name: "zeta", Spans: count.Draw(t, "spans"), LastSeen: instant.Draw(t, "seen")},
			{Name: rapid.SampledFrom([]string{"", "<b>alpha</b>", "日本"}).Draw(t, "name"), Spans: count.Draw(t, "spans"), LastSeen: instant.Draw(t, "seen")},
		}
		from := instant.Draw(t, "gap")
		c.Gaps = []slo.Interval{{From: from, To: from.Add(time.Minute)}}
		c.Definitions = []byte(rapid.String().Draw(t, "definitions"))
	}
	return c
}

func TestStoreEqualsAModelUnderAnyCommits(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	rapid.Check(t, func(r *rapid.T) {
		// A database of its own costs far more than what is done with it.
		execute(t, address, `DELETE FROM buckets; DELETE FROM commits; DELETE FROM gaps; DELETE FROM series_counted;
			DELETE FROM services; DELETE FROM refused; DELETE FROM cursors; UPDATE series SET watermark_ns = NULL`)
		m := newModel()
		for range rapid.IntRange(1, 12).Draw(r, "commits") {
			c := m.drawCommit(r)
			require.NoError(t, store.Commit(t.Context(), c))
			m.apply(c)
			if rapid.Bool().Draw(r, "replay") {
				require.ErrorIs(t, store.Commit(t.Context(), c), slo.ErrCursorMoved)
			}
		}
		m.check(t, store)
		m.checkLedger(t, store)
		m.checkCommits(t, store)
	})
}

func (m *model) check(t *testing.T, store *postgres.Store) {
	t.Helper()
	for shard, want := range m.cursors {
		got, err := store.Cursor(t.Context(), shard)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for id, want := range m.buckets {
		buckets, err := store.Buckets(t.Context(), id, 0, slo.SliceOf(noon)+100)
		require.NoError(t, err)
		got := map[slo.Slice]slo.Counts{}
		for i, b := range buckets {
			require.True(t, i == 0 || buckets[i-1].Slice < b.Slice, "ascending")
			got[b.Slice] = b.Counts
		}
		require.Equal(t, want, got)
	}
	refused, err := store.Refused(t.Context())
	require.NoError(t, err)
	require.Equal(t, m.refused, refused)
	services, err := store.Services(t.Context())
	require.NoError(t, err)
	got := map[string]slo.Service{}
	for i, service := range services {
		require.True(t, i == 0 || services[i-1].Name < service.Name, "by name")
		got[service.Name] = service
	}
	require.Equal(t, m.services, got)
}

// checkLedger compares what ReadLedger visits with the model's counts, each
// moved to the first slice of the group that its age puts it in.
func (m *model) checkLedger(t *testing.T, store *postgres.Store) {
	t.Helper()
	since := noon.Add(-100*time.Hour + 30*time.Minute)
	now := time.Time{}
	sequences := map[string]int64{}
	for shard, cursor := range m.cursors {
		sequences[shard] = cursor.Sequence
		if now.IsZero() || cursor.MeasuredUntil.Before(now) {
			now = cursor.MeasuredUntil
		}
	}
	want := map[slo.SeriesID]map[slo.Slice]slo.Counts{}
	for id, buckets := range m.buckets {
		want[id] = map[slo.Slice]slo.Counts{}
		for slice, counts := range buckets {
			switch start := slice.Start(); {
			case start.Before(since.Truncate(time.Hour)):
				continue
			case start.Before(now.Add(-73 * time.Hour).Truncate(time.Hour)):
				slice = slo.SliceOf(start.Truncate(time.Hour))
			case start.Before(now.Add(-7 * time.Hour).Truncate(time.Hour)):
				slice = slo.SliceOf(start.Truncate(time.Minute))
			}
			want[id][slice] = want[id][slice].Plus(counts)
		}
	}
	got := map[slo.SeriesID]map[slo.Slice]slo.Counts{}
	for id := range m.buckets {
		got[id] = map[slo.Slice]slo.Counts{}
	}
	newest := slo.Slice(0)
	states, coverage, reached, err := store.ReadLedger(t.Context(), since, func(d slo.Delta) {
		_, repeated := got[d.Series][d.Slice]
		require.False(t, repeated, "each group is visited once")
		require.GreaterOrEqual(t, d.Slice/8640, newest/8640, "the oldest day first")
		got[d.Series][d.Slice], newest = d.Counts, d.Slice
	})
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, sequences, reached)
	require.Equal(t, now, coverage.Until)
	require.False(t, coverage.Since.IsZero())
	for gap := range m.gaps {
		require.Condition(t, func() bool {
			for _, g := range coverage.Gaps {
				if !g.From.After(gap.From) && !g.To.Before(gap.To) {
					return true
				}
			}
			return false
		}, "gap %v is covered", gap)
	}
	for id, at := range m.marks {
		require.Equal(t, at, states[id].Watermark)
	}
}

// checkCommits follows the commits from the beginning, a few at a time.
func (m *model) checkCommits(t *testing.T, store *postgres.Store) {
	t.Helper()
	after := map[string]int64{}
	byShard := map[string][]slo.Commit{}
	for {
		commits, err := store.Commits(t.Context(), after, 3)
		require.NoError(t, err)
		for _, c := range commits {
			after[c.Shard] = c.Sequence
			byShard[c.Shard] = append(byShard[c.Shard], c)
		}
		if len(commits) == 0 {
			break
		}
	}
	want := map[string][]slo.Commit{}
	for _, c := range m.commits {
		want[c.Shard] = append(want[c.Shard], c)
	}
	require.Len(t, byShard, len(want))
	for shard := range want {
		require.Len(t, byShard[shard], len(want[shard]))
		for i, c := range want[shard] {
			require.ElementsMatch(t, c.Deltas, byShard[shard][i].Deltas)
			got := byShard[shard][i]
			got.Deltas = c.Deltas
			require.Equal(t, c, got)
		}
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
