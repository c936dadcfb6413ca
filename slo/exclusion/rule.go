package exclusion

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/slowburn-slo/slowburn/slo"
)

// The limits of a recurrence rule.
const (
	maxRule     = 512
	maxCount    = 10_000
	maxInterval = 10_000
)

// rule is a recurrence rule that was read. Times in it are civil ones, as if
// they were UTC: what it repeats is what clocks show.
type rule struct {
	option rrule.ROption
	start  time.Time
}

// parse reads the rule of an exclusion that has one.
func parse(e slo.Exclusion) (rule, error) {
	start, err := e.Civil()
	if err != nil {
		return rule{}, err
	}
	if len(e.RRule) > maxRule {
		return rule{}, fmt.Errorf("the rule has %d bytes, more than the limit of %d", len(e.RRule), maxRule)
	}
	if strings.ContainsAny(e.RRule, "\r\n") || strings.Contains(e.RRule, "DTSTART") {
		return rule{}, errors.New("the rule must be one line without DTSTART: start says when it begins")
	}
	option, err := rrule.StrToROption(e.RRule)
	if err != nil {
		return rule{}, fmt.Errorf("%q is no recurrence rule of RFC 5545: %w", e.RRule, err)
	}
	switch {
	case option.Freq == rrule.MINUTELY || option.Freq == rrule.SECONDLY:
		return rule{}, errors.New("FREQ must be YEARLY, MONTHLY, WEEKLY, DAILY or HOURLY")
	case len(option.Bysecond) > 0 || len(option.Byeaster) > 0:
		return rule{}, errors.New("BYSECOND and BYEASTER are not known here")
	case strings.Contains(e.RRule, "INTERVAL=") && (option.Interval < 1 || option.Interval > maxInterval):
		return rule{}, fmt.Errorf("INTERVAL must be from 1 to %d", maxInterval)
	case strings.Contains(e.RRule, "COUNT=") && (option.Count < 1 || option.Count > maxCount):
		return rule{}, fmt.Errorf("COUNT must be from 1 to %d", maxCount)
	case option.Count > 0 && !option.Until.IsZero():
		return rule{}, errors.New("COUNT and UNTIL must not stand in the same rule")
	}
	option.Dtstart = start
	if err := until(option, e); err != nil {
		return rule{}, err
	}
	if _, err := rrule.NewRRule(*option); err != nil {
		return rule{}, fmt.Errorf("%q is no recurrence rule of RFC 5545: %w", e.RRule, err)
	}
	return rule{option: *option, start: start}, nil
}

// until makes UNTIL a civil time: with a Z it is an instant, a date alone holds
// to its end.
func until(option *rrule.ROption, e slo.Exclusion) error {
	if option.Until.IsZero() {
		return nil
	}
	_, text, _ := strings.Cut(e.RRule, "UNTIL=")
	text, _, _ = strings.Cut(text, ";")
	switch {
	case len(text) == len(rrule.DateFormat):
		option.Until = option.Until.Add(24*time.Hour - time.Second)
	case strings.HasSuffix(text, "Z"):
		civil, err := civilOf(e.Zone, option.Until)
		if err != nil {
			return err
		}
		option.Until = civil
	}
	return nil
}

// civilOf is what clocks in a zone show, as if it were UTC.
func civilOf(zone string, at time.Time) (time.Time, error) {
	if err := slo.CheckZone(zone); err != nil {
		return time.Time{}, err
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, err
	}
	_, offset := at.In(location).Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second), nil
}

// between visits the civil times of the rule in [from, to], until visit says no.
func (r rule) between(from, to time.Time, visit func(time.Time) bool) error {
	option := r.option
	if option.Until.IsZero() || option.Until.After(to) {
		option.Until = to // A rule that never holds comes to an end.
	}
	option.Dtstart = r.forward(from)
	made, err := rrule.NewRRule(option)
	if err != nil {
		return err
	}
	next := made.Iterator()
	for at, more := next(); more; at, more = next() {
		if !at.Before(from) && !at.Before(r.start) && !visit(at) {
			return nil
		}
	}
	return nil
}

// forward is a start of the same rule that is nearer: whole periods later, and
// still before from. A rule that counts has but the one that it has.
func (r rule) forward(from time.Time) time.Time {
	units := map[rrule.Frequency]time.Duration{rrule.HOURLY: time.Hour, rrule.DAILY: 24 * time.Hour, rrule.WEEKLY: 7 * 24 * time.Hour}
	unit, even := units[r.option.Freq]
	if !even || r.option.Count > 0 {
		return r.start
	}
	step := unit * time.Duration(max(1, r.option.Interval))
	if periods := from.Sub(r.start)/step - 1; periods > 0 {
		return r.start.Add(periods * step)
	}
	return r.start
}
