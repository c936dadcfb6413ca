package convert

import (
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// pyrraBurns are the alerts of Pyrra, scaled from those of 28 days: an hour
// becomes a quarter of one when the window is a week.
func pyrraBurns(window time.Duration) (burns []burn, clamped bool) {
	const base = 28 * 24 * time.Hour
	scale := func(d time.Duration) string {
		scaled := time.Duration(float64(d) * float64(window) / float64(base)).Round(time.Minute)
		if scaled < time.Minute {
			scaled, clamped = time.Minute, true
		}
		return short(scaled)
	}
	for _, b := range []struct {
		name, severity     string
		factor             number
		long, short, after time.Duration
	}{
		{"page-1", "page", "14", time.Hour, 5 * time.Minute, 2 * time.Minute},
		{"page-2", "page", "7", 6 * time.Hour, 30 * time.Minute, 15 * time.Minute},
		{"ticket-1", "ticket", "2", 24 * time.Hour, 2 * time.Hour, time.Hour},
		{"ticket-2", "ticket", "1", 4 * 24 * time.Hour, 6 * time.Hour, 3 * time.Hour},
	} {
		burns = append(burns, burn{
			name: b.name, severity: b.severity, factor: b.factor, op: "gt",
			long: scale(b.long), short: scale(b.short), after: scale(b.after),
		})
	}
	return burns, clamped
}

// pyrraAlerting returns the policies of an SLO.
func (r *reader) pyrraAlerting(f field, target slo.Target, name string, window time.Duration) []document {
	o := r.object(f, "disabled", "burnrates", "absent", "name", "absent_name")
	title := r.text(o.get("name"))
	if title == "" {
		title = "ErrorBudgetBurn"
	}
	absent := r.flag(o.get("absent"), true)
	if absent && r.text(o.get("absent_name")) != "" {
		r.note(o.get("absent_name"), "is not carried over: that events are missing is told by a policy of another name")
	}
	burning := r.flag(o.get("burnrates"), true)
	if r.flag(o.get("disabled"), false) {
		burning, absent = false, false
	}
	var burns []burn
	if burning {
		all, clamped := pyrraBurns(window)
		if clamped {
			r.note(f, "look-backs and pauses shorter than a minute are one minute")
		}
		burns = r.reachable(f, all, target)
	}
	if absent || len(burns) > 0 {
		r.noteReceiver()
	}
	if len(burns) == 0 {
		r.note(f, "no alert of a burn rate is left: one policy that never tells of them keeps Slowburn's default policy away")
		return []document{silent(name, absent)}
	}
	var policies []document
	burns[0].noData = absent
	for _, b := range burns {
		policies = append(policies, b.policy(name, fmt.Sprintf("%s (%s, %s)", title, b.severity, b.long)))
	}
	return policies
}
