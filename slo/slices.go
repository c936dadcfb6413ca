package slo

import (
	"slices"
	"time"
)

// Slices derives what time slices say from the events of one series, or of the
// members of a composite: each slice with events is good, bad or unknown
// (Timeslices), or so much of each (RatioTimeslices).
//
// It is itself a History, in which every slice is one entry at the place where
// it begins: 1 for Timeslices, RawUnit for RatioTimeslices. So a window holds
// the slices that begin in it; one that is still open is left out (see Plan.end).
type Slices struct {
	method  BudgetingMethod
	length  Slice // in slices of the ledger
	members []*sliceMember
	history *History
	// lost: a late event changed a slice whose counts are not kept in detail.
	lost bool
}

// sliceMember is one series that slices are judged by.
type sliceMember struct {
	events *History
	target fraction
	weight fraction
	// values are what its slices say, by number of the slice modulo length: kept
	// only beside others, whose verdict counts as well. newest is the newest slice.
	values []sliceValue
	newest Slice
}

// sliceValue is how much of a slice is bad and unknown, in units of RawUnit;
// the rest is good.
type sliceValue struct {
	bad, unknown uint32
	// counted: the slice has events.
	counted bool
}

// NewSlices prepares the slices of an objective (index as in NewPlan) over the
// histories of its series, of all members in their order for the composite. The
// histories MUST be empty. It returns nil if the method has no slices.
func NewSlices(definition SLO, index int, events []*History, longest time.Duration) *Slices {
	if definition.Method != Timeslices && definition.Method != RatioTimeslices {
		return nil
	}
	objectives := definition.Objectives
	if index < len(objectives) {
		objectives = objectives[index : index+1]
	}
	d := &Slices{
		method: definition.Method, length: max(1, Slice(objectives[0].SliceWindow/SliceLength)), history: NewHistory(longest),
	}
	for i, o := range objectives {
		m := &sliceMember{events: events[i], weight: fraction{1, 1}}
		m.target.num, m.target.den = o.SliceTarget.fraction()
		if w, ok := fractionOf(o.Weight.Rat()); ok && w.num > 0 && index >= len(definition.Objectives) {
			m.weight = w
		}
		if len(objectives) > 1 {
			m.values = make([]sliceValue, int64(len(d.history.totals)*slicesPerHour)/int64(d.length)+2)
		}
		d.members = append(d.members, m)
	}
	return d
}

// History is what the slices say.
func (d *Slices) History() *History { return d.history }

// Lost reports that the slices MUST be derived anew, from histories in detail.
func (d *Slices) Lost() bool { return d.lost }

// slice is the number of the time slice that a slice of the ledger lies in.
func (d *Slices) slice(s Slice) Slice { return s / d.length }

// before is what the slice says that an event is about to be counted in; after
// takes it back and adds what the slice says then.
func (d *Slices) before(events *History, s Slice) Counts {
	k := d.slice(s)
	begin, end := k*d.length, (k+1)*d.length
	if begin < Slice(events.oldest*slicesPerHour) && events.head >= 0 {
		return Counts{} // It begins before what is kept.
	}
	if events.head >= 0 && (!events.exact(begin) || !events.exact(end)) {
		d.lost = true
	}
	return d.verdict(k)
}

func (d *Slices) after(events *History, s Slice, before Counts) {
	k := d.slice(s)
	if k*d.length < Slice(events.oldest*slicesPerHour) {
		return
	}
	for _, m := range d.members {
		if m.values != nil && m.events == events {
			m.keep(k, m.judge(d, k))
		}
	}
	if change := d.verdict(k).Minus(before); change != (Counts{}) {
		d.history.Add(k*d.length, change)
	}
}

