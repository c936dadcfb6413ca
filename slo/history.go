package slo

import "time"

const (
	slicesPerMinute = 6
	slicesPerHour   = 360
	minutesPerHour  = 60

	// The retention of the finer grids, in hours: the longest window that uses
	// them (6h and 3d), the hour that it begins in, and the ten minutes by
	// which events may lie in the future.
	sliceHours  = 6 + 2
	minuteHours = 72 + 2
)

// gridOf is the grid that the start of a window of this length is floored to:
// 10 s up to 6 h, 1 min up to 3 d, 1 h above. It depends on the length alone,
// never on the age of the data.
func gridOf(length time.Duration) time.Duration {
	switch {
	case length <= 6*time.Hour:
		return SliceLength
	case length <= 72*time.Hour:
		return time.Minute
	default:
		return time.Hour
	}
}

// windowStart is the first slice of the window of this length that ends at to.
func windowStart(to time.Time, length time.Duration) Slice {
	// In whole seconds, which every grid is made of: Truncate divides by 128 bits.
	grid := int64(gridOf(length) / time.Second)
	second := to.Add(-length).Unix()
	begin := second - second%grid
	if second < 0 && begin != second {
		begin -= grid // Nothing lies before 1970, but floors are floors.
	}
	return Slice(begin / int64(SliceLength/time.Second))
}

// History holds the buckets of one series so that the sum of any window is a
// difference of two prefix sums: running totals by hour, cells by minute for
// three days and by slice for six hours within them. Adding is O(1) for the
// current hour and O(hours after it) for a late event; a window is O(1).
//
// A series of 90 days takes below 100 KB. A History is not safe for
// concurrent use.
type History struct {
	// head is the newest hour; oldest the oldest one kept; -1 before any event.
	head, oldest int64
	// newest is the newest slice that was added to, all what was added.
	newest Slice
	all    Counts
	// totals holds the running totals before each hour, by hour modulo length,
	// up to the one before head+1; good and bad lie together, since every
	// window reads both. unknown is nil until there is one.
	totals  []goodAndBad
	unknown []int64
	// pins are places that stay exact at any age, in their order.
	pins []pin
	// added counts additions; paused is the longest pause as of one of them.
	added  uint64
	paused pauseMemo
	// memos are the totals before places that are asked for again and again;
	// furthest is the newest of them.
	furthest Slice
	memos    [memos]memo
	slices   [sliceHours]cells
	minutes  [minuteHours]cells
}

// pauseMemo is the longest pause, which only an addition can change.
type pauseMemo struct {
	added       uint64
	newest      Slice
	pause, span time.Duration
}

type goodAndBad struct{ good, bad int64 }

// NewHistory returns an empty history for windows up to longest.
func NewHistory(longest time.Duration) *History {
	hours := int(max(longest, 72*time.Hour)/time.Hour) + 4
	return &History{head: -1, totals: make([]goodAndBad, hours)}
}

// Add counts events in a slice; negative counts correct earlier ones. Slices
// older than every window are ignored: no sum can reach them.
func (h *History) Add(s Slice, c Counts) {
	if s < 0 {
		return
	}
	h.added++
	hour := int64(s) / slicesPerHour
	h.advance(hour)
	if hour < h.oldest {
		return
	}
	length := int64(len(h.totals))
	if c.Unknown != 0 && h.unknown == nil {
		h.unknown = make([]int64, length)
	}
	for k := hour + 1; k <= h.head+1; k++ {
		i := k % length
		h.totals[i].good += c.Good
		h.totals[i].bad += c.Bad
		if h.unknown != nil {
			h.unknown[i] += c.Unknown
		}
	}
	if hour > h.head-sliceHours {
		h.slices[hour%sliceHours].at(hour).add(slicesPerHour, int(int64(s)%slicesPerHour), c)
	}
	if hour > h.head-minuteHours {
		h.minutes[hour%minuteHours].at(hour).add(minutesPerHour, int(int64(s)%slicesPerHour/slicesPerMinute), c)
	}
	h.newest, h.all = max(h.newest, s), h.all.Plus(c)
	if s < h.furthest {
		h.addToMemos(s, c)
	}
	if len(h.pins) > 0 {
		h.addToPins(s, c)
	}
}

