package postgres_test

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
)

// model is what a store should hold.
type model struct {
	cursors   map[string]slo.Cursor
	buckets   map[slo.SeriesID]map[slo.Slice]slo.Bucket
	marks     map[slo.SeriesID]time.Time
	refused   map[string]int64
	refusals  map[slo.Refusal]int64 // Items is 0.
	repeated  [2]int64
	services  map[string]slo.Service
	gaps      map[slo.Interval]bool
	stretches map[string]map[slo.SeriesID][]slo.Stretch
	commits   []slo.Commit
	// minutes is up to where hours are packed to minutes; it never goes back.
	minutes time.Time
}

func newModel() *model {
	return &model{
		cursors: map[string]slo.Cursor{}, buckets: map[slo.SeriesID]map[slo.Slice]slo.Bucket{},
		marks: map[slo.SeriesID]time.Time{}, refused: map[string]int64{}, refusals: map[slo.Refusal]int64{},
		services: map[string]slo.Service{}, gaps: map[slo.Interval]bool{},
		stretches: map[string]map[slo.SeriesID][]slo.Stretch{},
	}
}

func (m *model) apply(c slo.Commit) {
	cursor := m.cursors[c.Shard]
	cursor.Offset, cursor.Sequence = c.To, c.Sequence
	if len(c.Recounted) == 0 {
		cursor.MeasuredUntil = c.MeasuredUntil
	}
	if c.Definitions != nil {
		cursor.Definitions = c.Definitions
	}
	m.cursors[c.Shard] = cursor
	c.MeasuredUntil = cursor.MeasuredUntil
	m.applyDeltas(c)
	m.applyStretches(&c)
	for id, at := range c.Watermarks {
		if at.After(m.marks[id]) {
			m.marks[id] = at
		}
	}
	for reason, n := range c.Refused {
		m.refused[reason] += n
	}
	for _, r := range c.Refusals {
		m.refusals[slo.Refusal{Signal: r.Signal, Reason: r.Reason, Service: r.Service}] += r.Items
	}
	m.repeated[0] += c.Repeats
	m.repeated[1] += c.Conflicts
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
	// What follows is not told to followers.
	c.Refused, c.Services, c.Definitions, c.Refusals, c.Repeats, c.Conflicts = nil, nil, nil, nil, 0, 0
	var counted []slo.Delta
	for _, d := range c.Deltas {
		d.Corrections = slo.Corrections{}
		if d.Counts != (slo.Counts{}) {
			counted = append(counted, d)
		}
	}
	c.Deltas = counted
	m.commits = append(m.commits, c)
}

func (m *model) applyDeltas(c slo.Commit) {
	for _, d := range c.Deltas {
		if m.buckets[d.Series] == nil {
			m.buckets[d.Series] = map[slo.Slice]slo.Bucket{}
		}
		b := m.buckets[d.Series][d.Slice]
		b.Slice, b.Counts, b.Corrections = d.Slice, b.Counts.Plus(d.Counts), b.Plus(d.Corrections)
		old := len(c.Recounted) > 0 && c.MeasuredUntil.Sub(d.Slice.End()) > slo.LateAfter
		if d.Late > 0 || old {
			b.Revisions++
			if c.MeasuredUntil.After(b.RevisedAt) { // Of two shards the newest.
				b.RevisedAt = c.MeasuredUntil
			}
		}
		m.buckets[d.Series][d.Slice] = b
	}
}

func (m *model) applyStretches(c *slo.Commit) {
	of := m.stretches[c.Shard]
	if of == nil {
		of = map[slo.SeriesID][]slo.Stretch{}
		m.stretches[c.Shard] = of
	}
	for id, at := range c.Started {
		of[id] = append(of[id], slo.Stretch{Interval: slo.Interval{From: at}, After: c.To})
	}
	for id, at := range c.Stopped {
		last := &of[id][len(of[id])-1]
		last.To, last.Through = at, c.To
		if at.Before(last.From) {
			last.To = last.From
		}
	}
	var told []slo.Recounted
	for _, r := range c.Recounted {
		for i := range of[r.Series] {
			if s := &of[r.Series][i]; s.After == r.Through {
				told = append(told, slo.Recounted{Series: r.Series, Since: r.Since, Until: s.From})
				s.After = r.After
				if r.Since.Before(s.From) { // A stretch never begins later than it did.
					s.From = r.Since
				}
			}
		}
	}
	c.Recounted = told
}

// recountable reports whether the ledger must take the recount: it joins a
// stretch and reaches into no other.
func (m *model) recountable(shard string, r slo.Recounted) bool {
	joins := false
	for _, s := range m.stretches[shard][r.Series] {
		switch {
		case s.After == r.Through:
			joins = true
		case s.After < r.Through && (s.Through == 0 || s.Through > r.After):
			return false
		}
	}
	return joins
}

