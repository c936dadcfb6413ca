package webtest

import (
	"context"
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Counting serves fixtures of audits, recounts, corrections and refusals; it
// is set before it is used, but for what Recount begins.
type Counting struct {
	// Verdicts are those of every series, Found the audits, the newest first.
	Verdicts []slo.SliceVerdict
	Found    []slo.Audit
	// States are the recounts by the name of the SLO.
	States map[string]slo.RecountState
	// Befell is what Corrections returns.
	Befell slo.Corrections
	// Turned are the refused items, TurnedIn those of any range by reason.
	Turned   []slo.Refusal
	TurnedIn map[string]int64
	// Trouble is returned by whatever reads the store.
	Trouble error
}

// AuditVerdicts returns Verdicts.
func (c *Counting) AuditVerdicts(context.Context, slo.SeriesID, slo.Slice, slo.Slice) ([]slo.SliceVerdict, error) {
	return c.Verdicts, c.Trouble
}

// LatestAudits returns the first n of Found.
func (c *Counting) LatestAudits(_ context.Context, n int) ([]slo.Audit, error) {
	return c.Found[:min(n, len(c.Found))], c.Trouble
}

// Recount begins one, unless one runs.
func (c *Counting) Recount(name string) error {
	if c.Trouble != nil {
		return fmt.Errorf("recount %s: %w", name, c.Trouble)
	}
	if !c.States[name].Running {
		c.States = map[string]slo.RecountState{name: {Since: Now(), Oldest: Now().Add(-24 * time.Hour), Running: true}}
	}
	return nil
}

// RecountState finds it in States.
func (c *Counting) RecountState(name string) (slo.RecountState, bool) {
	state, found := c.States[name]
	return state, found
}

// Corrections returns Befell.
func (c *Counting) Corrections(context.Context, slo.SeriesID, slo.Slice, slo.Slice) (slo.Corrections, error) {
	return c.Befell, c.Trouble
}

// Refusals returns Turned.
func (c *Counting) Refusals(context.Context, time.Time) ([]slo.Refusal, error) {
	return c.Turned, c.Trouble
}

// RefusedBetween returns TurnedIn.
func (c *Counting) RefusedBetween(context.Context, time.Time, time.Time) (map[string]int64, error) {
	return c.TurnedIn, c.Trouble
}

// Resets begins budgets anew, and remembers how.
type Resets struct {
	Made    []slo.Reset
	Trouble error
}

// Reset implements web.Resets.
func (r *Resets) Reset(_ context.Context, name string, objectives []int, reason string) ([]slo.Reset, error) {
	if r.Trouble != nil {
		return nil, r.Trouble
	}
	for _, objective := range objectives {
		r.Made = append(r.Made, slo.Reset{SLO: name, Objective: objective, At: Now(), Reason: reason})
	}
	return r.Made, nil
}
