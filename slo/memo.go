package slo

// memos is how many totals a history remembers: as many look-backs as an
// objective of the default policy has, and a few more.
const memos = 16

// memo is the total before a place. The beginning of a look-back moves on by a
// slice, a minute or an hour, and what lies before it hardly ever changes, while
// to sum it up takes places that are far apart in memory.
type memo struct {
	place Slice
	total Counts
}

// beforeAgain is before for a place that is asked for again and again, at or a
// little after the last one of the same number.
func (h *History) beforeAgain(number int, s Slice) Counts {
	if number >= memos || s <= 0 || s > h.newest {
		return h.before(s)
	}
	m := &h.memos[number]
	if m.place != s {
		if step, ok := h.within(m.place, s); ok {
			m.total = m.total.Plus(step)
		} else {
			m.total = h.before(s)
		}
		m.place = s
		h.furthest = max(h.furthest, s)
	}
	return m.total
}

// within counts the slices [from, to) where both lie in one hour that is kept by
// the slice, or by the minute if both are whole minutes.
func (h *History) within(from, to Slice) (Counts, bool) {
	hour := int64(from) / slicesPerHour
	if from <= 0 || from >= to || int64(to)/slicesPerHour != hour {
		return Counts{}, false
	}
	first, last := int(from)%slicesPerHour, int(to)%slicesPerHour
	switch {
	case first%slicesPerMinute == 0 && last%slicesPerMinute == 0 && hour > h.head-minuteHours:
		if m := &h.minutes[hour%minuteHours]; m.hour == hour {
			return m.sum(minutesPerHour, first/slicesPerMinute, last/slicesPerMinute), true
		}
		return Counts{}, true // Nothing was added in that hour.
	case hour > h.head-sliceHours:
		if c := &h.slices[hour%sliceHours]; c.hour == hour {
			return c.sum(slicesPerHour, first, last), true
		}
		return Counts{}, true
	default:
		return Counts{}, false
	}
}

// addToMemos counts events for the places behind them.
func (h *History) addToMemos(s Slice, c Counts) {
	for i := range h.memos {
		if m := &h.memos[i]; m.place > s {
			m.total = m.total.Plus(c)
		}
	}
}
