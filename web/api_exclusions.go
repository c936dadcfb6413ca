package web

import "github.com/slowburn-slo/slowburn/slo"

// maxExcluded is how many stretches of a window the API lists, the newest.
const maxExcluded = 100

// withoutJSON is what a window would be had nothing been excluded from it.
type withoutJSON struct {
	Counts countsJSON `json:"counts"`
	SLI    *float64   `json:"sli"`
	Budget budgetJSON `json:"budget"`
}

// excludedJSON is one stretch that is excluded.
type excludedJSON struct {
	From   instant           `json:"from"`
	To     instant           `json:"to"`
	As     slo.ExclusionKind `json:"as"`
	Reason string            `json:"reason"`
}

func newWithout(o slo.ObjectiveStatus) *withoutJSON {
	if o.Without == nil {
		return nil
	}
	c := o.Without.Counts
	out := &withoutJSON{Counts: newCounts(c), Budget: newBudget(o.Without.Budget, c.Total())}
	if n := c.Total(); n > 0 {
		share := float64(c.Good) / float64(n)
		out.SLI = &share
	}
	return out
}

func newExcluded(excluded []slo.Excluded) []excludedJSON {
	excluded = excluded[max(0, len(excluded)-maxExcluded):]
	out := make([]excludedJSON, len(excluded))
	for i, e := range excluded {
		out[i] = excludedJSON{From: instant(e.From), To: instant(e.To), As: e.As, Reason: e.Reason}
	}
	return out
}

// newBudget leaves out what cannot be said without events.
func newBudget(b slo.Budget, events int64) budgetJSON {
	return budgetJSON{
		Total: b.Total, Spent: b.Spent, SpentRatio: unlessEmpty(b.SpentRatio, events),
		RemainingRatio: unlessEmpty(b.RemainingRatio, events), Seconds: b.Time.Seconds(),
		SpentSeconds:     unlessEmpty(b.TimeSpent.Seconds(), events),
		RemainingSeconds: unlessEmpty((b.Time - b.TimeSpent).Seconds(), events), Unit: b.Unit,
	}
}
