package view

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxStretches is how many excluded stretches the page lists, the newest.
const maxStretches = 5

// Excluded is what is excluded from a window, with both budgets.
type Excluded struct {
	// What is what happened within exclusions, With and Without the budget with
	// exclusions and without.
	What, With, Without string
	Stretches           []Stretch
	// More says how many stretches are not listed; empty if all are.
	More string
}

// Stretch is one excluded stretch.
type Stretch struct {
	Kind     string
	From, To Moment
	Reason   string
}

// newExcluded is nil unless something is excluded from the window.
func newExcluded(o slo.ObjectiveStatus, now time.Time) *Excluded {
	if o.Without == nil {
		return nil
	}
	bare := o
	bare.Counts, bare.Budget = o.Without.Counts, o.Without.Budget
	e := Excluded{
		What:    inUnits(o, o.ExcludedCounts.Bad) + " bad of " + inUnits(o, o.ExcludedCounts.Total()),
		With:    "with exclusions " + budgetInWords(o),
		Without: "without them " + budgetInWords(bare),
	}
	for i := len(o.Excluded) - 1; i >= 0 && len(e.Stretches) < maxStretches; i-- {
		one := o.Excluded[i]
		kind := "Left out"
		if one.As == slo.CountGood {
			kind = "Counts as good"
		}
		e.Stretches = append(e.Stretches, Stretch{Kind: kind, From: NewMoment(one.From, now), To: NewMoment(one.To, now), Reason: one.Reason})
	}
	if more := len(o.Excluded) - len(e.Stretches); more > 0 {
		e.More = plural(int64(more), "exclusion") + " more in this window"
	}
	return &e
}

// budgetInWords is "40% of the budget is left, 6 of 10 bad events spent".
func budgetInWords(o slo.ObjectiveStatus) string {
	if o.Counts.Total() == 0 {
		return "nothing counts"
	}
	return SignedPercent(o.Budget.RemainingRatio) + " of the budget is left, " + spending(o)
}

// Reset is when and why a budget was begun anew.
type Reset struct {
	At     Moment
	Reason string
}

// newReset is nil unless the window begins with a reset.
func newReset(resets []slo.Reset, o slo.ObjectiveStatus, now time.Time) *Reset {
	if o.ResetAt.IsZero() {
		return nil
	}
	r := Reset{At: NewMoment(o.ResetAt, now)}
	for _, one := range resets {
		if one.Objective == o.Index && one.At.Equal(o.ResetAt) {
			r.Reason = one.Reason
		}
	}
	return &r
}
