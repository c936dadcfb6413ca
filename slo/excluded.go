package slo

import (
	"sort"
	"time"
)

// Unexcluded is what a window would hold if nothing were excluded from it.
type Unexcluded struct {
	Counts Counts
	Budget Budget
}

// excludedIn are the stretches that reach into the slices [from, end).
func (r *Reading) excludedIn(from, end Slice) []Excluded {
	if from >= end {
		return nil // A window that has just begun.
	}
	first := sort.Search(len(r.Excluded), func(i int) bool { return SliceOf(r.Excluded[i].To) > from })
	last := first
	for last < len(r.Excluded) && SliceOf(r.Excluded[last].From) < end {
		last++
	}
	return r.Excluded[first:last]
}

// within is the part of the stretch in the slices [from, end).
func (e Excluded) within(from, end Slice) (first, last Slice) {
	return max(from, SliceOf(e.From)), min(end, SliceOf(e.To))
}

// sum is what the slices [from, end) of one history hold, but for what is excluded.
func (r *Reading) sum(h *History, from, end Slice) Counts {
	c := h.Sum(from, end)
	if len(r.Excluded) == 0 {
		return c
	}
	for _, e := range r.excludedIn(from, end) {
		c = e.As.takenFrom(c, h.Sum(e.within(from, end)))
	}
	return c
}

// lastHour are the events of the last hour, but for what is excluded.
func (r *Reading) lastHour() Counts {
	h, from, end := r.events(), windowStart(r.Now, time.Hour), SliceOf(r.Now)+1
	if len(r.Excluded) > 0 {
		return r.sum(h, from, end)
	}
	return h.before(end).Minus(h.beforeAgain(memos-1, from))
}

// takenFrom is c without a part of it that is excluded.
func (k ExclusionKind) takenFrom(c, part Counts) Counts {
	if k == CountGood {
		return Counts{Good: c.Good + part.Bad + part.Unknown, Bad: c.Bad - part.Bad, Unknown: c.Unknown - part.Unknown}
	}
	return c.Minus(part)
}

// Leaves is what becomes of events that are excluded.
func (k ExclusionKind) Leaves(c Counts) Counts { return k.takenFrom(c, c) }

// takenFromAll is takenFrom of the members, too.
func (k ExclusionKind) takenFromAll(m, part measure) measure {
	left := measure{counts: k.takenFrom(m.counts, part.counts)}
	for i := range m.members {
		left.members = append(left.members, k.takenFrom(m.members[i], part.members[i]))
	}
	return left
}

// excludedWithin is how much of [from, to) is excluded.
func (r *Reading) excludedWithin(from, to time.Time) time.Duration {
	var sum time.Duration
	for _, e := range r.excludedIn(SliceOf(from), sliceAfter(to)) {
		if b, t := latest(from, e.From), earliest(to, e.To); b.Before(t) {
			sum += t.Sub(b)
		}
	}
	return sum
}

// waited is how long nothing came between two instants, but for time that is
// excluded: a source that is silent for a planned maintenance does what was planned.
func (r *Reading) waited(from, to time.Time) time.Duration {
	if len(r.Excluded) == 0 {
		return to.Sub(from)
	}
	return to.Sub(from) - r.excludedWithin(from, to)
}

// exclude says of a status what is excluded from the window [from, end), and
// what it would be otherwise.
func (p *Plan) exclude(s *ObjectiveStatus, r *Reading, from, end Slice, period Interval) {
	s.Excluded = r.excludedIn(from, end)
	if len(s.Excluded) == 0 {
		return
	}
	happened := *r
	happened.Excluded = nil
	for _, e := range s.Excluded {
		first, last := e.within(from, end)
		s.ExcludedCounts = s.ExcludedCounts.Plus(p.measure(&happened, first, last).counts)
	}
	whole := p.measure(&happened, from, end)
	s.Without = &Unexcluded{Counts: whole.counts, Budget: p.budgetOf(whole, period)}
}
