package view

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Alarm is what every page says above all else: that what it shows must not be
// relied on as usual.
type Alarm struct {
	// Key names it and its colour: "stale" or "differs".
	Key string
	// Lead is what is wrong since At, Text what that means.
	Lead, Text string
	At         Moment
	// Link leads to more about it, with the text LinkText; empty for none.
	Link, LinkText string
}

// The keys of alarms.
const (
	staleKey   = "stale"
	differsKey = "differs"
)

// staleText says what staleness means.
const staleText = "verdicts are of then; nothing fires or resolves meanwhile."

// Alarms are those of a moment; the gravest first. The audits are the newest,
// the newest first.
func Alarms(statuses []slo.Status, audits []slo.Audit, now time.Time) []Alarm {
	var alarms []Alarm
	if alarm, raised := differing(audits, now); raised {
		alarms = append(alarms, alarm)
	}
	if alarm, raised := stale(statuses, now); raised {
		alarms = append(alarms, alarm)
	}
	return alarms
}

// stale sums up the objectives that are not judged as of now.
func stale(statuses []slo.Status, now time.Time) (Alarm, bool) {
	var all, n int64
	var since time.Time
	for i := range statuses {
		for j := range statuses[i].Objectives {
			all++
			at := statuses[i].Objectives[j].StaleSince
			if at.IsZero() {
				continue
			}
			n++
			if since.IsZero() || at.Before(since) {
				since = at
			}
		}
	}
	alarm := Alarm{Key: staleKey, Text: staleText, At: NewMoment(since, now)}
	switch {
	case n == 0:
		return Alarm{}, false
	case n < all && n == 1:
		alarm.Lead = "1 of " + plural(all, "objective") + " is stale since"
	case n < all:
		alarm.Lead = Count(n) + " of " + plural(all, "objective") + " are stale since"
	default:
		alarm.Lead = "Stale since"
	}
	return alarm, true
}

// differing sums up what audits found and did not find gone since.
func differing(audits []slo.Audit, now time.Time) (Alarm, bool) {
	var n int64
	var at time.Time
	for _, a := range Unsettled(audits) {
		n += a.Differing
		if a.At.After(at) {
			at = a.At
		}
	}
	if n == 0 {
		return Alarm{}, false
	}
	return Alarm{
		Key: differsKey, Lead: "Counts differ from the journal, found", At: NewMoment(at, now),
		Text: "counted again, " + plural(n, "slice") + " of ten seconds came out otherwise than shown.",
		Link: "/settings#audit", LinkText: "Which?",
	}, true
}

// aboutOne replaces what alarms say of the staleness of all by that of one
// objective: its page need not count the others.
func aboutOne(alarms []Alarm, since, now time.Time) []Alarm {
	if since.IsZero() {
		return alarms
	}
	own := Alarm{Key: staleKey, Lead: "Stale since", Text: staleText, At: NewMoment(since, now)}
	var out []Alarm
	for _, a := range alarms {
		if a.Key != staleKey {
			out = append(out, a)
		}
	}
	return append(out, own)
}
