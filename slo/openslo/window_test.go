package openslo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

const day = 24 * time.Hour

// withWindow is the example with another window.
func withWindow(t testing.TB, window string) string {
	t.Helper()
	return strings.Replace(example(t), "{duration: 28d, isRolling: true}", window, 1)
}

func TestWindows(t *testing.T) {
	t.Parallel()
	calendar := func(length time.Duration, count int, unit byte, start, zone string) slo.Window {
		return slo.Window{Duration: length, Calendar: slo.Calendar{Count: count, Unit: unit, Start: start, Zone: zone}}
	}
	for text, want := range map[string]slo.Window{
		"{duration: 1h, isRolling: true}":                                           {Duration: time.Hour},
		"{duration: 90m, isRolling: true}":                                          {Duration: 90 * time.Minute},
		"{duration: 4w, isRolling: true}":                                           {Duration: 28 * day},
		"{duration: 1M, isRolling: true}":                                           {Duration: 30 * day},
		"{duration: 1Q, isRolling: true}":                                           {Duration: 90 * day},
		"{duration: 1Y, isRolling: true}":                                           {Duration: 365 * day},
		"{duration: 400d, isRolling: true}":                                         {Duration: 400 * day},
		"{duration: 1d, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}}": calendar(day, 1, 'd', "2026-01-01 00:00", "UTC"),
		"{duration: 2M, isRolling: false, calendar: {startTime: '2020-01-21 12:30:00', timeZone: America/New_York}}": calendar(60*day, 2, 'M', "2020-01-21 12:30", "America/New_York"),
		"{duration: 1Q, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Asia/Kathmandu}}":                       calendar(90*day, 1, 'Q', "2026-01-01 00:00", "Asia/Kathmandu"),
		"{duration: 1Y, calendar: {startTime: 2024-02-29 00:00:00, timeZone: Europe/Berlin}}":                        calendar(365*day, 1, 'Y', "2024-02-29 00:00", "Europe/Berlin"),
		"{duration: 366d, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}}":                                calendar(366*day, 366, 'd', "2026-01-01 00:00", "UTC"),
		"{duration: 8h, calendar: {startTime: 2026-01-01 06:00:00, timeZone: UTC}}":                                  calendar(8*time.Hour, 8, 'h', "2026-01-01 06:00", "UTC"),
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
				definition, warnings := resolved(t, withWindow(t, text), mode)
				require.Empty(t, warnings)
				require.Equal(t, want, definition.Window)
			}
		})
	}
}

func TestWindowsThatAreNotMeasured(t *testing.T) {
	t.Parallel()
	const limits = " is not measured here: write at least 1h and at most 400d"
	for text, want := range map[string]string{
		"{duration: 59m, isRolling: true}":                                                "59m" + limits,
		"{duration: 2Y, isRolling: true}":                                                 "730d" + limits,
		"{duration: 30m, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}}":      "30m" + limits,
		"{duration: 2000000m, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}}": "1388d21h20m" + limits,
	} {
		faults := unresolved(t, withWindow(t, text), openslo.Strict)
		require.Len(t, faults, 1)
		require.Equal(t, want, faults[0].Reason)
		require.Equal(t, "spec.timeWindow[0].duration", faults[0].Field)
		require.Equal(t, 21, faults[0].Line)
		require.True(t, faults[0].Note)
	}
}

func TestRefusedCalendars(t *testing.T) {
	t.Parallel()
	const at = "spec.timeWindow[0]"
	const want = "must be a date and a time without a zone, as in 2026-01-31 00:00:00, found "
	calendar := func(text string) change { return change{"isRolling: true", "calendar: " + text, nil} }
	for name, c := range map[string]struct {
		text string
		want fault
	}{
		"no start":                 {"{timeZone: UTC}", fault{21, at + ".calendar.startTime", "is required"}},
		"no zone":                  {"{startTime: 2026-01-01 00:00:00}", fault{21, at + ".calendar.timeZone", "is required"}},
		"an unknown zone":          {"{startTime: 2026-01-01 00:00:00, timeZone: Mars}", fault{21, at + ".calendar.timeZone", `"Mars" is not a time zone: write a name of the IANA database such as Europe/Berlin, or UTC`}},
		"an offset for a zone":     {"{startTime: 2026-01-01 00:00:00, timeZone: '+01:00'}", fault{21, at + ".calendar.timeZone", `"+01:00" is not a time zone: write a name of the IANA database such as Europe/Berlin, or UTC`}},
		"a path for a zone":        {"{startTime: 2026-01-01 00:00:00, timeZone: ../../etc/passwd}", fault{21, at + ".calendar.timeZone", `"../../etc/passwd" is not a time zone: write a name of the IANA database such as Europe/Berlin, or UTC`}},
		"a start that is a number": {"{startTime: 20260101, timeZone: UTC}", fault{21, at + ".calendar.startTime", want + "the number 20260101"}},
		"a start that is a list":   {"{startTime: [2026], timeZone: UTC}", fault{21, at + ".calendar.startTime", want + "a list"}},
		"a start that is no date":  {"{startTime: 2026-02-30 00:00:00, timeZone: UTC}", fault{21, at + ".calendar.startTime", want + `"2026-02-30 00:00:00"`}},
		"a start with an offset":   {"{startTime: 2026-01-01 00:00:00 +01:00, timeZone: UTC}", fault{21, at + ".calendar.startTime", want + `"2026-01-01 00:00:00 +01:00"`}},
		"a calendar of text":       {"monthly", fault{21, at + ".calendar", `must be a map, found the text "monthly"`}},
		"a calendar that rolls":    {"{startTime: 2026-01-01 00:00:00, timeZone: UTC}, isRolling: true", fault{21, at + ".isRolling", "must be false or left out beside a calendar"}},
	} {
		edit := calendar(c.text)
		edit.want = []fault{c.want}
		refuse(t, map[string]change{name: edit})
	}
	edit := calendar("{startTime: 2026-13-45, timeZone: Mars}")
	edit.want = []fault{
		{21, at + ".calendar.startTime", want + `"2026-13-45"`},
		{21, at + ".calendar.timeZone", `"Mars" is not a time zone: write a name of the IANA database such as Europe/Berlin, or UTC`},
	}
	refuse(t, map[string]change{"a start that is no date, and an unknown zone": edit})
}

