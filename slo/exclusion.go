package slo

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Exclusion is time that an SLO is not to be judged by: a planned maintenance,
// once or again and again.
type Exclusion struct {
	// Start is when the first one begins in local time, "2006-01-02 15:04" (see
	// Calendar.Start for clocks that are put forward or back over it).
	Start string
	// Duration is how long each lasts, as time passes: whole minutes.
	Duration time.Duration
	// RRule is the recurrence rule of RFC 5545, in local time; empty for once.
	RRule string
	// Zone is a name of the IANA time zone database.
	Zone string
	// As says what becomes of the events in it.
	As ExclusionKind
	// Reason is for people.
	Reason string
}

// ExclusionKind says what becomes of events that are excluded.
type ExclusionKind string

// The kinds of exclusions.
const (
	// Drop: events count nowhere. What remains weighs more: 60 bad of 10 000
	// events are 0.6 %, of the 9 000 that a dropped tenth leaves 0.67 %.
	Drop ExclusionKind = "drop"
	// CountGood: bad and unknown events count as good, so that what remains
	// weighs what it did.
	CountGood ExclusionKind = "good"
)

// The limits of an exclusion.
const (
	// MaxExclusions is how many an SLO may have, MaxExclusionReason how many
	// bytes the reason of each.
	MaxExclusions      = 64
	MaxExclusionReason = 255
	// MaxExclusion is the longest that one may last.
	MaxExclusion = 31 * 24 * time.Hour
)

// Excluded is a stretch of event time that is excluded, at edges of slices: the
// first slice is the one that it begins in, the last the one that it ends in.
// Exclusions begin and end on whole minutes, so that no slice is ever split.
type Excluded struct {
	Interval
	As     ExclusionKind
	Reason string
}

// Instant is when clocks in a zone show a civil time (its zone does not
// matter): the first time if they do so twice, and where it is left out the
// moment at which they are put forward. Calendar periods begin so, too.
func Instant(zone string, civil time.Time) (time.Time, error) {
	location, err := loadZone(zone)
	if err != nil {
		return time.Time{}, err
	}
	return calendar{location: location}.instant(civil), nil
}

// CheckZone refuses what is no name of the IANA time zone database.
func CheckZone(zone string) error {
	_, err := loadZone(zone)
	return err
}

// First is when the exclusion begins for the first time, without its rule.
func (e Exclusion) First() (time.Time, error) {
	civil, err := e.Civil()
	if err != nil {
		return time.Time{}, err
	}
	return Instant(e.Zone, civil)
}

// Civil is Start as if it were UTC.
func (e Exclusion) Civil() (time.Time, error) {
	civil, err := time.Parse(CalendarStart, e.Start)
	if err != nil || civil.Year() < firstExclusion || civil.Year() > lastExclusion {
		return time.Time{}, fmt.Errorf("%q is not a start: write it as 2026-01-31 22:00, from %d to %d", e.Start, firstExclusion, lastExclusion)
	}
	return civil, nil
}

// The years that an exclusion may begin in.
const (
	firstExclusion = 2000
	lastExclusion  = 2100
)

// CheckDuration refuses how long an exclusion cannot last.
func (e Exclusion) CheckDuration() error {
	if e.Duration < time.Minute || e.Duration > MaxExclusion || e.Duration%time.Minute != 0 {
		return fmt.Errorf("%s is not how long an exclusion may last: write whole minutes, at most %s", e.Duration, FormatDuration(MaxExclusion))
	}
	return nil
}

// Excluding makes stretches fit for a Reading: at edges of slices, within [from,
// to), in their order and none over another. Where two lie over each other the
// one that drops holds, then the one that comes first in the list.
func Excluding(all []Excluded, from, to time.Time) []Excluded {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Excluded) int {
		return cmp.Or(a.As.rank()-b.As.rank(), a.From.Compare(b.From))
	})
	var edges []edge
	for i, e := range all {
		first, last := max(SliceOf(e.From), SliceOf(from)), min(sliceAfter(e.To), sliceAfter(to))
		if first < last {
			edges = append(edges, edge{at: first, place: i, opens: true}, edge{at: last, place: i})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.at, b.at) })
	var out []Excluded
	var open []int // The places of those that hold here, in their order.
	last := -1
	for i, e := range edges {
		if at, found := slices.BinarySearch(open, e.place); e.opens && !found {
			open = slices.Insert(open, at, e.place)
		} else if found {
			open = slices.Delete(open, at, at+1)
		}
		if i+1 == len(edges) || edges[i+1].at == e.at || len(open) == 0 {
			continue
		}
		one := all[open[0]]
		one.Interval = Interval{From: e.at.Start(), To: edges[i+1].at.Start()}
		if n := len(out); n > 0 && last == open[0] && out[n-1].To.Equal(one.From) {
			out[n-1].To = one.To // It goes on, though another began or ended beneath it.
			continue
		}
		out, last = append(out, one), open[0]
	}
	return out
}

// edge is where one of several stretches begins or ends.
type edge struct {
	at    Slice
	place int
	opens bool
}

// rank is the order in which exclusions hold: lower before higher.
func (k ExclusionKind) rank() int {
	if k == Drop {
		return 0
	}
	return 1
}

// sliceAfter is the first slice that begins at t or later.
func sliceAfter(t time.Time) Slice { return SliceOf(t.Add(SliceLength - time.Nanosecond)) }

// ExcludedEdges are the places at which sums over the stretches begin and end,
// but for whole hours, which need no pin.
func ExcludedEdges(all []Excluded) []Slice {
	var edges []Slice
	for _, e := range all {
		for _, at := range [2]Slice{SliceOf(e.From), SliceOf(e.To)} {
			if at%slicesPerHour != 0 && (len(edges) == 0 || edges[len(edges)-1] != at) {
				edges = append(edges, at)
			}
		}
	}
	return edges
}
