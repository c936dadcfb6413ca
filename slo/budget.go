package slo

import (
	"math/big"
	"time"
)

// Unit is what counts are counts of.
type Unit string

// The units. They are shown in the API: their names stay.
const (
	// UnitEvent: whole events.
	UnitEvent Unit = "event"
	// UnitSlice: whole time slices.
	UnitSlice Unit = "slice"
	// UnitRawEvent: RawUnit of them make one event of a raw indicator.
	UnitRawEvent Unit = "1e-9 event"
	// UnitRatioSlice: RawUnit of them make one time slice.
	UnitRatioSlice Unit = "1e-9 slice"
	// UnitBudget: RawUnit of them make the whole budget of a composite by
	// Occurrences, whose members count each their own events.
	UnitBudget Unit = "1e-9 budget"
)

// Scale is how many of the unit make one event or slice.
func (u Unit) Scale() int64 {
	if u == UnitRawEvent || u == UnitRatioSlice {
		return RawUnit
	}
	return 1
}

// Whole are counts of the unit in whole events or slices, rounded down.
func (u Unit) Whole(c Counts) Counts { return c.in(u.Scale()) }

func unitOf(method BudgetingMethod, raw bool) Unit {
	switch {
	case method == Timeslices:
		return UnitSlice
	case method == RatioTimeslices:
		return UnitRatioSlice
	case raw:
		return UnitRawEvent
	default:
		return UnitEvent
	}
}

// Budget is the error budget of one objective over its window.
type Budget struct {
	// Total is how many may be bad, in Unit: (1 - target) * events; 0.999 of
	// 12 345 events leaves 12.345. Spent is how many were.
	Total float64
	Spent int64
	Unit  Unit
	// SpentRatio is spent/total, RemainingRatio 1 - spent/total, signed and not
	// clamped: -1.5 means that two and a half budgets are spent. Meaningless
	// without events.
	SpentRatio, RemainingRatio float64
	// Time is the budget as time: (1 - target) * window. 99.9 % of 30 days are
	// 43.2 minutes. TimeSpent is the same share of it as of the budget, also of
	// time slices: bad ones weigh more where there are few with events.
	Time, TimeSpent time.Duration
	// Exhausted reports, by exact arithmetic, that nothing remains.
	Exhausted bool
}

// BudgetOf computes the budget that a target leaves: 0.999 over 10 000 events
// of which 4 are bad has total 10, spent 4, remaining ratio 0.6.
func BudgetOf(target Target, c Counts) Budget {
	n, d := target.budget()
	b := Budget{Total: float64(c.Total()) * float64(n) / float64(d), Spent: c.Bad, Unit: UnitEvent}
	if b.Total > 0 {
		b.SpentRatio = float64(c.Bad) / b.Total
		b.RemainingRatio = 1 - b.SpentRatio
	}
	b.Exhausted = c.Bad > 0 && fraction{num: n, den: d}.reachedBy(c.Bad, c.Total())
	return b
}

// budgetOf is the budget of the window.
func (p *Plan) budgetOf(m measure, period Interval) Budget {
	b := BudgetOf(p.objective.target, m.counts)
	b.Unit = p.unit
	n, d := p.objective.target.budget()
	if p.weighted() {
		spent := p.spent(m, m)
		b = Budget{Total: RawUnit, Unit: UnitBudget, Exhausted: spent.Cmp(big.NewRat(1, 1)) >= 0}
		b.SpentRatio, _ = spent.Float64()
		b.RemainingRatio = 1 - b.SpentRatio
		b.Spent = int64(min(b.SpentRatio*RawUnit, 1<<62))
	}
	whole := float64(period.To.Sub(period.From)) * float64(n) / float64(d)
	b.Time = time.Duration(whole)
	b.TimeSpent = time.Duration(min(b.SpentRatio*whole, float64(1<<62)))
	return b
}