var drawCount = rapid.Int64Range(0, 5)

func drawInstant(t *rapid.T, label string) time.Time {
	return noon.Add(-time.Duration(rapid.Int64Range(0, 1e15).Draw(t, label)))
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
	drawDeltas(t, &c)
	if cursor.Sequence > 0 && rapid.IntRange(0, 2).Draw(t, "recount") == 0 {
		m.drawRecounts(t, &c)
		return c
	}
	m.drawChanges(t, &c)
	if rapid.Bool().Draw(t, "seen") {
		drawSeen(t, &c)
	}
	return c
}

// drawHours is how many hours ago something lies, most often one of a few of
// each grid.
func drawHours() *rapid.Generator[int] {
	return rapid.OneOf(rapid.SampledFrom([]int{3, 20, 90}), rapid.IntRange(0, 120))
}

func drawDeltas(t *rapid.T, c *slo.Commit) {
	type key struct{ series, hours, slice int }
	cells := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) key {
		// Far enough back to meet every grid, and dense enough to meet again.
		return key{rapid.IntRange(1, 4).Draw(t, "series"), drawHours().Draw(t, "hours"), rapid.IntRange(0, 17).Draw(t, "slice")}
	}), 0, 12, rapid.ID[key]).Draw(t, "cells")
	for _, k := range cells {
		id := seriesID(k.series)
		d := slo.Delta{
			Series: id, Slice: slo.SliceOf(noon) - slo.Slice(360*k.hours) + slo.Slice(k.slice),
			Counts: slo.Counts{Good: drawCount.Draw(t, "good"), Bad: drawCount.Draw(t, "bad"), Unknown: drawCount.Draw(t, "unknown")},
		}
		if rapid.Bool().Draw(t, "corrected") {
			d.Corrections = slo.Corrections{Late: drawCount.Draw(t, "late"), Repeats: drawCount.Draw(t, "repeats"), Conflicts: drawCount.Draw(t, "conflicts")}
		}
		c.Deltas = append(c.Deltas, d)
		if c.Watermarks == nil {
			c.Watermarks = map[slo.SeriesID]time.Time{}
		}
		c.Watermarks[id] = drawInstant(t, "watermark")
	}
}

// drawChanges starts series that are not counted, and stops others.
func (m *model) drawChanges(t *rapid.T, c *slo.Commit) {
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 4), 0, 2, rapid.ID[int]).Draw(t, "changes") {
		id := seriesID(n)
		of := m.stretches[c.Shard][id]
		change := &c.Started
		if n := len(of); n > 0 && of[n-1].Through == 0 {
			change = &c.Stopped
		}
		if *change == nil {
			*change = map[slo.SeriesID]time.Time{}
		}
		(*change)[id] = c.MeasuredUntil
	}
}

// drawRecounts makes the commit one that recounts, most often rightly.
func (m *model) drawRecounts(t *rapid.T, c *slo.Commit) {
	c.To, c.MeasuredUntil = c.From, time.Time{}
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 4), 1, 2, rapid.ID[int]).Draw(t, "recounted") {
		r := slo.Recounted{Series: seriesID(n), Since: drawInstant(t, "since"), Through: slo.Offset(rapid.IntRange(1, 20).Draw(t, "through"))}
		if of := m.stretches[c.Shard][r.Series]; len(of) > 0 && rapid.IntRange(0, 9).Draw(t, "right") > 0 {
			r.Through = max(1, rapid.SampledFrom(of).Draw(t, "stretch").After)
		}
		r.After = slo.Offset(rapid.IntRange(0, int(r.Through)-1).Draw(t, "after"))
		c.Recounted = append(c.Recounted, r)
	}
}

func drawSeen(t *rapid.T, c *slo.Commit) {
	reason := rapid.SampledFrom([]string{"late", "future"}).Draw(t, "reason")
	c.Refused = map[string]int64{reason: drawCount.Draw(t, "refused")}
	for _, service := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"", "x", "日本"}), 0, 3, rapid.ID[string]).Draw(t, "refusers") {
		c.Refusals = append(c.Refusals, slo.Refusal{Signal: "traces", Reason: reason, Service: service, Items: drawCount.Draw(t, "items")})
	}
	c.Repeats, c.Conflicts = drawCount.Draw(t, "all repeats"), drawCount.Draw(t, "all conflicts")
	c.Services = []slo.Service{
		{Name: "zeta", Spans: drawCount.Draw(t, "spans"), LastSeen: drawInstant(t, "seen")},
		{Name: rapid.SampledFrom([]string{"", "<b>alpha</b>", "日本"}).Draw(t, "name"), Spans: drawCount.Draw(t, "spans"), LastSeen: drawInstant(t, "seen")},
	}
	from := drawInstant(t, "gap")
	c.Gaps = []slo.Interval{{From: from, To: from.Add(time.Minute)}}
	c.Definitions = []byte(rapid.String().Draw(t, "definitions"))
}

