package slo

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Window is the window of an SLO: a rolling one, which ends now, or the current
// period of a calendar.
type Window struct {
	// Duration is its length; months, quarters and years count 30, 90 and 365
	// days. Of a calendar window it is nominal: factors of alerts are computed
	// from it, counts from the real period.
	Duration time.Duration
	// Calendar is zero for a rolling window.
	Calendar Calendar
}

// Rolling reports whether the window ends now.
func (w Window) Rolling() bool { return w.Calendar == Calendar{} }

// MaxWindow bounds the length of a window.
const MaxWindow = 400 * 24 * time.Hour

// MinWindow is the shortest window: below it the look-backs of the default
// policy would be shorter than a slice of the ledger.
const MinWindow = time.Hour

// String is the length of the window as OpenSLO writes it: "28d", "1M".
func (w Window) String() string {
	if w.Rolling() {
		return FormatDuration(w.Duration)
	}
	return fmt.Sprintf("%d%c", w.Calendar.Count, w.Calendar.Unit)
}

// Text says what the window is: "28d", or "1M from 2026-01-01 00:00 in Europe/Berlin".
func (w Window) Text() string {
	if w.Rolling() {
		return w.String()
	}
	return fmt.Sprintf("%s from %s in %s", w, w.Calendar.Start, w.Calendar.Zone)
}

// ParseDuration reads an OpenSLO duration shorthand, one positive integer and
// one of m, h, d, w, M (30 days), Q (90 days), Y (365 days): "28d" is 672 hours.
func ParseDuration(text string) (time.Duration, error) {
	units := map[byte]time.Duration{
		'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
		'M': 30 * 24 * time.Hour, 'Q': 90 * 24 * time.Hour, 'Y': 365 * 24 * time.Hour,
	}
	refuse := func() (time.Duration, error) {
		return 0, fmt.Errorf("%q is not a duration: write a positive whole number and one of m, h, d, w, M, Q, Y, as in 28d", text)
	}
	if len(text) < 2 || text[0] < '1' || text[0] > '9' {
		return refuse()
	}
	unit, known := units[text[len(text)-1]]
	n, err := strconv.ParseInt(text[:len(text)-1], 10, 64)
	if !known || err != nil {
		return refuse()
	}
	if n > int64((1<<63-1)/unit) {
		return 0, fmt.Errorf("%q is longer than this program can count", text)
	}
	return time.Duration(n) * unit, nil
}

// FormatDuration writes a duration in the fewest whole units, days only from
// two days on: "10s", "5m", "24h", "3d", "34m17s".
func FormatDuration(d time.Duration) string {
	if d < 0 {
		return "-" + FormatDuration(-d)
	}
	const day = 24 * time.Hour
	if d >= 2*day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	d = d.Round(time.Second)
	var b strings.Builder
	if d >= 2*day {
		fmt.Fprintf(&b, "%dd", d/day)
		d %= day
	}
	for _, u := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.length; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d %= u.length
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}
