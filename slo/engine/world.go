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
	state slo.SeriesState
	// longest is how far back the track reaches. filled: it holds events.
	longest time.Duration
	filled  bool
}

func newSeries(id slo.SeriesID, longest time.Duration) *series {
	longest = max(longest, leastLongest)
	return &series{id: id, track: slo.NewTrack(longest), longest: longest}
}

func (s *series) add(slice slo.Slice, c slo.Counts) {
	s.filled = true
	s.track.Add(slice, c)
}

// world is all series that are known.
type world map[slo.SeriesID]*series

// newWorld makes the series that the objectives need, without events yet, and
// says what each objective counts by.
func newWorld(objectives []*objective, now time.Time) (world, []sources) {
	w := world{}
	longest := map[slo.SeriesID]time.Duration{}
	for _, o := range objectives {
		for _, id := range o.ids() {
			longest[id] = max(longest[id], o.plan.Longest())
		}
	}
	for id, length := range longest {
		w[id] = newSeries(id, length)
	}
	linked := make([]sources, len(objectives))
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

// link finds or makes the series of an objective, and derives its slices. It
// reports false if what is there lacks what the objective needs: a longer
// history, slices of events that came before, an edge in the past.
func (w world) link(o *objective, now time.Time) (linked sources, whole bool) {
	whole = true
	longest := o.plan.Longest()
	var histories []*slo.History
	for _, id := range o.ids() {
		s := w[id]
		if s == nil {
			s = newSeries(id, longest)
			w[id] = s
		}
		whole = whole && s.longest >= longest
		linked.series = append(linked.series, s)
		histories = append(histories, s.track.History)
	}
	linked.slices = slo.NewSlices(o.definition, o.key.index, histories, max(longest, leastLongest))
	if linked.slices != nil {
		for i, s := range linked.series {
			if slices.Index(linked.series, s) == i {
				s.track.Derive(linked.slices)
				whole = whole && !s.filled
			}
		}
	}
	return linked, linked.pin(o.plan, now) && whole
}

// ids are the series of the objective, those of all members for a composite.
func (o *objective) ids() []slo.SeriesID {
	if o.key.index < len(o.definition.Objectives) {
		return []slo.SeriesID{o.definition.SeriesOf(o.key.index).ID}
	}
	ids := make([]slo.SeriesID, len(o.definition.Objectives))
	for i := range ids {
		ids[i] = o.definition.SeriesOf(i).ID
	}
	return ids
}

// pin keeps the edges that the plan needs now. It reports false if one is lost.
func (s sources) pin(plan slo.Plan, now time.Time) bool {
	whole := true
	for _, edge := range plan.Edges(now) {
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