func TestStoreEqualsAModelUnderAnyCommits(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	store.RaiseEpoch(t)
	rapid.Check(t, func(r *rapid.T) {
		// A database of its own costs far more than what is done with it.
		execute(t, address, `DELETE FROM buckets; DELETE FROM hours; DELETE FROM commits; DELETE FROM gaps; DELETE FROM series_counted; DELETE FROM refusals;
			DELETE FROM services; DELETE FROM refused; DELETE FROM cursors; UPDATE series SET watermark_ns = NULL`)
		m := newModel()
		for range rapid.IntRange(1, 12).Draw(r, "commits") {
			c := m.drawCommit(r)
			if !slices.ContainsFunc(c.Recounted, func(x slo.Recounted) bool { return !m.recountable(c.Shard, x) }) {
				require.NoError(t, store.Commit(t.Context(), c))
				m.apply(c)
			} else {
				require.ErrorIs(t, store.Commit(t.Context(), c), slo.ErrRecountMoved)
				continue
			}
			if rapid.Bool().Draw(r, "replay") {
				require.ErrorIs(t, store.Commit(t.Context(), c), slo.ErrCursorMoved)
			}
			if rapid.IntRange(0, 2).Draw(r, "pack") == 0 {
				m.pack(t, r, store)
			}
		}
		m.check(t, store)
		m.checkSnapshots(t, store)
		m.checkLedger(t, r, store)
		m.checkCommits(t, store)
	})
}

// pack packs the hours that end by some instant, and of them those that end by
// another to minutes. The model knows slices, and minutes where they are all
// that is left; in which table what is, it does not know.
func (m *model) pack(t *testing.T, r *rapid.T, store *postgres.Store) {
	t.Helper()
	hours := rapid.IntRange(-2, 125).Draw(r, "closed for")
	p := postgres.Packing{Closed: noon.Add(-time.Duration(hours) * time.Hour)}
	p.Minutes = p.Closed.Add(-time.Duration(rapid.IntRange(0, 125).Draw(r, "by minute for")) * time.Hour)
	if p.Minutes.Before(m.minutes) {
		p.Minutes = m.minutes
	}
	if m.minutes = p.Minutes; p.Closed.Before(p.Minutes) {
		p.Closed = p.Minutes
	}
	if rapid.IntRange(0, 4).Draw(r, "drop") == 0 {
		p.Days = p.Closed
	}
	_, err := store.Pack(t.Context(), p)
	require.NoError(t, err)
	for _, buckets := range m.buckets {
		for slice, b := range buckets {
			if !slice.Start().Before(p.Minutes.Truncate(time.Hour)) || b.Minute {
				continue
			}
			delete(buckets, slice)
			first := slo.SliceOf(slice.Start().Truncate(time.Minute))
			sum := buckets[first]
			b.Slice, b.Minute = first, true
			b.Counts, b.Corrections, b.Revisions = b.Counts.Plus(sum.Counts), b.Plus(sum.Corrections), b.Revisions+sum.Revisions
			if sum.RevisedAt.After(b.RevisedAt) {
				b.RevisedAt = sum.RevisedAt
			}
			buckets[first] = b
		}
	}
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
		require.Equal(t, slices.SortedFunc(maps.Values(want), func(a, b slo.Bucket) int { return int(a.Slice - b.Slice) }), buckets)
		var sum slo.Corrections
		for _, b := range want {
			sum = sum.Plus(b.Corrections)
		}
		corrections, err := store.Corrections(t.Context(), id, 0, slo.SliceOf(noon)+100)
		require.NoError(t, err)
		require.Equal(t, sum, corrections)
	}
	refused, err := store.Refused(t.Context())
	require.NoError(t, err)
	require.Equal(t, m.refused, refused)
	repeats, conflicts, err := store.Repeated(t.Context())
	require.NoError(t, err)
	require.Equal(t, [2]int64{repeats, conflicts}, m.repeated)
	refusals, err := store.Refusals(t.Context(), noon)
	require.NoError(t, err)
	byService := map[slo.Refusal]int64{}
	for i, r := range refusals {
		require.True(t, i == 0 || refusals[i-1].Items >= r.Items, "the most first")
		byService[slo.Refusal{Signal: r.Signal, Reason: r.Reason, Service: r.Service}] += r.Items
	}
	require.Equal(t, m.refusals, byService)
	byReason := map[string]int64{}
	for kind, items := range m.refusals {
		byReason[kind.Reason] += items
	}
	between, err := store.RefusedBetween(t.Context(), noon, noon.Add(30*24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, byReason, between)
	before, err := store.RefusedBetween(t.Context(), noon.Add(-time.Hour), noon)
	require.NoError(t, err)
	require.Empty(t, before, "the end is not in it")
	services, err := store.Services(t.Context())
	require.NoError(t, err)
	got := map[string]slo.Service{}
	for i, service := range services {
		require.True(t, i == 0 || services[i-1].Name < service.Name, "by name")
		got[service.Name] = service
	}
	require.Equal(t, m.services, got)
}