func TestStartsWhereClocksChange(t *testing.T) {
	t.Parallel()
	for start, want := range map[string]struct{ reason, begins string }{
		"2026-03-29 02:30:00": {"clocks in Europe/Berlin never show 2026-03-29 02:30, since they are put forward over it: the period begins at 2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
		"2026-10-25 02:30:00": {"clocks in Europe/Berlin show 2026-10-25 02:30 twice, since they are put back over it: the period begins at the first, 2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z"},
		"2026-01-01 00:00:59": {"windows begin with a minute: read as 2026-01-01 00:00:00", "2025-12-31T23:00:00Z"},
	} {
		definition, warnings := resolved(t, withWindow(t, "{duration: 1M, calendar: {startTime: "+start+", timeZone: Europe/Berlin}}"), openslo.Strict)
		require.Len(t, warnings, 1)
		require.Equal(t, want.reason, warnings[0].Reason)
		require.Equal(t, "spec.timeWindow[0].calendar.startTime", warnings[0].Field)
		begins, err := time.Parse(time.RFC3339, want.begins)
		require.NoError(t, err)
		period, err := definition.Window.Period(begins)
		require.NoError(t, err)
		require.Equal(t, begins, period.From)
	}
}

func TestTimeSlices(t *testing.T) {
	t.Parallel()
	with := func(window, slices string) string {
		file := strings.Replace(withWindow(t, window), "Occurrences", "Timeslices", 1)
		return strings.Replace(file, "{target: 0.999}", "{target: 0.999, timeSliceTarget: 0.95, timeSliceWindow: "+slices+"}", 1)
	}
	const rolling = "{duration: 28d, isRolling: true}"
	for text, want := range map[string]time.Duration{"1m": time.Minute, "90m": 90 * time.Minute, "1d": day, "24h": day} {
		definition, warnings := resolved(t, with(rolling, text), openslo.Strict)
		require.Empty(t, warnings)
		require.Equal(t, slo.Timeslices, definition.Method)
		require.Equal(t, want, definition.Objectives[0].SliceWindow)
		require.Equal(t, sliceTarget(t, "0.95"), definition.Objectives[0].SliceTarget)
	}
	definition, warnings := resolved(t, with(rolling, "5"), openslo.Lenient)
	require.Empty(t, warnings)
	require.Equal(t, 5*time.Minute, definition.Objectives[0].SliceWindow)
	for text, want := range map[string]string{
		"2d": "2d is not measured here: write at least 1m and at most 1d",
		"1w": "7d is not measured here: write at least 1m and at most 1d",
	} {
		faults := unresolved(t, with(rolling, text), openslo.Strict)
		require.Equal(t, want, faults[0].Reason)
		require.True(t, faults[0].Note)
	}
	faults := unresolved(t, with("{duration: 2h, isRolling: true}", "61m"), openslo.Strict)
	require.Equal(t, "1h1m is not measured here: write at most half of the window of 2h", faults[0].Reason)
	require.Equal(t, "spec.objectives[0].timeSliceWindow", faults[0].Field)
	for _, text := range []string{"0", "1.5", "-1", "1e2", "99999999999"} {
		_, _, err := openslo.Parse("f.yaml", []byte(with(rolling, text)), openslo.Lenient)
		require.ErrorContains(t, err, "must be a whole number of minutes, as in 5, found the number "+text)
	}
	for _, text := range []string{"10s", "x", "[5m]", "true"} {
		_, _, err := openslo.Parse("f.yaml", []byte(with(rolling, text)), openslo.Lenient)
		require.Error(t, err)
	}
}
