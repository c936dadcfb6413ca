package slo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestAPeriodIsThatOfTheCalendar(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		count          int
		unit           byte
		start, zone    string
		at, from, till string
	}{
		{"a month", 1, 'M', "2026-01-01 00:00", "UTC", "2026-02-14T10:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
		{"an edge belongs to the later period", 1, 'M', "2026-01-01 00:00", "UTC", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
		{"before the start", 1, 'M', "2026-01-01 00:00", "UTC", "2025-12-31T23:59:59Z", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"},
		{"the end of January", 1, 'M', "2026-01-31 00:00", "UTC", "2026-02-27T23:59:59Z", "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"},
		{"after the end of February", 1, 'M', "2026-01-31 00:00", "UTC", "2026-03-15T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"},
		{"a leap year", 1, 'M', "2024-01-31 00:00", "UTC", "2024-03-01T00:00:00Z", "2024-02-29T00:00:00Z", "2024-03-31T00:00:00Z"},
		{"a month of thirty days", 1, 'M', "2026-01-31 00:00", "UTC", "2026-05-01T00:00:00Z", "2026-04-30T00:00:00Z", "2026-05-31T00:00:00Z"},
		{"two months", 2, 'M', "2026-01-01 00:00", "UTC", "2026-04-30T00:00:00Z", "2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z"},
		{"a quarter", 1, 'Q', "2026-01-01 00:00", "UTC", "2026-06-30T23:59:59Z", "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z"},
		{"a year from February 29", 1, 'Y', "2024-02-29 00:00", "UTC", "2026-01-01T00:00:00Z", "2025-02-28T00:00:00Z", "2026-02-28T00:00:00Z"},
		{"a day of 23 hours", 1, 'd', "2026-01-01 00:00", "Europe/Berlin", "2026-03-29T10:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"a day of 25 hours", 1, 'd', "2026-01-01 00:00", "Europe/Berlin", "2026-10-25T10:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		{"a week in New York", 1, 'w', "2026-01-05 09:00", "America/New_York", "2026-03-10T00:00:00Z", "2026-03-09T13:00:00Z", "2026-03-16T13:00:00Z"},
		{"a start that is left out", 1, 'd', "2026-01-01 02:30", "Europe/Berlin", "2026-03-29T10:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		{"a start that comes twice", 1, 'd', "2026-01-01 02:30", "Europe/Berlin", "2026-10-25T10:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"a zone of three quarters of an hour", 1, 'M', "2026-01-01 00:00", "Asia/Kathmandu", "2026-02-10T00:00:00Z", "2026-01-31T18:15:00Z", "2026-02-28T18:15:00Z"},
		{"a day that the zone left out", 1, 'd', "2011-12-30 12:00", "Pacific/Apia", "2011-12-30T10:30:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"},
		{"six hours pass as they do", 6, 'h', "2026-03-28 00:00", "Europe/Berlin", "2026-03-29T03:30:00Z", "2026-03-28T23:00:00Z", "2026-03-29T05:00:00Z"},
		{"far in the future", 1, 'M', "2026-01-01 00:00", "UTC", "2126-12-31T00:00:00Z", "2126-12-01T00:00:00Z", "2127-01-01T00:00:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := slo.Window{Calendar: slo.Calendar{Count: test.count, Unit: test.unit, Start: test.start, Zone: test.zone}}
			got, err := w.Period(instant(t, test.at))
			require.NoError(t, err)
			require.Equal(t, test.from, got.From.Format(time.RFC3339), "from")
			require.Equal(t, test.till, got.To.Format(time.RFC3339), "to")
		})
	}
}

func TestPeriodsFollowOnEachOther(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "America/Sao_Paulo"} {
		for _, unit := range []byte("hdwMQY") {
			for _, start := range []string{"2026-01-31 02:30", "2024-02-29 00:00", "2030-10-27 01:59"} {
				w := slo.Window{Calendar: slo.Calendar{Count: 1, Unit: unit, Start: start, Zone: zone}}
				at := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
				period, err := w.Period(at)
				require.NoError(t, err)
				for range 60 {
					require.False(t, at.Before(period.From))
					require.True(t, at.Before(period.To))
					next, err := w.Period(period.To)
					require.NoError(t, err)
					require.Equal(t, period.To, next.From, "%s %c %s", zone, unit, start)
					last, err := w.Period(next.From.Add(-time.Nanosecond))
					require.NoError(t, err)
					require.Equal(t, period, last)
					at, period = next.From, next
				}
			}
		}
	}
}

func TestACalendarThatDoesNotExistIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]slo.Calendar{
		"an unknown zone":         {Count: 1, Unit: 'M', Start: "2026-01-01 00:00", Zone: "Mars/Olympus"},
		"the zone of the machine": {Count: 1, Unit: 'M', Start: "2026-01-01 00:00", Zone: "Local"},
		"a path":                  {Count: 1, Unit: 'M', Start: "2026-01-01 00:00", Zone: "../../etc/passwd"},
		"no zone":                 {Count: 1, Unit: 'M', Start: "2026-01-01 00:00"},
		"a date that is none":     {Count: 1, Unit: 'M', Start: "2026-02-30 00:00", Zone: "UTC"},
		"an unknown unit":         {Count: 1, Unit: 'x', Start: "2026-01-01 00:00", Zone: "UTC"},
		"no length":               {Unit: 'M', Start: "2026-01-01 00:00", Zone: "UTC"},
	} {
		require.Error(t, c.Check(), name)
		_, err := slo.Window{Calendar: c}.Period(time.Unix(0, 0))
		require.Error(t, err, name)
	}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}
