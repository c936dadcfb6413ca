package simulate

import (
	"slices"

	"github.com/slowburn-slo/slowburn/slo"
)

// row holds running totals of one number by slice: at [i] is what lies before
// the slice first+i.
type row []int64

// sum is what lies in [from, to), places in the row.
func (r row) sum(from, to slo.Slice) int64 {
	last := slo.Slice(len(r) - 1)
	from, to = min(max(from, 0), last), min(max(to, 0), last)
	if from >= to {
		return 0
	}
	return r[to] - r[from]
}

// total turns numbers by slice into running totals; the last place is spare.
func (r row) total() {
	sum := int64(0)
	for i, n := range r {
		r[i], sum = sum, sum+n
	}
}

// sums is what one objective counts by, the future included: a run asks it how
// much could possibly change until then, and evaluates where something may.
type sums struct {
	first slo.Slice
	// length is that of what is counted, in slices: 1 for events. What lies in
	// one that is still open may yet change: bad is what it will have, worst
	// the most that it has while it is open.
	length            slo.Slice
	total, bad, worst row
	unknown           row
	// newest is the newest slice with events before each, -1 for none.
	newest []int32
}

// eventSums are the running totals of a series over [first, last), but for what
// is excluded.
func eventSums(f *feed, first, last slo.Slice, excluded []slo.Excluded) *sums {
	n := int(last-first) + 1
	s := &sums{first: first, length: 1, total: make(row, n), bad: make(row, n), newest: make([]int32, n)}
	for _, b := range judged(f.buckets, excluded) {
		i := b.Slice - first
		s.total[i] += b.Counts.Total()
		s.bad[i] += b.Counts.Bad
		if b.Counts.Unknown != 0 {
			if s.unknown == nil {
				s.unknown = make(row, n)
			}
			s.unknown[i] += b.Counts.Unknown
		}
	}
	newest, next := int32(-1), 0 // A source speaks, whether its events are excluded or not.
	for i := range s.newest {
		s.newest[i] = newest
		for ; next < len(f.buckets) && f.buckets[next].Slice == first+slo.Slice(i); next++ {
			newest = int32(i)
		}
	}
	s.total.total()
	s.bad.total()
	s.unknown.total()
	s.worst = s.bad
	return s
}

// sliceSums are the same of what time slices say, found by driving them once.
// Those that begin in what is excluded are.
func sliceSums(feeds []*feed, derive func() ([]*slo.Track, *slo.Slices), length, first, last slo.Slice, excluded []slo.Excluded) *sums {
	n := int(last-first) + 1
	s := &sums{first: first, length: length, total: make(row, n), bad: make(row, n), worst: make(row, n)}
	tracks, derived := derive()
	for _, at := range inOrder(feeds) {
		b := feeds[at.feed].buckets[at.bucket]
		tracks[at.feed].Add(b.Slice, b.Counts)
		begin := b.Slice / length * length
		says := derived.History().Sum(begin, begin+length)
		if e := excludedAt(excluded, begin); e != nil {
			says = e.As.Leaves(says)
		}
		i := begin - first
		s.total[i], s.bad[i], s.worst[i] = says.Total(), says.Bad, max(s.worst[i], says.Bad)
	}
	s.total.total()
	s.bad.total()
	s.worst.total()
	return s
}

type place struct {
	feed, bucket int
	slice        slo.Slice
}

// inOrder are the buckets of all feeds by slice.
func inOrder(feeds []*feed) []place {
	var all []place
	for i, f := range feeds {
		for k, b := range f.buckets {
			all = append(all, place{feed: i, bucket: k, slice: b.Slice})
		}
	}
	slices.SortStableFunc(all, func(a, b place) int { return int(a.slice - b.slice) })
	return all
}

// bounds are between what and what numbers lie.
type bounds struct{ least, most int64 }

// between are the bounds of the bad and of all that look-backs hold that begin
// in [begin, latest] and end in [end, until].
func (s *sums) between(begin, latest, end, until slo.Slice) (bad, total bounds) {
	closed := end/s.length*s.length - s.first
	begin, latest, until = begin-s.first, latest-s.first, until-s.first
	bad = bounds{least: s.bad.sum(latest, closed), most: s.bad.sum(begin, closed) + s.worst.sum(max(begin, closed), until)}
	total = bounds{least: s.total.sum(latest, closed), most: s.total.sum(begin, until)}
	return bad, total
}

// unknownBetween is between for unknown events.
func (s *sums) unknownBetween(begin, latest, end, until slo.Slice) bounds {
	return bounds{least: s.unknown.sum(latest-s.first, end-s.first), most: s.unknown.sum(begin-s.first, until-s.first)}
}

// last is the newest slice with events before a slice, and whether there is one.
func (s *sums) last(before slo.Slice) (slo.Slice, bool) {
	i := s.newest[min(max(before-s.first, 0), slo.Slice(len(s.newest)-1))]
	return s.first + slo.Slice(i), i >= 0
}
