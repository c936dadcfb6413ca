package slo

import (
	"slices"
	"time"
)

// Reading is what is known of a series at an instant.
type Reading struct {
	// Now is the wall clock.
	Now time.Time
	// History is what the objective counts: events, or what Slices say.
	History *History
	// Events are the events themselves, nil if History has them.
	Events   *History
	Series   SeriesState
	Coverage Coverage
	// Members are the series of a composite, in the order of its objectives:
	// Series is then computed from theirs. A composite by Occurrences needs no
	// History.
	Members []Member
	// Earlier is what the objective was counted by before edits, newest first.
	Earlier []Earlier
	// Excluded are stretches that nothing is judged by, as Excluding gives them:
	// every history MUST be exact at their edges (see ExcludedEdges).
	Excluded []Excluded
	// ResetAt is when the budget was begun anew for the last time; zero if never.
	// Every history MUST be exact at its ResetSlice.
	ResetAt time.Time
	// whole is since when everything is measured until now; zero if it is not.
	// Evaluate finds it once, since every tier asks.
	whole time.Time
	// StaleSince, if it is set, is the instant that can still be judged because
	// nobody knows what came later.
	StaleSince time.Time
}

// Member is what is known of one series of a composite.
type Member struct {
	History *History
	Series  SeriesState
}

// merged is the reading of a composite as that of one series: its newest event
// is that of any member, and it is counted while all of them are.
func (r *Reading) merged() Reading {
	one := *r
	if len(r.Members) == 0 {
		return one
	}
	one.Series = SeriesState{Counted: r.Members[0].Series.Counted}
	for i, m := range r.Members {
		one.Series.Watermark = latest(one.Series.Watermark, m.Series.Watermark)
		if i > 0 {
			one.Series.Counted = intersect(one.Series.Counted, m.Series.Counted)
		}
	}
	if one.History == nil {
		one.History = NewHistory(0)
	}
	return one
}

// intersect are the stretches in both; a zero To goes on.
func intersect(a, b []Interval) []Interval {
	var both []Interval
	for _, x := range a {
		for _, y := range b {
			common := Interval{From: latest(x.From, y.From), To: x.To}
			if x.To.IsZero() || !y.To.IsZero() && y.To.Before(x.To) {
				common.To = y.To
			}
			if common.To.IsZero() || common.From.Before(common.To) {
				both = append(both, common)
			}
		}
	}
	return both
}

// events are the events that what History says is made of.
func (r *Reading) events() *History {
	if r.Events != nil {
		return r.Events
	}
	return r.History
}

// to is where the windows of the series end: at the watermark while that is
// within two minutes of now, else at now.
func (r *Reading) to() time.Time {
	if w := r.Series.Watermark; !w.IsZero() && !w.After(r.Now) && r.Now.Sub(w) <= watermarkReach {
		return w
	}
	return r.Now
}

// measured is the share of [from, to] in which Slowburn was accepting and the
// series was in force.
func (r *Reading) measured(from, to time.Time) float64 {
	if !from.Before(to) {
		return 0
	}
	if !r.whole.IsZero() && !from.Before(r.whole) && !to.After(r.Now) {
		return 1
	}
	var total time.Duration
	for _, counted := range r.Series.Counted {
		begin, end := r.accepting(counted, from, to)
		if !begin.Before(end) {
			continue
		}
		total += end.Sub(begin)
		for _, gap := range r.Coverage.Gaps {
			if b, e := latest(begin, gap.From), earliest(end, gap.To); b.Before(e) {
				total -= e.Sub(b)
			}
		}
	}
	return float64(total) / float64(to.Sub(from))
}

// wholeSince is since when Slowburn was accepting and the series in force
// without an end or a gap until now; zero if they are not.
func (r *Reading) wholeSince() time.Time {
	n := len(r.Series.Counted)
	if n == 0 || !r.Series.Counted[n-1].To.IsZero() || r.Now.Sub(r.Coverage.Until) > StaleAfter {
		return time.Time{}
	}
	since := latest(r.Series.Counted[n-1].From, r.Coverage.Since)
	for _, gap := range r.Coverage.Gaps {
		since = latest(since, gap.To)
	}
	return since
}

// accepting is the part of [from, to] in which the journal was accepting, but
// for its gaps, and the series was counted in one of its stretches. A
// watermark may be a little ahead of the last journal record read, so the
// coverage is taken to last until now while it is fresh.
func (r *Reading) accepting(counted Interval, from, to time.Time) (begin, end time.Time) {
	until := r.Coverage.Until
	if r.Now.Sub(until) <= StaleAfter {
		until = r.Now
	}
	begin, end = latest(from, counted.From, r.Coverage.Since), earliest(to, until)
	if !counted.To.IsZero() {
		end = earliest(end, counted.To)
	}
	return begin, end
}

// unmeasured are the stretches of [from, to) that are not measured, in their
// order: what measured leaves. What lies after now is not yet unmeasured.
func (r *Reading) unmeasured(from, to time.Time) []Interval {
	to = earliest(to, r.Now)
	var measured []Interval
	for _, counted := range r.Series.Counted {
		if begin, end := r.accepting(counted, from, to); begin.Before(end) {
			measured = append(measured, Interval{From: begin, To: end})
		}
	}
	var missing []Interval
	at := from
	for _, m := range measured {
		if at.Before(m.From) {
			missing = append(missing, Interval{From: at, To: m.From})
		}
		at = latest(at, m.To)
		for _, gap := range r.Coverage.Gaps {
			if b, e := latest(m.From, gap.From), earliest(m.To, gap.To); b.Before(e) {
				missing = append(missing, Interval{From: b, To: e})
			}
		}
	}
	if at.Before(to) {
		missing = append(missing, Interval{From: at, To: to})
	}
	slices.SortFunc(missing, func(a, b Interval) int { return a.From.Compare(b.From) })
	return missing
}

func latest(first time.Time, others ...time.Time) time.Time {
	for _, t := range others {
		if t.After(first) {
			first = t
		}
	}
	return first
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// usualPause is the longest pause of the events, in time that is not excluded,
// and over how long it was looked for.
func (r *Reading) usualPause(newest Slice) (pause, span time.Duration) {
	if len(r.Excluded) == 0 {
		return r.events().usualPause(newest)
	}
	return r.events().longestPause(newest, r.waited)
}
