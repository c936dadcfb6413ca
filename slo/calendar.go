package slo

import (
	"fmt"
	"time"
	_ "time/tzdata" // Zones are known on every machine.
)

// Calendar divides time into periods, one after the other, from Start on and
// before it: "1M" from 2026-01-01 00:00 are the months. Days, weeks, months,
// quarters and years are those of the calendar in Zone: a day may have 23 or 25
// hours, and the month after January 31 begins on the last day of February
// (each period is reckoned from Start, so that the one after begins on March 31).
type Calendar struct {
	// Count and Unit are the length of a period: 2 and "M" are two months.
	Count int
	// Unit is one of m, h, d, w, M, Q, Y.
	Unit byte
	// Start is when one of the periods begins in local time, "2006-01-02 15:04".
	// Where clocks are put forward over it the period begins at that instant;
	// where they are put back, at the first of the two.
	Start string
	// Zone is a name of the IANA time zone database.
	Zone string
}

// CalendarStart is the layout of Calendar.Start: edges are whole minutes.
const CalendarStart = "2006-01-02 15:04"

// calendar is a Calendar with its zone and its beginning looked up.
type calendar struct {
	Calendar
	start    time.Time // the civil time, as if it were UTC
	location *time.Location
}

// compile looks up the zone and reads the beginning. It refuses zones that are
// not known, and what is no date.
func (c Calendar) compile() (calendar, error) {
	location, err := loadZone(c.Zone)
	if err != nil {
		return calendar{}, err
	}
	start, err := time.Parse(CalendarStart, c.Start)
	if err != nil {
		return calendar{}, fmt.Errorf("%q is not a start: write it as 2026-01-31 00:00", c.Start)
	}
	if c.Count < 1 || c.Count > maxPeriod {
		return calendar{}, fmt.Errorf("a period of %d%c must be at least 1 and at most %d%c", c.Count, c.Unit, maxPeriod, c.Unit)
	}
	switch c.Unit {
	case 'm', 'h', 'd', 'w', 'M', 'Q', 'Y':
	default:
		return calendar{}, fmt.Errorf("%q is no unit of a period: write one of m, h, d, w, M, Q, Y", string(c.Unit))
	}
	return calendar{Calendar: c, start: start, location: location}, nil
}

// maxPeriod bounds the number of units of one period.
const maxPeriod = 1_000_000

// Check refuses a calendar that does not exist: an unknown zone, a start that
// is no date.
func (c Calendar) Check() error {
	_, err := c.compile()
	return err
}

// loadZone knows the zones of the IANA database, and UTC, but not the zone of
// the machine, which is another one elsewhere.
func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is not a time zone: write a name of the IANA database such as Europe/Berlin, or UTC", name)
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time zone: write a name of the IANA database such as Europe/Berlin, or UTC", name)
	}
	return location, nil
}

// Period is the period that an instant lies in, [From, To). Without a
// calendar it is that of the last Duration. It refuses what Check refuses.
func (w Window) Period(at time.Time) (Interval, error) {
	if w.Rolling() {
		return Interval{From: at.Add(-w.Duration), To: at}, nil
	}
	c, err := w.Calendar.compile()
	if err != nil {
		return Interval{}, err
	}
	return c.period(at), nil
}

// period is the one that the instant lies in.
func (c calendar) period(at time.Time) Interval {
	n := c.guess(at)
	for c.edge(n).After(at) {
		n--
	}
	for !c.edge(n + 1).After(at) {
		n++
	}
	return Interval{From: c.edge(n), To: c.edge(n + 1)}
}

// guess is the number of a period near the instant: that of the mean length of
// its unit.
func (c calendar) guess(at time.Time) int64 {
	seconds := at.Unix() - c.edge(0).Unix()
	return floorDiv(seconds, int64(c.Count)*c.meanSeconds())
}

// meanSeconds is the mean length of the unit.
func (c calendar) meanSeconds() int64 {
	const day = 86_400
	switch c.Unit {
	case 'm':
		return 60
	case 'h':
		return 3_600
	case 'd':
		return day
	case 'w':
		return 7 * day
	case 'M':
		return 146_097 * day / 4_800
	case 'Q':
		return 146_097 * day / 1_600
	default:
		return 146_097 * day / 400
	}
}

// edge is where period n begins, counted from Start. Minutes and hours are
// counted as they pass, everything else on the calendar.
func (c calendar) edge(n int64) time.Time {
	n *= int64(c.Count)
	y, m, d := c.start.Date()
	switch c.Unit {
	case 'm':
		return c.instant(c.start).Add(time.Duration(n) * time.Minute)
	case 'h':
		return c.instant(c.start).Add(time.Duration(n) * time.Hour)
	case 'd':
		return c.instant(c.start.AddDate(0, 0, int(n)))
	case 'w':
		return c.instant(c.start.AddDate(0, 0, int(7*n)))
	case 'Q':
		n *= 3
	case 'Y':
		n *= 12
	}
	months := int64(y)*12 + int64(m) - 1 + n
	y, m = int(floorDiv(months, 12)), time.Month(months-floorDiv(months, 12)*12)+1
	last := time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return c.instant(time.Date(y, m, min(d, last), c.start.Hour(), c.start.Minute(), 0, 0, time.UTC))
}

// instant is when clocks in the zone show a civil time: the first time if they
// do so twice, and where it is left out the moment at which they are put forward.
func (c calendar) instant(civil time.Time) time.Time {
	// A zone changes at most once within a day of the instant: its offsets before
	// and after bound it.
	_, before := civil.Add(-24 * time.Hour).In(c.location).Zone()
	_, after := civil.Add(24 * time.Hour).In(c.location).Zone()
	early := civil.Add(-time.Duration(max(before, after)) * time.Second)
	late := civil.Add(-time.Duration(min(before, after)) * time.Second)
	if c.shows(early, civil) {
		return early.UTC()
	}
	if c.shows(late, civil) {
		return late.UTC()
	}
	// Left out. The change lies between early and late; clocks show less than
	// civil before it, and more from it on.
	for late.Sub(early) > time.Second {
		middle := early.Add(late.Sub(early) / 2).Truncate(time.Second)
		if c.civil(middle).After(civil) {
			late = middle
		} else {
			early = middle
		}
	}
	return late.UTC()
}

func (c calendar) shows(at, civil time.Time) bool { return c.civil(at).Equal(civil) }

// civil is what clocks in the zone show, as if it were UTC.
func (c calendar) civil(at time.Time) time.Time {
	_, offset := at.In(c.location).Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
