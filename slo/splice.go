package slo

import "time"

// EarlierRevision is what an SLO measured before an edit changed that, as far
// as windows of today still reach back to it.
type EarlierRevision struct {
	// Revision is the last one that measured so, Until when the next came into force.
	Revision int
	Until    time.Time
	// SLO is the definition of that revision.
	SLO SLO
	// Retired: no tier is judged by it any more, because somebody said so
	// (apply --retire-now) or every look-back is covered by what came after.
	Retired bool
	// Ended: its series is counted no longer. It is Retired, and nothing that
	// belongs before Until can come any more: the budget takes that from it.
	Ended bool
}

// Under is the definition with what an earlier revision measured in place of
// what it measures itself: targets, windows and policies stay those of now. It
// reports false where the two have not the same objectives to compare.
func (s SLO) Under(e EarlierRevision) (SLO, bool) {
	if s.Composite() != e.SLO.Composite() || len(s.Objectives) != len(e.SLO.Objectives) {
		return SLO{}, false
	}
	s.Indicator = e.SLO.Indicator
	objectives := make([]Objective, len(s.Objectives))
	for i, o := range s.Objectives {
		o.Indicator, o.Threshold = e.SLO.Objectives[i].Indicator, e.SLO.Objectives[i].Threshold
		objectives[i] = o
	}
	s.Objectives = objectives
	return s, true
}

// Earlier is what an objective was counted by before an edit, newest first in
// a Reading. The budget takes events before Until from it, and later ones from
// what came after it.
type Earlier struct {
	Revision int
	Until    time.Time
	// Retired: tiers are no longer judged by it.
	Retired bool
	// History, Events, Series and Members are as in Reading.
	History, Events *History
	Series          SeriesState
	Members         []Member
}

// reading is the earlier series in place of the one of now.
func (e Earlier) reading(r *Reading) Reading {
	own := *r
	own.History, own.Events, own.Series, own.Members, own.Earlier = e.History, e.Events, e.Series, e.Members, nil
	own.whole = time.Time{} // That of the series of now.
	return own.merged()
}

// cut is the first slice of what came after.
func (e Earlier) cut() Slice { return SliceOf(e.Until) }

// Splice says what of a window was counted by an earlier revision, and how the
// two differ where both were counted.
type Splice struct {
	Revision int
	// Until is where the window goes over to what came after: the slice of the edit.
	Until time.Time
	// Counts are those of the window that are of this revision.
	Counts Counts
	// Both is where both were counted, in whole slices, minutes or hours as they
	// are kept there; Before and After are what this revision and the one of now
	// count there.
	Both          Interval
	Before, After Counts
}

// measure is what the slices [from, end) hold: of an objective that was edited,
// each part by what was in force then.
func (p *Plan) measure(r *Reading, from, end Slice) measure {
	if len(r.Earlier) == 0 {
		return p.measureOf(r, from, end)
	}
	var all measure
	current := *r
	for _, e := range r.Earlier {
		cut := e.cut()
		if end > cut {
			all = all.plus(p.measureOf(&current, max(from, cut), end))
			end = cut
		}
		if from >= end {
			return all.plus(p.measureOf(&current, end, end))
		}
		current = e.reading(r)
	}
	return all.plus(p.measureOf(&current, from, end))
}

// measureOf is what the slices hold by one series, or one set of members, but
// for what is excluded.
func (p *Plan) measureOf(r *Reading, from, end Slice) measure {
	m := p.asHappened(r, from, end)
	if len(r.Excluded) == 0 {
		return m
	}
	for _, e := range r.excludedIn(from, end) {
		first, last := e.within(from, end)
		m = e.As.takenFromAll(m, p.asHappened(r, first, last))
	}
	return m
}

// asHappened is what the slices hold, whatever is excluded.
func (p *Plan) asHappened(r *Reading, from, end Slice) measure {
	if p.weighted() {
		return p.measureMembers(r, from, end)
	}
	return measure{counts: r.History.Sum(from, end)}
}

