package simulate

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// lane is one objective with what it counts by. The lanes of one drive share
// the feeds, and each is shared by all candidates that judge its objective.
type lane struct {
	index int
	// feeds is one, or those of each member of a composite.
	feeds []*feed
	// slices is set where the budget is made of time slices.
	slices *slo.Slices
	// members are what burn rates are made of: one, or one for each member of a
	// composite by Occurrences.
	members []member
	// events are the events that slices are made of; those of members if they
	// are counted themselves.
	events []*sums
	since  time.Time
	// excluded are the stretches that nothing is judged by.
	excluded []slo.Excluded
}

// member is a part of a burn rate: weight * bad / total / budget.
type member struct {
	*sums
	weight, budget float64
}

// newLane prepares the objective of a definition at an index, as the engine
// links it to its series. The feeds have not given anything yet.
func newLane(definition slo.SLO, index int, feeds map[slo.SeriesID]*feed, sumsOf func(*feed) *sums, longest time.Duration, excluded []slo.Excluded) *lane {
	l := &lane{index: index, excluded: excluded}
	composite := index == len(definition.Objectives)
	var histories []*slo.History
	for i := range definition.Objectives {
		if composite || i == index {
			f := feeds[definition.SeriesOf(i).ID]
			l.feeds, histories = append(l.feeds, f), append(histories, f.track.History)
			l.events = append(l.events, sumsOf(f))
		}
	}
	target := func(t slo.Target) float64 { return 1 - t.Float() }
	l.slices = slo.NewSlices(definition, index, histories, longest)
	switch {
	case l.slices != nil:
		l.derive(definition, longest)
	case !composite:
		l.members = []member{{sums: l.events[0], weight: 1, budget: target(definition.Objectives[index].Target)}}
	default:
		for i, o := range definition.Objectives {
			weight := 1.0
			if o.Weight != "" {
				weight = o.Weight.Float()
			}
			l.members = append(l.members, member{sums: l.events[i], weight: weight, budget: target(o.Target)})
		}
	}
	return l
}

// derive lets the slices follow the feeds, and looks at what they will say.
func (l *lane) derive(definition slo.SLO, longest time.Duration) {
	once := uniqueFeeds(l.feeds)
	for _, f := range once {
		f.track.Derive(l.slices)
	}
	again := func() ([]*slo.Track, *slo.Slices) {
		tracks, histories := make([]*slo.Track, len(once)), make([]*slo.History, len(l.feeds))
		for i, f := range once {
			tracks[i] = slo.NewTrack(longest)
			for k, other := range l.feeds {
				if other == f {
					histories[k] = tracks[i].History
				}
			}
		}
		derived := slo.NewSlices(definition, l.index, histories, longest)
		for _, t := range tracks {
			t.Derive(derived)
		}
		return tracks, derived
	}
	objective := definition.Objectives[min(l.index, len(definition.Objectives)-1)]
	length := max(1, slo.Slice(objective.SliceWindow/slo.SliceLength))
	whole := l.events[0]
	first := whole.first - whole.first%length
	s := sliceSums(once, again, length, first, whole.first+slo.Slice(len(whole.total)-1), l.excluded)
	l.members = []member{{sums: s, weight: 1, budget: 1}}
}

func uniqueFeeds(feeds []*feed) []*feed {
	var once []*feed
	seen := map[*feed]bool{}
	for _, f := range feeds {
		if !seen[f] {
			once, seen[f] = append(once, f), true
		}
	}
	return once
}

// reading is what is known at an instant.
func (l *lane) reading(at time.Time) slo.Reading {
	r := slo.Reading{Now: at, Coverage: slo.Coverage{Since: l.since, Until: at}, Excluded: l.excluded}
	if len(l.feeds) == 1 {
		r.History, r.Series = l.feeds[0].track.History, l.feeds[0].state(l.since)
	} else {
		for _, f := range l.feeds {
			r.Members = append(r.Members, slo.Member{History: f.track.History, Series: f.state(l.since)})
		}
	}
	if l.slices != nil {
		r.Events, r.History = r.History, l.slices.History()
	}
	return r
}

// pin keeps the edges that the plan needs, as the engine does. It reports false
// if one is lost.
func (l *lane) pin(plan *slo.Plan, at time.Time) bool {
	return l.pinAll(plan.Edges(at)) && (l.slices == nil || !l.slices.Lost())
}

// pinAll keeps edges. It reports false if one is lost.
func (l *lane) pinAll(edges []slo.Slice) bool {
	whole := true
	for _, edge := range edges {
		for _, f := range l.feeds {
			whole = f.track.Pin(edge) && whole
		}
		if l.slices != nil {
			whole = l.slices.History().Pin(edge) && whole
		}
	}
	return whole
}

// to is where look-backs end at an instant: at the watermark while that is near,
// else at the instant.
func (l *lane) to(at time.Time) time.Time {
	if mark, ok := l.watermark(at); ok && at.Sub(mark) <= silentAfter {
		return mark
	}
	return at
}

// watermark is the end of the newest bucket that has ended by an instant.
func (l *lane) watermark(at time.Time) (time.Time, bool) {
	newest := slo.Slice(-1)
	for _, s := range l.events {
		if last, ok := s.last(slo.SliceOf(at)); ok && last > newest {
			newest = last
		}
	}
	if newest < 0 {
		return time.Time{}, false
	}
	return newest.End(), true
}
