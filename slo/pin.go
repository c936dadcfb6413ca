package slo

import (
	"cmp"
	"slices"
)

// pin is a place whose running total stays exact when the finer grids around
// it are forgotten: within is what lies between the beginning of its hour and it.
type pin struct {
	slice  Slice
	within Counts
}

// Pin keeps the running total before a slice exact from now on: the edge of a
// calendar period, say, that lies within an hour. It reports false if the detail
// around the slice is gone already; then the history MUST be built anew, with
// the pin set first. A pin that is older than every window goes by itself.
func (h *History) Pin(s Slice) bool {
	if s%slicesPerHour == 0 || s < Slice(h.oldest*slicesPerHour) {
		return true
	}
	at, found := h.pinAt(s)
	if found {
		return true
	}
	if !h.exact(s) {
		return false
	}
	hour := s / slicesPerHour * slicesPerHour
	h.pins = slices.Insert(h.pins, at, pin{slice: s, within: h.Sum(hour, s)})
	gone := 0
	for gone < len(h.pins) && h.pins[gone].slice < Slice(h.oldest*slicesPerHour) {
		gone++
	}
	h.pins = slices.Delete(h.pins, 0, gone)
	return true
}

// pinAt finds a pin, or where it would stand.
func (h *History) pinAt(s Slice) (int, bool) {
	return slices.BinarySearchFunc(h.pins, s, func(p pin, s Slice) int { return cmp.Compare(p.slice, s) })
}

// exact reports whether the running total before a slice is known without a
// pin: it lies on the grid that its age is kept at.
func (h *History) exact(s Slice) bool { return s%Slice(h.gridAt(s)/SliceLength) == 0 }

// addToPins counts events for the pins behind them in the same hour.
func (h *History) addToPins(s Slice, c Counts) {
	at, _ := h.pinAt(s + 1)
	for ; at < len(h.pins) && h.pins[at].slice/slicesPerHour == s/slicesPerHour; at++ {
		h.pins[at].within = h.pins[at].within.Plus(c)
	}
}
