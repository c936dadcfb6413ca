package postgres

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// commitRows are the columns of a commit, as arrays that one statement unnests.
// Rows are sorted, so that two shards lock what they share in the same order.
type commitRows struct {
	// plain are the deltas that only add counts, corrected the others: they
	// are few, and touch more columns.
	plain, corrected deltaColumns
	// counted are all that add counts, for followers.
	counted          deltaColumns
	watermarks       instants
	started, stopped instants
	gapFrom, gapTo   []int64
	recounted        recountedColumns
}

// deltaColumns are deltas by column.
type deltaColumns struct {
	hashes                   []slo.SeriesID
	series                   []int32
	slices                   []int64
	good, bad, unknown       []int64
	late, repeats, conflicts []int64 // of corrected ones only
}

func (d *deltaColumns) add(delta slo.Delta, corrections bool) {
	d.hashes = append(d.hashes, delta.Series)
	d.slices = append(d.slices, int64(delta.Slice))
	d.good = append(d.good, delta.Counts.Good)
	d.bad = append(d.bad, delta.Counts.Bad)
	d.unknown = append(d.unknown, delta.Counts.Unknown)
	if corrections {
		d.late = append(d.late, delta.Late)
		d.repeats = append(d.repeats, delta.Repeats)
		d.conflicts = append(d.conflicts, delta.Conflicts)
	}
}

func newDeltaColumns(capacity int) deltaColumns {
	column := func() []int64 { return make([]int64, 0, capacity) }
	return deltaColumns{
		hashes: make([]slo.SeriesID, 0, capacity), series: []int32{},
		slices: column(), good: column(), bad: column(), unknown: column(),
	}
}

// instants are pairs of a series and a time.
type instants struct {
	hashes []slo.SeriesID
	series []int32
	ns     []int64
}

func newInstants(of map[slo.SeriesID]time.Time) instants {
	i := instants{hashes: slices.Sorted(maps.Keys(of)), series: []int32{}, ns: make([]int64, 0, len(of))}
	for _, hash := range i.hashes {
		i.ns = append(i.ns, of[hash].UnixNano())
	}
	return i
}

// split parts the pairs by a condition.
func (i instants) split(first func(id int32, ns int64) bool) (yes, no instants) {
	for k, id := range i.series {
		into := &no
		if first(id, i.ns[k]) {
			into = &yes
		}
		into.series, into.ns = append(into.series, id), append(into.ns, i.ns[k])
	}
	return yes, no
}

func newCommitRows(c slo.Commit) *commitRows {
	r := &commitRows{
		plain: newDeltaColumns(len(c.Deltas)), corrected: newDeltaColumns(0), counted: newDeltaColumns(len(c.Deltas)),
		watermarks: newInstants(c.Watermarks), started: newInstants(c.Started), stopped: newInstants(c.Stopped),
		gapFrom: make([]int64, len(c.Gaps)), gapTo: make([]int64, len(c.Gaps)),
		recounted: newRecountedColumns(c.Recounted),
	}
	deltas := slices.SortedFunc(slices.Values(c.Deltas), func(a, b slo.Delta) int {
		return cmp.Or(cmp.Compare(a.Series, b.Series), cmp.Compare(a.Slice, b.Slice))
	})
	for _, d := range deltas {
		// What a recount adds may revise a bucket: it goes with the corrected.
		if d.Corrections == (slo.Corrections{}) && len(c.Recounted) == 0 {
			r.plain.add(d, false)
		} else {
			r.corrected.add(d, true)
		}
		if d.Counts != (slo.Counts{}) {
			r.counted.add(d, false)
		}
	}
	for i, gap := range c.Gaps {
		r.gapFrom[i], r.gapTo[i] = gap.From.UnixNano(), gap.To.UnixNano()
	}
	return r
}

// number fills in the small ids of every series named in the commit.
func (r *commitRows) number(look func([]slo.SeriesID) ([]int32, error)) error {
	lists := []struct {
		hashes []slo.SeriesID
		series *[]int32
	}{
		{r.plain.hashes, &r.plain.series},
		{r.corrected.hashes, &r.corrected.series},
		{r.counted.hashes, &r.counted.series},
		{r.watermarks.hashes, &r.watermarks.series},
		{r.started.hashes, &r.started.series},
		{r.stopped.hashes, &r.stopped.series},
		{r.recounted.hashes, &r.recounted.series},
	}
	var all []slo.SeriesID
	for _, list := range lists {
		all = append(all, list.hashes...)
	}
	ids, err := look(all)
	if err != nil {
		return err
	}
	for _, list := range lists {
		*list.series, ids = ids[:len(list.hashes)], ids[len(list.hashes):]
	}
	return nil
}
