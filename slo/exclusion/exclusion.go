// Package exclusion finds when exclusions are: it knows the recurrence rules of
// RFC 5545 (iCalendar), which package slo does not.
package exclusion

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// MaxOccurrences is how often one exclusion may be within MaxSpan.
const (
	MaxOccurrences = 10_000
	MaxSpan        = 400 * 24 * time.Hour
)

// never is how long a rule may take to hold for the first time: a leap day is
// eight years after the last one around 2100.
const never = 9 * 366 * 24 * time.Hour

// The parts of an exclusion that Check may find at fault.
const (
	PartStart    = "start"
	PartDuration = "duration"
	PartRule     = "rrule"
	PartZone     = "timeZone"
	PartAs       = "as"
)

// Check refuses an exclusion that cannot be: one that is written wrongly, is too
// often, or never. On an error part says which of its parts is at fault.
func Check(e slo.Exclusion) (part string, err error) {
	if err := slo.CheckZone(e.Zone); err != nil {
		return PartZone, err
	}
	start, err := e.Civil()
	if err != nil {
		return PartStart, err
	}
	if err := e.CheckDuration(); err != nil {
		return PartDuration, err
	}
	if e.As != slo.Drop && e.As != slo.CountGood {
		return PartAs, fmt.Errorf("%q is neither %s nor %s", e.As, slo.Drop, slo.CountGood)
	}
	if e.RRule == "" {
		return "", nil
	}
	r, err := parse(e)
	if err != nil {
		return PartRule, err
	}
	first := time.Time{}
	if err := r.between(start, start.Add(never), func(at time.Time) bool { first = at; return false }); err != nil {
		return PartRule, err
	}
	if first.IsZero() {
		return PartRule, fmt.Errorf("%q from %s on never holds", e.RRule, e.Start)
	}
	if _, err := occurrences(e, first, first.Add(MaxSpan-48*time.Hour), MaxOccurrences); err != nil {
		return PartRule, err
	}
	return "", nil
}

// Expand finds the stretches that reach into [from, to), in their order; they
// may lie over each other (see slo.Excluding). It refuses what Check refuses.
func Expand(exclusions []slo.Exclusion, from, to time.Time) ([]slo.Excluded, error) {
	var all []slo.Excluded
	for i, e := range exclusions {
		starts, err := occurrences(e, from.Add(-e.Duration), to, 2*MaxOccurrences) // Windows may be a little longer than MaxSpan.
		if err != nil {
			return nil, fmt.Errorf("exclusion %d: %w", i, err)
		}
		for _, at := range starts {
			one := slo.Excluded{Interval: slo.Interval{From: at, To: at.Add(e.Duration)}, As: e.As, Reason: e.Reason}
			if one.From.Before(to) && one.To.After(from) {
				all = append(all, one)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b slo.Excluded) int { return a.From.Compare(b.From) })
	return all, nil
}

// occurrences are the instants at which an exclusion begins, at least those in
// [from, to), up to a limit.
func occurrences(e slo.Exclusion, from, to time.Time, limit int) ([]time.Time, error) {
	if e.RRule == "" {
		first, err := e.First()
		return []time.Time{first}, err
	}
	if to.Sub(from) > MaxSpan+2*slo.MaxExclusion {
		return nil, fmt.Errorf("rules are not expanded over more than %s", slo.FormatDuration(MaxSpan))
	}
	r, err := parse(e)
	if err != nil {
		return nil, err
	}
	first, err := civilOf(e.Zone, from)
	if err != nil {
		return nil, err
	}
	const shift = 24 * time.Hour // More than clocks are ever put forward or back.
	var starts []time.Time
	var fault error
	err = r.between(first.Add(-shift), first.Add(to.Sub(from)+shift), func(civil time.Time) bool {
		if len(starts) == limit {
			fault = fmt.Errorf("%q holds more than %d times within %s", e.RRule, MaxOccurrences, slo.FormatDuration(MaxSpan))
			return false
		}
		at, err := slo.Instant(e.Zone, civil)
		fault = err
		starts = append(starts, at)
		return err == nil
	})
	return starts, errors.Join(err, fault)
}
