package exclusion_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/exclusion"
)

func TestOccurrences(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		start, rule, zone string
		from, to          string
		want              []string
	}{
		"an exclusion without a rule is once": {
			start: "2026-01-03 22:00", zone: "Europe/Berlin", from: "2026-01-01", to: "2026-02-01", want: []string{"2026-01-03T21:00:00Z"},
		},
		"every Saturday keeps its civil time when clocks are put forward": {
			start: "2026-01-03 22:00", rule: "FREQ=WEEKLY;BYDAY=SA", zone: "Europe/Berlin", from: "2026-03-20", to: "2026-04-05",
			want: []string{"2026-03-21T21:00:00Z", "2026-03-28T21:00:00Z", "2026-04-04T20:00:00Z"},
		},
		"a time that is left out begins when clocks are put forward": {
			start: "2026-03-27 02:30", rule: "FREQ=DAILY", zone: "Europe/Berlin", from: "2026-03-28", to: "2026-03-31",
			want: []string{"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		},
		"a time that clocks show twice begins at the first": {
			start: "2026-10-24 02:30", rule: "FREQ=DAILY", zone: "Europe/Berlin", from: "2026-10-24", to: "2026-10-27",
			want: []string{"2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		},
		"half an hour is put back on Lord Howe": {
			start: "2026-04-04 01:45", rule: "FREQ=DAILY;COUNT=3", zone: "Australia/Lord_Howe", from: "2026-04-03", to: "2026-04-10",
			want: []string{"2026-04-03T14:45:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"},
		},
		"every other week keeps its parity however long ago it began": {
			start: "2001-01-06 10:00", rule: "FREQ=WEEKLY;INTERVAL=2", zone: "UTC", from: "2026-01-01", to: "2026-02-01",
			want: []string{"2026-01-03T10:00:00Z", "2026-01-17T10:00:00Z", "2026-01-31T10:00:00Z"},
		},
		"the last Friday of the month": {
			start: "2026-01-30 20:00", rule: "FREQ=MONTHLY;BYDAY=-1FR", zone: "America/New_York", from: "2026-01-01", to: "2026-04-01",
			want: []string{"2026-01-31T01:00:00Z", "2026-02-28T01:00:00Z", "2026-03-28T00:00:00Z"},
		},
		"UNTIL with a Z is an instant": {
			start: "2026-01-01 22:00", rule: "FREQ=DAILY;UNTIL=20260103T210000Z", zone: "Europe/Berlin", from: "2026-01-01", to: "2026-02-01",
			want: []string{"2026-01-01T21:00:00Z", "2026-01-02T21:00:00Z", "2026-01-03T21:00:00Z"},
		},
		"UNTIL without a Z is local time": {
			start: "2026-01-01 22:00", rule: "FREQ=DAILY;UNTIL=20260102T220000", zone: "Europe/Berlin", from: "2026-01-01", to: "2026-02-01",
			want: []string{"2026-01-01T21:00:00Z", "2026-01-02T21:00:00Z"},
		},
		"UNTIL a date holds to the end of that day": {
			start: "2026-01-01 22:00", rule: "FREQ=DAILY;UNTIL=20260102", zone: "Europe/Berlin", from: "2026-01-01", to: "2026-02-01",
			want: []string{"2026-01-01T21:00:00Z", "2026-01-02T21:00:00Z"},
		},
		"one that goes on when the stretch begins is part of it": {
			start: "2025-12-31 23:30", zone: "UTC", from: "2026-01-01", to: "2026-01-02", want: []string{"2025-12-31T23:30:00Z"},
		},
		"one that has ended is not": {start: "2025-12-31 23:00", zone: "UTC", from: "2026-01-01", to: "2026-01-02"},
		"COUNT counts from the start": {
			start: "2026-01-01 10:00", rule: "FREQ=DAILY;COUNT=3", zone: "UTC", from: "2026-01-03", to: "2026-02-01", want: []string{"2026-01-03T10:00:00Z"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := slo.Exclusion{Start: test.start, RRule: test.rule, Zone: test.zone, Duration: time.Hour, As: slo.Drop, Reason: "x"}
			_, err := exclusion.Check(e)
			require.NoError(t, err)
			all, err := exclusion.Expand([]slo.Exclusion{e}, day(t, test.from), day(t, test.to))
			require.NoError(t, err)
			var got []string
			for _, one := range all {
				require.Equal(t, time.Hour, one.To.Sub(one.From))
				require.Equal(t, "x", one.Reason)
				got = append(got, one.From.UTC().Format(time.RFC3339))
			}
			require.Equal(t, test.want, got)
		})
	}
}

func day(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, text)
	require.NoError(t, err)
	return at
}

func TestFaults(t *testing.T) {
	t.Parallel()
	sound := slo.Exclusion{Start: "2026-01-03 22:00", Duration: time.Hour, Zone: "UTC", As: slo.Drop}
	tests := map[string]struct {
		change func(*slo.Exclusion)
		part   string
		says   string
	}{
		"a start that is no time":            {func(e *slo.Exclusion) { e.Start = "tomorrow" }, exclusion.PartStart, "write it as"},
		"a start long ago":                   {func(e *slo.Exclusion) { e.Start = "1970-01-01 00:00" }, exclusion.PartStart, "from 2000 to 2100"},
		"a zone that is not known":           {func(e *slo.Exclusion) { e.Zone = "Mars/Olympus" }, exclusion.PartZone, "not a time zone"},
		"the zone of the machine":            {func(e *slo.Exclusion) { e.Zone = "Local" }, exclusion.PartZone, "not a time zone"},
		"seconds":                            {func(e *slo.Exclusion) { e.Duration = 90 * time.Second }, exclusion.PartDuration, "whole minutes"},
		"no duration":                        {func(e *slo.Exclusion) { e.Duration = 0 }, exclusion.PartDuration, "whole minutes"},
		"a year":                             {func(e *slo.Exclusion) { e.Duration = 366 * 24 * time.Hour }, exclusion.PartDuration, "at most 31d"},
		"a kind that is not known":           {func(e *slo.Exclusion) { e.As = "bad" }, exclusion.PartAs, "neither drop nor good"},
		"no rule at all":                     {func(e *slo.Exclusion) { e.RRule = "weekly" }, exclusion.PartRule, "no recurrence rule"},
		"a rule without a frequency":         {func(e *slo.Exclusion) { e.RRule = "BYDAY=SA" }, exclusion.PartRule, "FREQ"},
		"every second":                       {func(e *slo.Exclusion) { e.RRule = "FREQ=SECONDLY" }, exclusion.PartRule, "FREQ must be"},
		"every minute":                       {func(e *slo.Exclusion) { e.RRule = "FREQ=MINUTELY" }, exclusion.PartRule, "FREQ must be"},
		"twice an hour for a year":           {func(e *slo.Exclusion) { e.RRule = "FREQ=HOURLY;BYMINUTE=0,30" }, exclusion.PartRule, "more than 10000 times"},
		"a rule that never holds":            {func(e *slo.Exclusion) { e.RRule = "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30" }, exclusion.PartRule, "never holds"},
		"a rule that never holds in an hour": {func(e *slo.Exclusion) { e.RRule = "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30" }, exclusion.PartRule, "never holds"},
		"a start within the rule":            {func(e *slo.Exclusion) { e.RRule = "DTSTART=20260101T000000Z;FREQ=DAILY" }, exclusion.PartRule, "without DTSTART"},
		"two lines":                          {func(e *slo.Exclusion) { e.RRule = "FREQ=DAILY\nFREQ=DAILY" }, exclusion.PartRule, "one line"},
		"a long rule":                        {func(e *slo.Exclusion) { e.RRule = "FREQ=DAILY;" + strings.Repeat("BYMONTH=1;", 60) }, exclusion.PartRule, "limit of 512"},
		"no interval":                        {func(e *slo.Exclusion) { e.RRule = "FREQ=DAILY;INTERVAL=0" }, exclusion.PartRule, "INTERVAL"},
		"a count and an end":                 {func(e *slo.Exclusion) { e.RRule = "FREQ=DAILY;COUNT=2;UNTIL=20260201" }, exclusion.PartRule, "COUNT and UNTIL"},
		"an hour that no day has":            {func(e *slo.Exclusion) { e.RRule = "FREQ=DAILY;BYHOUR=24" }, exclusion.PartRule, "no recurrence rule"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := sound
			test.change(&e)
			part, err := exclusion.Check(e)
			require.ErrorContains(t, err, test.says)
			require.Equal(t, test.part, part)
		})
	}
}

func TestARuleOfEveryHourForDecadesIsExpandedAtOnce(t *testing.T) {
	t.Parallel()
	e := slo.Exclusion{Start: "2000-01-01 00:00", Duration: time.Minute, RRule: "FREQ=HOURLY", Zone: "UTC", As: slo.CountGood}
	_, err := exclusion.Check(e)
	require.NoError(t, err)
	to := day(t, "2026-06-01")
	all, err := exclusion.Expand([]slo.Exclusion{e}, to.Add(-exclusion.MaxSpan), to)
	require.NoError(t, err)
	require.Len(t, all, 9600)
}