// advance makes hour part of the history if it is newer than all of it.
func (h *History) advance(hour int64) {
	length := int64(len(h.totals))
	if h.head < 0 {
		h.head, h.oldest = hour, max(0, hour-length+2)
		return
	}
	if hour <= h.head {
		return
	}
	last := (h.head + 1) % length
	for k := max(h.head+2, hour+2-length); k <= hour+1; k++ {
		i := k % length
		h.totals[i] = h.totals[last]
		if h.unknown != nil {
			h.unknown[i] = h.unknown[last]
		}
	}
	h.head = hour
	h.oldest = max(h.oldest, hour-length+2)
}

// Sum counts the events of the slices [from, to). Both ends must lie on the
// grid that their age is kept at: from as windowStart gives it, to within the
// last hours.
func (h *History) Sum(from, to Slice) Counts {
	if from >= to || h.head < 0 {
		return Counts{}
	}
	return h.before(to).Minus(h.before(from))
}

// before is the running total of all that lies before s.
func (h *History) before(s Slice) Counts {
	s = max(s, 0) // Nothing lies before 1970.
	hour := int64(s) / slicesPerHour
	switch {
	case s > h.newest:
		return h.all // The same as h.total(h.head + 1), and nearer.
	case hour < h.oldest:
		return h.total(h.oldest)
	}
	sum := h.total(hour)
	within := int(int64(s) % slicesPerHour)
	if within == 0 {
		return sum
	}
	if len(h.pins) > 0 && !h.exact(s) {
		if at, found := h.pinAt(s); found {
			return sum.Plus(h.pins[at].within)
		}
	}
	minute := within / slicesPerMinute
	if m := &h.minutes[hour%minuteHours]; m.hour == hour {
		sum = sum.Plus(m.sum(minutesPerHour, 0, minute))
	}
	if c := &h.slices[hour%sliceHours]; c.hour == hour {
		sum = sum.Plus(c.sum(slicesPerHour, minute*slicesPerMinute, within))
	}
	return sum
}

// usualPause is longestPause as time passes, remembered until events are added: a
// service that is silent is asked every few seconds.
func (h *History) usualPause(newest Slice) (pause, span time.Duration) {
	if m := h.paused; m.added == h.added && m.newest == newest && h.added > 0 {
		return m.pause, m.span
	}
	pause, span = h.longestPause(newest, func(from, to time.Time) time.Duration { return to.Sub(from) })
	h.paused = pauseMemo{added: h.added, newest: newest, pause: pause, span: span}
	return pause, span
}

// longestPause is the longest run of minutes without an event between the first
// one that is kept by the minute and the slice of the newest, and how far these
// two are apart. How long a run is, waited says.
func (h *History) longestPause(newest Slice, waited func(from, to time.Time) time.Duration) (pause, span time.Duration) {
	last := int64(newest) / slicesPerMinute
	var previous, first int64 = -1, -1
	for hour := max(0, last/minutesPerHour-minuteHours+1); hour <= last/minutesPerHour; hour++ {
		c := &h.minutes[hour%minuteHours]
		if c.hour != hour {
			continue
		}
		for m := range int64(minutesPerHour) {
			at := hour*minutesPerHour + m
			if at > last || c.sum(minutesPerHour, int(m), int(m)+1) == (Counts{}) {
				continue
			}
			if previous >= 0 {
				if run := time.Duration(at-previous-1) * time.Minute; run > pause {
					pause = max(pause, waited(minuteStart(previous+1), minuteStart(at)))
				}
			} else {
				first = at
			}
			previous = at
		}
	}
	return pause, time.Duration(previous-first) * time.Minute
}

func minuteStart(minute int64) time.Time { return time.Unix(minute*int64(time.Minute/time.Second), 0) }

// gridAt is the grid that is kept at a slice: 10 s for the last hours, then
// minutes, then hours. What follows the newest event is empty on any grid.
func (h *History) gridAt(s Slice) time.Duration {
	switch hour := int64(s) / slicesPerHour; {
	case h.head < 0 || hour > h.head-sliceHours:
		return SliceLength
	case hour > h.head-minuteHours:
		return time.Minute
	default:
		return time.Hour
	}
}

// oldestSlice is the first slice that is kept; before any event, the first of
// a window of this length that ends at stop.
func (h *History) oldestSlice(stop Slice, window time.Duration) Slice {
	if h.head < 0 {
		return max(0, stop-Slice(window/SliceLength))
	}
	return Slice(h.oldest * slicesPerHour)
}

// total is the running total before an hour in [oldest, head+1].
func (h *History) total(hour int64) Counts {
	i := hour % int64(len(h.totals))
	c := Counts{Good: h.totals[i].good, Bad: h.totals[i].bad}
	if h.unknown != nil {
		c.Unknown = h.unknown[i]
	}
	return c
}