// checkSnapshots compares the snapshots of the shards, which together make the
// buckets.
func (m *model) checkSnapshots(t *testing.T, store *postgres.Store) {
	t.Helper()
	sum := map[slo.SeriesID]map[slo.Slice]slo.Bucket{}
	for shard, cursor := range m.cursors {
		snapshot, err := store.Snapshot(t.Context(), shard, 0, slo.SliceOf(noon)+100)
		require.NoError(t, err)
		require.Equal(t, cursor, snapshot.Cursor)
		stretches, err := store.Stretches(t.Context(), shard)
		require.NoError(t, err)
		require.Equal(t, snapshot.Stretches, stretches)
		require.Equal(t, sortStretches(m.stretches[shard]), sortStretches(stretches))
		for id, buckets := range snapshot.Buckets {
			if sum[id] == nil {
				sum[id] = map[slo.Slice]slo.Bucket{}
			}
			for i, b := range buckets {
				require.True(t, i == 0 || buckets[i-1].Slice < b.Slice, "ascending")
				other := sum[id][b.Slice]
				b.Minute = b.Minute || other.Minute
				b.Counts, b.Corrections, b.Revisions = b.Counts.Plus(other.Counts), b.Plus(other.Corrections), b.Revisions+other.Revisions
				if other.RevisedAt.After(b.RevisedAt) {
					b.RevisedAt = other.RevisedAt
				}
				sum[id][b.Slice] = b
			}
		}
	}
	require.Equal(t, m.buckets, sum)
}

func sortStretches(of map[slo.SeriesID][]slo.Stretch) map[slo.SeriesID][]slo.Stretch {
	sorted := map[slo.SeriesID][]slo.Stretch{}
	for id, stretches := range of {
		sorted[id] = slices.SortedFunc(slices.Values(stretches), func(a, b slo.Stretch) int { return cmp.Compare(a.After, b.After) })
	}
	return sorted
}

// checkLedger compares what ReadLedger visits with the model's counts, each
// moved to the first slice of the group that its age puts it in.
func (m *model) checkLedger(t *testing.T, r *rapid.T, store *postgres.Store) {
	t.Helper()
	detail := map[int64]bool{}
	for _, ago := range rapid.SliceOfN(drawHours(), 0, 20).Draw(r, "detail") {
		detail[noon.Unix()/3600-int64(ago)] = rapid.Bool().Draw(r, "in detail")
	}
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
	whole := map[slo.SeriesID]bool{}
	for id, buckets := range m.buckets {
		want[id] = map[slo.Slice]slo.Counts{}
		whole[id] = rapid.Bool().Draw(r, "whole")
		for slice, bucket := range buckets {
			switch start := slice.Start(); {
			case start.Before(since.Truncate(time.Hour)) || bucket.Counts == (slo.Counts{}):
				continue
			case start.Before(now.Add(-73*time.Hour).Truncate(time.Hour)) && !detail[start.Unix()/3600] && !whole[id]:
				slice = slo.SliceOf(start.Truncate(time.Hour))
			case start.Before(now.Add(-7 * time.Hour).Truncate(time.Hour)):
				slice = slo.SliceOf(start.Truncate(time.Minute))
			}
			want[id][slice] = want[id][slice].Plus(bucket.Counts)
		}
	}
	got := map[slo.SeriesID]map[slo.Slice]slo.Counts{}
	for id := range m.buckets {
		got[id] = map[slo.Slice]slo.Counts{}
	}
	last := map[slo.SeriesID]slo.Slice{}
	states, coverage, reached, err := store.ReadLedger(t.Context(), since, slo.Detail{Hours: detail, Series: whole}, func(d slo.Delta) {
		require.NotZero(t, d.Counts)
		if whole[d.Series] {
			require.Greater(t, d.Slice, last[d.Series], "in order, each slice in one part")
			last[d.Series] = d.Slice
		}
		got[d.Series][d.Slice] = got[d.Series][d.Slice].Plus(d.Counts)
	})
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, sequences, reached)
	require.Equal(t, now, coverage.Until)
	require.Equal(t, len(m.cursors) == 0, coverage.Since.IsZero())
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
