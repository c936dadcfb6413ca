package openslo

import (
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// defaultWindow holds for an SLO without one, which only lenient mode reads.
const defaultWindow = 28 * 24 * time.Hour

// timeWindow reads the one window, rolling or of a calendar.
func (r *reader) timeWindow(v value) slo.Window {
	if !v.present() || v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
		const want = "must have one item, as in [{duration: 28d, isRolling: true}]"
		if r.mode == Strict {
			r.refuse(v, want)
		} else {
			r.warn(v, want+", which holds without it")
		}
		return slo.Window{Duration: defaultWindow}
	}
	items := r.items(v, 1)
	if len(items) == 0 {
		return slo.Window{}
	}
	o, ok := r.asObject(items[0], []string{"duration", "isRolling", "calendar"})
	if !ok {
		return slo.Window{}
	}
	text, length := r.duration(o.get("duration"))
	window := slo.Window{Duration: length}
	rolling, ok := r.optionalFlag(o.get("isRolling"))
	calendar := o.get("calendar")
	switch {
	case !ok:
	case rolling && calendar.present():
		r.refuse(o.get("isRolling"), "must be false or left out beside a calendar")
	case calendar.present():
		window.Calendar = r.calendar(calendar, text)
	case !rolling:
		r.refuse(o.get("isRolling"), "must be true without a calendar")
	}
	return window
}

// duration reads a required duration; the text is empty if it is wrong.
func (r *reader) duration(v value) (string, time.Duration) {
	text := r.name(v)
	if text == "" {
		return "", 0
	}
	length, err := slo.ParseDuration(text)
	if err != nil {
		r.refuse(v, "%v", err)
		return "", 0
	}
	return text, length
}

// optionalFlag reads a boolean that is false when it is left out.
func (r *reader) optionalFlag(v value) (set, ok bool) {
	if !v.present() {
		return false, true
	}
	return r.flag(v)
}

// calendar reads where periods of a length begin.
func (r *reader) calendar(v value, length string) slo.Calendar {
	o, ok := r.asObject(v, []string{"startTime", "timeZone"})
	if !ok {
		return slo.Calendar{}
	}
	start, zone := o.get("startTime"), o.get("timeZone")
	c := slo.Calendar{Start: r.startTime(start), Zone: r.name(zone)}
	if length != "" {
		unit := len(length) - 1
		c.Unit = length[unit]
		c.Count, _ = strconv.Atoi(length[:unit])
	}
	if c.Zone == "" {
		return c
	}
	begin := slo.Calendar{Count: 1, Unit: 'd', Start: c.Start, Zone: c.Zone}
	if c.Start == "" {
		begin.Start = "2000-01-01 00:00" // Any: what is wrong with the zone is told all the same.
	}
	at, shown, err := begin.Begin()
	switch {
	case err != nil:
		r.refuse(zone, "%v", err)
	case c.Start == "":
	case shown == 0:
		r.warn(start, "clocks in %s never show %s, since they are put forward over it: the period begins at %s", c.Zone, c.Start, at.Format(time.RFC3339))
	case shown > 1:
		r.warn(start, "clocks in %s show %s twice, since they are put back over it: the period begins at the first, %s", c.Zone, c.Start, at.Format(time.RFC3339))
	}
	return c
}

// startTime reads the literal text of a civil time, which YAML may take for a
// timestamp, as slo.CalendarStart has it.
func (r *reader) startTime(v value) string {
	if !r.required(v) {
		return ""
	}
	const want = "must be a date and a time without a zone, as in 2026-01-31 00:00:00"
	if tag := v.node.ShortTag(); v.node.Kind != yaml.ScalarNode || tag != "!!str" && tag != "!!timestamp" {
		r.refuse(v, "%s, found %s", want, r.describe(v.node))
		return ""
	}
	text := v.node.Value
	at, err := time.Parse(time.DateTime, text)
	if err != nil && strings.Contains(text, "T") {
		if at, err = time.Parse("2006-01-02T15:04:05", text); err == nil {
			r.dialect(v, "should have a space between the date and the time, as in %s", at.Format(time.DateTime))
		}
	}
	if err != nil {
		r.refuse(v, "%s, found %q", want, excerpt(text))
		return ""
	}
	if minute := at.Truncate(time.Minute); !minute.Equal(at) {
		r.warn(v, "windows begin with a minute: read as %s", minute.Format(time.DateTime))
	}
	return at.Format(slo.CalendarStart)
}
