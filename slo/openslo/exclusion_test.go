package openslo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// excluding is an SLO with exclusions as they are written.
func excluding(list string) string {
	text := "  annotations:\n    slowburn.dev/exclusions: |\n"
	for line := range strings.Lines(list) {
		text += "      " + line
	}
	file := strings.NewReplacer("type: Prometheus, spec: {query: up}", "type: Spans, spec: {condition: 'true'}", "  alertPolicies: [{alertPolicyRef: p}]\n", "").Replace(anSLO)
	return strings.Replace(file, "metadata: {name: a, displayName: A}\n", "metadata:\n  name: a\n"+strings.TrimRight(text, "\n")+"\n", 1)
}

func TestExclusionsAreRead(t *testing.T) {
	t.Parallel()
	s, warnings := resolved(t, excluding(`- {start: "2026-01-03 22:00", duration: 2h, rrule: "FREQ=WEEKLY;BYDAY=SA", timeZone: Europe/Berlin, as: drop, reason: "weekly database maintenance"}
- start: 2026-02-01 00:30:00
  duration: 90m
  as: good
`), openslo.Strict)
	require.Empty(t, warnings)
	require.Equal(t, []slo.Exclusion{
		{Start: "2026-01-03 22:00", Duration: 2 * time.Hour, RRule: "FREQ=WEEKLY;BYDAY=SA", Zone: "Europe/Berlin", As: slo.Drop, Reason: "weekly database maintenance"},
		{Start: "2026-02-01 00:30", Duration: 90 * time.Minute, Zone: "UTC", As: slo.CountGood},
	}, s.Exclusions)
	require.NotContains(t, s.Annotations, "slowburn.dev/exclusions", "they are known, and written anew")
}

func TestAnExclusionHasTheZoneOfTheCalendarUnlessItNamesOne(t *testing.T) {
	t.Parallel()
	file := excluding("- {start: '2026-01-03 22:00', duration: 1h, as: drop}\n- {start: '2026-01-03 22:00', duration: 1h, as: drop, timeZone: UTC}")
	_, window, _ := strings.Cut(file, "timeWindow:")
	before, _, _ := strings.Cut("timeWindow:"+window, "budgetingMethod")
	calendar := "timeWindow:\n    - duration: 1M\n      calendar: {startTime: '2026-01-01 00:00:00', timeZone: Asia/Kathmandu}\n  "
	s, _ := resolved(t, strings.Replace(file, before, calendar, 1), openslo.Strict)
	require.Equal(t, "Asia/Kathmandu", s.Exclusions[0].Zone)
	require.Equal(t, "UTC", s.Exclusions[1].Zone)
}

func TestFaultsOfExclusionsNameTheirFieldAndLine(t *testing.T) {
	t.Parallel()
	sound := "- {start: '2026-01-03 22:00', duration: 1h, as: drop}\n"
	for list, want := range map[string]struct{ field, reason string }{
		"not a list": {"", "must be a list"},
		"[":          {"", "must be a list in YAML"},
		sound + "- {start: tomorrow, duration: 1h, as: drop}":                                  {"[1].start", "is not a start"},
		sound + "- {start: '2026-01-03 22:00:30', duration: 1h, as: drop}":                     {"[1].start", "is not a start"},
		sound + "- {duration: 1h, as: drop}":                                                   {"[1].start", "is required"},
		sound + "- {start: '2026-01-03 22:00', as: drop}":                                      {"[1].duration", "is required"},
		sound + "- {start: '2026-01-03 22:00', duration: 90s, as: drop}":                       {"[1].duration", "whole minutes"},
		sound + "- {start: '2026-01-03 22:00', duration: 60d, as: drop}":                       {"[1].duration", "at most 31d"},
		sound + "- {start: '2026-01-03 22:00', duration: 1h}":                                  {"[1].as", "is required"},
		sound + "- {start: '2026-01-03 22:00', duration: 1h, as: bad}":                         {"[1].as", "unknown kind of exclusion"},
		sound + "- {start: '2026-01-03 22:00', duration: 1h, as: drop, timeZone: Mars}":        {"[1].timeZone", "not a time zone"},
		sound + "- {start: '2026-01-03 22:00', duration: 1h, as: drop, timezone: UTC}":         {"[1].timezone", "unknown field"},
		sound + "- {start: '2026-01-03 22:00', duration: 1h, as: drop, rrule: 7}":              {"[1].rrule", "must be text"},
		sound + "- {start: '2026-01-03 22:00', duration: 1h, as: drop, reason: \"a\\nb\"}":     {"[1].reason", "must be one line"},
		sound + "- {start: '2026-01-03 22:00', duration: 1h, as: drop, start: '2026-01-03 1'}": {"[1].start", "is written twice"},
	} {
		for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
			file := excluding(list)
			fault := faultsOf(t, file, mode)[0]
			require.Equal(t, "metadata.annotations.slowburn.dev/exclusions"+want.field, fault.Field, list)
			require.Contains(t, fault.Reason, want.reason)
			if want.field != "" {
				line := strings.Split(file, "\n")[fault.Line-1]
				require.Contains(t, list, strings.TrimSpace(line), "the line is that of the item")
				require.NotEqual(t, strings.TrimSpace(sound), strings.TrimSpace(line))
			}
		}
	}
}

func TestExclusionsHaveNoEffectElsewhere(t *testing.T) {
	t.Parallel()
	_, warnings := parse(t, strings.Replace(aPolicy, "{name: p}", "{name: p, annotations: {slowburn.dev/exclusions: x}}", 1), openslo.Strict)
	require.Len(t, warnings, 1)
	require.Equal(t, "has no effect on AlertPolicy: it belongs on SLO", warnings[0].Reason)
}