// plus is the sum of two stretches.
func (m measure) plus(other measure) measure {
	sum := measure{counts: m.counts.Plus(other.counts), members: other.members}
	for i := range m.members {
		if i == 0 {
			sum.members = make([]Counts, len(m.members))
		}
		sum.members[i] = m.members[i]
		if i < len(other.members) {
			sum.members[i] = sum.members[i].Plus(other.members[i])
		}
	}
	return sum
}

// judgedBy is what a tier with this long look-back is judged by, all of it: the
// revision of now as soon as it covers the look-back, until then the newest that
// does and is still counted, and that of now where none does. 0 stands for now.
func (r *Reading) judgedBy(from time.Time) (Reading, int) {
	now := *r
	now.Earlier = nil
	if r.Series.covers(from) {
		return now, 0
	}
	for _, e := range r.Earlier {
		earlier := e.reading(r)
		if !e.Retired && earlier.Series.covers(from) {
			return earlier, e.Revision
		}
	}
	return now, 0
}

// covers reports whether the series is counted now, and has been since from.
func (s SeriesState) covers(from time.Time) bool {
	since := s.CountedSince()
	return !since.IsZero() && !since.After(from)
}

// measuredAcross is the measured share of [from, to], each part by what was in
// force then.
func (r *Reading) measuredAcross(from, to time.Time) float64 {
	if len(r.Earlier) == 0 || !from.Before(to) {
		return r.measured(from, to)
	}
	var measured float64
	whole, current := to.Sub(from), *r
	part := func(r *Reading, from, to time.Time) {
		if from.Before(to) {
			measured += r.measured(from, to) * float64(to.Sub(from))
		}
	}
	for _, e := range r.Earlier {
		part(&current, latest(from, e.Until), to)
		to, current = earliest(to, e.Until), e.reading(r)
	}
	part(&current, from, to)
	return measured / float64(whole)
}

// splices says what of the window is of earlier revisions.
func (p *Plan) splices(r *Reading, from, end Slice) []Splice {
	var all []Splice
	for i, e := range r.Earlier {
		cut := min(e.cut(), end)
		if from >= cut {
			break
		}
		begin := from
		if i+1 < len(r.Earlier) {
			begin = max(from, r.Earlier[i+1].cut())
		}
		earlier := e.reading(r)
		one := Splice{Revision: e.Revision, Until: e.cut().Start(), Counts: p.measureOf(&earlier, begin, cut).counts}
		now := *r
		now.Earlier = nil
		common := longestCommon(r.Series, earlier.Series, from.Start(), end.Start(), e.Until)
		if first, last := common.kept(append(p.histories(&now), p.histories(&earlier)...)); first < last {
			one.Both = Interval{From: first.Start(), To: last.Start()}
			one.Before, one.After = p.measureOf(&earlier, first, last).counts, p.measureOf(&now, first, last).counts
		}
		all = append(all, one)
	}
	return all
}

// longestCommon is where both series were counted within [from, to); empty if
// nowhere. One that is counted no longer lacks what came late of its last
// hours: of it only what lies before the edit is whole.
func longestCommon(a, b SeriesState, from, to, edit time.Time) Interval {
	var longest Interval
	for _, common := range intersect(a.Counted, b.Counted) {
		begin, end := latest(from, common.From), to
		if !common.To.IsZero() {
			end = earliest(earliest(end, common.To), edit)
		}
		if begin.Before(end) && end.Sub(begin) > longest.To.Sub(longest.From) {
			longest = Interval{From: begin, To: end}
		}
	}
	return longest
}

// kept is the interval cut to the finest grid that the histories keep at both of
// its edges, so that what lies in it is exact.
func (i Interval) kept(histories []*History) (first, last Slice) {
	for _, grid := range []time.Duration{SliceLength, time.Minute, time.Hour} {
		first, last = SliceOf(i.From.Add(grid-time.Nanosecond).Truncate(grid)), SliceOf(i.To.Truncate(grid))
		if coarsest(histories, first) <= grid && coarsest(histories, last) <= grid {
			break
		}
	}
	return first, last
}
