package slo

import (
	"slices"
	"time"
)

// maxEarlier bounds how many revisions that measured something else are kept of
// an SLO: each costs what a series costs while windows reach back to it.
const maxEarlier = 16

// EarlierRevisions is what a definition that takes the place of another has
// before it: what that one had, and itself if it measured something else. What
// no window can reach any more is left out.
func EarlierRevisions(before, now Definition) []EarlierRevision {
	var earlier []EarlierRevision
	if !sameSeries(before.SLO, now.SLO) {
		earlier = append(earlier, EarlierRevision{Revision: before.Revision, Until: now.AppliedAt, SLO: before.SLO})
	}
	for _, e := range before.Earlier {
		if now.AppliedAt.Sub(e.Until) <= MaxWindow && len(earlier) < maxEarlier {
			earlier = append(earlier, e)
		}
	}
	if now.RetireNow {
		for i := range earlier {
			earlier[i].Retired = true
		}
	}
	return earlier
}

// After is the definition with what it has of before: of the one whose place it
// takes, if there is one.
func (d Definition) After(before *Definition) Definition {
	d.CreatedAt = d.AppliedAt
	if before != nil {
		d.CreatedAt, d.Earlier = before.CreatedAt, EarlierRevisions(*before, d)
	}
	return d
}

// sameSeries reports whether the objectives of two SLOs count the same, each.
func sameSeries(a, b SLO) bool { return slices.Equal(seriesOf(a), seriesOf(b)) }

func seriesOf(s SLO) []SeriesID {
	ids := make([]SeriesID, len(s.Objectives))
	for i := range ids {
		ids[i] = s.SeriesOf(i).ID
	}
	return ids
}

// Retire marks the earlier revisions that are no longer needed: after an edit
// every tier is judged by what is measured now as soon as that covers its
// look-back, at the latest as long after the edit as the longest look-back is.
// Their series are counted on until nothing can come any more that belongs before
// the edit, which is when events are refused as too late. It reports whether any
// is marked that was not before.
func (d Definition) Retire(now time.Time, lateness time.Duration) (Definition, bool) {
	if !slices.ContainsFunc(d.Earlier, func(e EarlierRevision) bool { return !e.Ended }) {
		return d, false
	}
	overlap := d.SLO.longestLookBack()
	marked := false
	d.Earlier = slices.Clone(d.Earlier)
	for i := range d.Earlier {
		e := &d.Earlier[i]
		before := *e
		e.Retired = e.Retired || now.Sub(e.Until) > overlap
		e.Ended = e.Ended || e.Retired && now.Sub(e.Until) >= lateness
		marked = marked || e.Retired != before.Retired || e.Ended != before.Ended
	}
	return d, marked
}

// longestLookBack is that of any tier of any objective.
func (s SLO) longestLookBack() time.Duration {
	var longest time.Duration
	for i := range s.Evaluated() {
		plan := NewPlan(s, i)
		for k := range plan.tiers {
			if tier := &plan.tiers[k]; tier.windowed() && tier.LeftOut == "" {
				longest = max(longest, tier.Long)
			}
		}
	}
	return longest
}

// Counted are the series to be counted for the definition: its own, and those of
// earlier revisions that have not ended.
func (d Definition) Counted() []Series {
	all := d.SLO.Series()
	for _, e := range d.Earlier {
		if _, comparable := d.SLO.Under(e); comparable && !e.Ended {
			all = append(all, e.SLO.Series()...)
		}
	}
	return all
}

// SeriesRevision is a series that an objective counts by, or did before an edit.
type SeriesRevision struct {
	// Revision is the last one that counted by it.
	Revision int
	Series   SeriesID
	// Until is when the next came into force; zero for the one of now.
	Until time.Time
}

// SeriesRevisions are the series that an objective counts by and did before
// edits, newest first: what its budget is spliced of.
func (d Definition) SeriesRevisions(index int) []SeriesRevision {
	newest := SeriesRevision{Revision: d.Revision, Series: d.SLO.SeriesOf(index).ID}
	all := []SeriesRevision{newest}
	for _, e := range d.Earlier {
		before, comparable := d.SLO.Under(e)
		if !comparable {
			continue
		}
		if id := before.SeriesOf(index).ID; id != newest.Series {
			newest = SeriesRevision{Revision: e.Revision, Series: id, Until: e.Until}
			all = append(all, newest)
		}
	}
	return all
}
