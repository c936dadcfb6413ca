package slo

import "time"

// Timeline is what one objective saw over a stretch of event time, step by
// step: what the charts of the read side draw.
type Timeline struct {
	// From and To bound the stretch, [From, To); both lie on the grid of Step,
	// but for To, which is at most the end of the objective's window.
	From, To time.Time
	// Step is the length of a point.
	Step   time.Duration
	Points []Point
	// Tiers are the tiers that Point.Burns is in the order of.
	Tiers []Tier
	// Unmeasured are the stretches within [From, To) in which nobody knows
	// what happened, in their order. Late events may lie in them all the same.
	Unmeasured []Interval
}

// Point is one step of a Timeline, [Start, Start+Step).
type Point struct {
	Start  time.Time
	Counts Counts
	// BudgetLeft is the share of the window's budget that was left at the end
	// of the step: 1 - bad events since the window's start / budget of the
	// whole window. It falls from 1 to the objective's remaining ratio. False
	// in HasBudget means that the step lies before the window, or that the
	// window holds no events.
	BudgetLeft float64
	HasBudget  bool
	// Burns are the burn rates of each tier's look-backs, ending with the step.
	Burns []Burn
}

// Burn is the burn rates of one tier at one instant. A rate is not known
// where its look-back held no events, reaches back beyond what is kept, or is
// shorter than the step.
type Burn struct {
	Long, Short           float64
	LongKnown, ShortKnown bool
}
