package engine

import (
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// series is what the engine knows of one series.
type series struct {
	id    slo.SeriesID
	track *slo.Track
	// history is that of the track.
	history *slo.History
	state   slo.SeriesState
	// longest is how far back the track reaches. filled: it holds events.
	longest time.Duration
	filled  bool
	// stretches is room for those of the state: every evaluation looks at them.
	stretches [2]slo.Interval
	// objectives are those that a commit of the series touches.
	objectives []*objective
	// counted is what commits brought since the start.
	counted slo.Counts
}

func newSeries(id slo.SeriesID, longest time.Duration) *series {
	longest = max(longest, leastLongest)
	track := slo.NewTrack(longest)
	return &series{id: id, track: track, history: track.History, longest: longest}
}

// know takes what the ledger knows of the series.
func (s *series) know(state slo.SeriesState) {
	s.state = state
	s.state.Counted = append(s.stretches[:0], state.Counted...)
}

func (s *series) add(slice slo.Slice, c slo.Counts) {
	s.filled = true
	s.track.Add(slice, c)
}

// world is all series that are known.
type world map[slo.SeriesID]*series

// newWorld makes the series that the objectives need, without events yet, and
// says what each objective counts by.
func newWorld(objectives []*objective, now time.Time) (world, []linked) {
	w := world{}
	longest := map[slo.SeriesID]time.Duration{}
	for _, o := range objectives {
		for _, d := range o.definitions() {
			for _, id := range ids(d, o.key.index) {
				longest[id] = max(longest[id], o.plan.Longest())
			}
		}
	}
	for id, length := range longest {
		w[id] = newSeries(id, length)
	}
	linked := make([]linked, len(objectives))
	for i, o := range objectives {
		linked[i], _ = w.link(o, now)
	}
	return w, linked
}

// known returns what is known of a series, nothing yet if it is new.
func (w world) known(id slo.SeriesID) *series {
	s := w[id]
	if s == nil {
		s = newSeries(id, leastLongest)
		w[id] = s
	}
	return s
}

// linked is what an objective counts by now, and did before edits.
type linked struct {
	sources
	earlier []earlier
}

// use takes what the objective counts by.
func (o *objective) use(l linked) {
	o.sources, o.earlier = l.sources, l.earlier
	if len(o.series) == 1 {
		o.one[0] = o.series[0]
		o.series = o.one[:] // Every evaluation looks at it: here it is near.
	}
}

// index lets a commit of any of its series touch the objective.
func (o *objective) index() {
	for _, own := range o.all() {
		for _, s := range own.series {
			if n := len(s.objectives); n == 0 || s.objectives[n-1] != o {
				s.objectives = append(s.objectives, o)
			}
		}
	}
}

// definitions are the definition of now, and under it what each revision
// before measured, if that can be compared.
func (o *objective) definitions() []slo.SLO {
	all := []slo.SLO{o.definition}
	for _, e := range o.before {
		if d, same := o.definition.Under(e); same {
			all = append(all, d)
		}
	}
	return all
}

// link finds or makes the series of an objective, and derives its slices. It
// reports false if what is there lacks what the objective needs: a longer
// history, slices of events that came before, an edge in the past.
func (w world) link(o *objective, now time.Time) (l linked, whole bool) {
	l.sources, whole = w.sources(o.definition, o)
	newest := ids(o.definition, o.key.index)
	for _, e := range o.before {
		d, same := o.definition.Under(e)
		if !same || slices.Equal(ids(d, o.key.index), newest) {
			continue // Of this objective nothing was changed then.
		}
		newest = ids(d, o.key.index)
		before, there := w.sources(d, o)
		l.earlier = append(l.earlier, earlier{sources: before, revision: e.Revision, until: e.Until, retired: e.Retired})
		whole = whole && there
	}
	return l, l.pin(append(l.edges(o.plan, now), o.edges()...)) && whole
}

// sources finds or makes the series of one definition of an objective.
func (w world) sources(definition slo.SLO, o *objective) (own sources, whole bool) {
	whole = true
	longest := o.plan.Longest()
	var histories []*slo.History
	for _, id := range ids(definition, o.key.index) {
		s := w[id]
		if s == nil {
			s = newSeries(id, longest)
			w[id] = s
		}
		whole = whole && s.longest >= longest
		own.series = append(own.series, s)
		histories = append(histories, s.track.History)
	}
	own.slices = slo.NewSlices(definition, o.key.index, histories, max(longest, leastLongest))
	if own.slices == nil {
		return own, whole
	}
	for i, s := range own.series {
		if slices.Index(own.series, s) == i {
			s.track.Derive(own.slices)
			whole = whole && !s.filled
		}
	}
	return own, whole
}

// ids are the series of an objective, those of all members for a composite.
func ids(definition slo.SLO, index int) []slo.SeriesID {
	if index < len(definition.Objectives) {
		return []slo.SeriesID{definition.SeriesOf(index).ID}
	}
	all := make([]slo.SeriesID, len(definition.Objectives))
	for i := range all {
		all[i] = definition.SeriesOf(i).ID
	}
	return all
}

// edges are the places that the plan needs now, and those where one revision
// goes over into the next.
func (l linked) edges(plan *slo.Plan, now time.Time) []slo.Slice {
	edges := plan.Edges(now)
	for _, e := range l.earlier {
		edges = append(edges, slo.SliceOf(e.until))
	}
	return edges
}

// detailOf is what of the ledger must be read in detail, however old: hours in
// which an edge lies, and series that slices are derived from.
func detailOf(all []linked, objectives []*objective, now time.Time) slo.Detail {
	detail := slo.Detail{Hours: map[int64]bool{}, Series: map[slo.SeriesID]bool{}}
	for i, l := range all {
		for _, edge := range append(l.edges(objectives[i].plan, now), objectives[i].edges()...) {
			detail.Hours[edge.Start().Unix()/int64(time.Hour/time.Second)] = true
		}
		for _, own := range append([]earlier{{sources: l.sources}}, l.earlier...) {
			for _, s := range own.series {
				if own.slices != nil {
					detail.Series[s.id] = true
				}
			}
		}
	}
	return detail
}

// pin keeps the sums before these places in all that the objective counts by. It
// reports false if one is lost.
func (l linked) pin(edges []slo.Slice) bool {
	whole := l.sources.pin(edges)
	for _, e := range l.earlier {
		whole = e.pin(edges) && whole
	}
	return whole
}

// pin keeps the sums before these places. It reports false if one is lost.
func (s sources) pin(edges []slo.Slice) bool {
	whole := s.slices == nil || !s.slices.Lost()
	for _, edge := range edges {
		for _, one := range s.series {
			whole = one.track.Pin(edge) && whole
		}
		if s.slices != nil {
			whole = s.slices.History().Pin(edge) && whole
		}
	}
	return whole
}

// release lets the slices of an objective that is gone follow no longer.
func (s sources) release() {
	if s.slices == nil {
		return
	}
	for _, one := range s.series {
		one.track.Release(s.slices)
	}
}
