// Package webtest has fixtures for tests of the read side: objectives in every
// state, judged by the real rules of package slo, and a source that serves them.
package webtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Now is the instant at which every fixture is judged.
func Now() time.Time { return time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC) }

// Scenario says what one objective saw.
type Scenario struct {
	Name, Title, Service string
	// Target is a decimal, "0.999".
	Target string
	// Events is how many events there were in every slice of ten seconds.
	Events int64
	// Bad and Unknown say how many of them, by the age of the slice; a negative
	// number of bad ones stands for no events at all.
	Bad, Unknown func(age time.Duration) int64
	// Since is how long there have been events; the whole window if zero.
	Since time.Duration
	// Quiet is how long ago the last event was, beyond the usual seconds.
	Quiet time.Duration
	// Gaps are stretches in which nothing was accepted.
	Gaps []slo.Interval
	// Origin is the file of the definition, empty for the API.
	Origin string
}

const window = 28 * 24 * time.Hour

// Healthy answers nearly everything: 1 bad event in 50 000.
func Healthy() slo.Status { return healthy().Status() }

func healthy() Scenario {
	return Scenario{
		Name: "checkout-fast", Title: "Checkout answers within 300 ms", Service: "checkout", Target: "0.999", Events: 100,
		Bad: every(500), Origin: "slos/checkout.yaml",
	}
}

// Burning fails 12 % of the requests since twenty minutes ago.
func Burning() slo.Status { return burning().Status() }

func burning() Scenario {
	return Scenario{
		Name: "payment-works", Title: "Payments succeed", Service: "payment", Target: "0.999", Events: 100,
		Bad: since(20*time.Minute, 12),
	}
}

// Exhausted failed for half a day, last week, and could not judge some events.
func Exhausted() slo.Status { return exhausted().Status() }

func exhausted() Scenario {
	return Scenario{
		Name: "search-works", Title: "Search finds an answer", Service: "search", Target: "0.9995", Events: 80,
		Bad: func(age time.Duration) int64 {
			if age > 5*24*time.Hour && age < 5*24*time.Hour+12*time.Hour {
				return 10
			}
			return 0
		},
		Unknown: every(1000),
	}
}

// Unmeasured never saw an event.
func Unmeasured() slo.Status { return unmeasured().Status() }

func unmeasured() Scenario {
	return Scenario{Name: "invoice-works", Title: "Invoices are sent", Service: "billing", Target: "0.99"}
}

// Silent had its last event eleven minutes ago.
func Silent() slo.Status { return silent().Status() }

func silent() Scenario {
	return Scenario{
		Name: "mail-works", Title: "Mails are sent", Service: "mail", Target: "0.999", Events: 50, Bad: every(500), Quiet: 11 * time.Minute,
	}
}

// Hostile has names that try to become markup.
func Hostile() slo.Status { return hostile().Status() }

func hostile() Scenario {
	return Scenario{
		Name: `"'><img src=x onerror=alert(1)>`, Title: `<script>alert(1)</script>`,
		Service: "javascript:alert(1)//{{.}}</title>", Target: "0.9", Events: 1, Bad: every(30),
	}
}

// Long has names without end.
func Long() slo.Status { return long().Status() }

func long() Scenario {
	return Scenario{
		Name: strings.Repeat("a-very-long-name-", 14) + "end", Title: strings.Repeat("Unbroken", 30),
		Service: strings.Repeat("namespace.", 20) + "service", Target: "0.999999999", Events: 1_000_000, Bad: every(7),
	}
}

// Gappy was not measured for two days, a week ago, and for three hours today.
func Gappy() slo.Status { return gappy().Status() }

func gappy() Scenario {
	off := []slo.Interval{
		{From: Now().Add(-9 * 24 * time.Hour), To: Now().Add(-7 * 24 * time.Hour)}, {From: Now().Add(-5 * time.Hour), To: Now().Add(-2 * time.Hour)},
	}
	return Scenario{
		Name: "stock-fresh", Title: "Stock levels are fresh", Service: "inventory", Target: "0.99", Events: 20, Gaps: off,
		Bad: func(age time.Duration) int64 {
			for _, gap := range off {
				if at := Now().Add(-age); !at.Before(gap.From) && at.Before(gap.To) {
					return -1
				}
			}
			return every(40)(age)
		},
	}
}

// Tiers has a target so low that tiers can never fire, and two objectives.
func Tiers() slo.Status {
	s := tiers()
	status := s.Status()
	second := s
	second.Target = "0.95"
	other := second.Status().Objectives[0]
	other.Index, other.DisplayName = 1, "strict"
	status.Objectives[0].DisplayName = "relaxed"
	status.Definition.SLO.Objectives = append(status.Definition.SLO.Objectives, slo.Objective{DisplayName: "strict", Target: other.Target})
	status.Objectives = append(status.Objectives, other)
	status.State = slo.Gravest(status.Objectives)
	return status
}

func tiers() Scenario {
	return Scenario{Name: "batch-done", Title: "Batches are done", Service: "batch", Target: "0.8", Events: 5, Bad: every(9)}
}

// All has one of each.
func All() []slo.Status {
	return []slo.Status{Healthy(), Burning(), Exhausted(), Unmeasured(), Hostile(), Long(), Tiers()}
}

// manyKinds are the scenarios that Many repeats.
func manyKinds() []Scenario {
	return []Scenario{healthy(), healthy(), healthy(), burning(), exhausted(), unmeasured()}
}

// Many has n SLOs, sorted by name.
func Many(n int) []slo.Status {
	var kinds []slo.Status
	for _, kind := range manyKinds() {
		kinds = append(kinds, kind.Status())
	}
	many := make([]slo.Status, n)
	for i := range many {
		many[i] = kinds[i%len(kinds)]
		many[i].Definition.SLO.Name = fmt.Sprintf("objective-%05d", i)
		many[i].Definition.SLO.DisplayName = fmt.Sprintf("Objective %d", i)
	}
	return many
}

func every(n int64) func(time.Duration) int64 {
	return func(age time.Duration) int64 {
		if int64(age/slo.SliceLength)%n == n-1 {
			return 1
		}
		return 0
	}
}

func since(begin time.Duration, bad int64) func(time.Duration) int64 {
	return func(age time.Duration) int64 {
		if age <= begin {
			return bad
		}
		return 0
	}
}