// verdict is what slice k says, of all members.
func (d *Slices) verdict(k Slice) Counts {
	var all sliceValue
	for _, m := range d.members {
		v := m.value(d, k)
		if !v.counted {
			continue
		}
		all.counted = true
		if d.method == Timeslices {
			all.bad, all.unknown = max(all.bad, v.bad), max(all.unknown, v.unknown)
			continue
		}
		all.bad += uint32(m.weight.of(uint64(v.bad), uint64(RawUnit-all.bad)))
		all.unknown = min(RawUnit, all.unknown+uint32(m.weight.of(uint64(v.unknown), RawUnit)))
	}
	if !all.counted {
		return Counts{}
	}
	all.unknown = min(all.unknown, RawUnit-all.bad)
	c := Counts{Good: RawUnit - int64(all.bad) - int64(all.unknown), Bad: int64(all.bad), Unknown: int64(all.unknown)}
	if d.method == Timeslices {
		c = Counts{Good: c.Good / RawUnit, Bad: c.Bad / RawUnit, Unknown: c.Unknown / RawUnit}
	}
	return c
}

// value is what slice k says of one member: as kept, or judged anew.
func (m *sliceMember) value(d *Slices, k Slice) sliceValue {
	if m.values == nil {
		return m.judge(d, k)
	}
	if k > m.newest || k <= m.newest-Slice(len(m.values)) {
		return sliceValue{}
	}
	return m.values[int64(k)%int64(len(m.values))]
}

// keep notes what slice k says.
func (m *sliceMember) keep(k Slice, v sliceValue) {
	length := Slice(len(m.values))
	if k <= m.newest-length {
		return
	}
	for gone := max(m.newest+1, k-length+1); gone <= k; gone++ {
		m.values[gone%length] = sliceValue{}
	}
	m.newest = max(m.newest, k)
	m.values[k%length] = v
}

// judge is what the events of slice k say. For Timeslices the slice is good if
// good/n meets the target; if unknown events decide, it is unknown. For
// RatioTimeslices it is good and unknown as its events are, each rounded down
// to 1e-9, and bad for the rest: 999 of 1000 good is 999_000_000 and 1_000_000.
func (m *sliceMember) judge(d *Slices, k Slice) sliceValue {
	c := m.events.Sum(k*d.length, (k+1)*d.length)
	n := c.Total()
	if n <= 0 {
		return sliceValue{}
	}
	if d.method == RatioTimeslices {
		good := fraction{num: RawUnit, den: uint64(n)}.of(uint64(max(0, c.Good)), RawUnit)
		unknown := fraction{num: RawUnit, den: uint64(n)}.of(uint64(max(0, c.Unknown)), RawUnit)
		return sliceValue{bad: uint32(RawUnit - good - unknown), unknown: uint32(unknown), counted: true}
	}
	switch {
	case m.target.reachedBy(c.Good, n):
		return sliceValue{counted: true}
	case m.target.reachedBy(c.Good+c.Unknown, n):
		return sliceValue{unknown: RawUnit, counted: true}
	default:
		return sliceValue{bad: RawUnit, counted: true}
	}
}

// Track is the history of the events of one series, with all the slices that
// are derived from it.
type Track struct {
	*History
	slices []*Slices
}

// NewTrack returns an empty track for windows up to longest.
func NewTrack(longest time.Duration) *Track { return &Track{History: NewHistory(longest)} }

// Derive lets slices follow the events from here on; the track MUST be empty.
func (t *Track) Derive(d *Slices) { t.slices = append(t.slices, d) }

// Release lets slices follow no longer.
func (t *Track) Release(d *Slices) {
	t.slices = slices.DeleteFunc(t.slices, func(own *Slices) bool { return own == d })
}

// Add counts events, as History.Add does, and judges the slices that they lie in.
func (t *Track) Add(s Slice, c Counts) {
	if len(t.slices) == 0 || s < 0 {
		t.History.Add(s, c)
		return
	}
	var room [4]Counts
	before := room[:0]
	for _, d := range t.slices {
		before = append(before, d.before(t.History, s))
	}
	t.History.Add(s, c)
	for i, d := range t.slices {
		d.after(t.History, s, before[i])
	}
}
