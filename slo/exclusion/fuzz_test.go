package exclusion_test

import (
	"testing"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/exclusion"
)

// FuzzCheck: no rule makes a panic, and what Check lets pass can be expanded.
func FuzzCheck(f *testing.F) {
	for _, rule := range []string{
		"", "FREQ=WEEKLY;BYDAY=SA", "FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=1", "FREQ=YEARLY;BYWEEKNO=53;COUNT=4", "FREQ=HOURLY;BYHOUR=1,2",
		"FREQ=YEARLY;BYYEARDAY=-366", "FREQ=DAILY;UNTIL=20261231T000000Z", "FREQ=MONTHLY;BYMONTHDAY=-31", "FREQ=WEEKLY;WKST=SU;INTERVAL=2",
	} {
		f.Add(rule, "2026-01-03 22:00")
	}
	from := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, rule, start string) {
		e := slo.Exclusion{Start: start, RRule: rule, Duration: time.Hour, Zone: "Europe/Berlin", As: slo.Drop}
		if _, err := exclusion.Check(e); err != nil {
			return
		}
		if _, err := exclusion.Expand([]slo.Exclusion{e}, from, from.Add(420*24*time.Hour)); err != nil {
			t.Fatalf("%q from %q: %v", rule, start, err)
		}
	})
}
