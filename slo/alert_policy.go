package slo

import "time"

// AlertPolicy is an alert policy of OpenSLO with its one condition and its
// targets put in, and what its annotations add.
type AlertPolicy struct {
	Name        string
	DisplayName string
	Description string
	// WhenBreaching tells of an episode that fires, WhenResolved of one that
	// resolves. WhenNoData tells of an indicator without events (see Condition).
	WhenBreaching, WhenResolved, WhenNoData bool
	Condition                               AlertCondition
	Targets                                 []NotificationTarget
}

// AlertCondition is when an alert policy fires.
type AlertCondition struct {
	Name        string
	DisplayName string
	Description string
	// Severity is free text; page wakes somebody.
	Severity Severity
	Kind     ConditionKind
	// Op and Threshold compare what Kind measures: see there for its unit.
	Op        Operator
	Threshold Decimal
	// LookBack is what is measured over. ShortLookBack, unless it is 0, must
	// compare so as well (annotation slowburn.dev/short-lookback): burn rate only.
	LookBack, ShortLookBack time.Duration
	// After is how long the condition must hold before it fires.
	After time.Duration
	// MinBad is how many bad events the look-back must hold at least
	// (annotation slowburn.dev/min-bad). 0 means none.
	MinBad int64
	// NoDataAfter is how long an indicator has no events before that is told
	// (annotation slowburn.dev/no-data-after); 0 means the look-back.
	NoDataAfter time.Duration
}

// ConditionKind is what a condition measures. OpenSLO has only the burn rate;
// the others come by the annotation slowburn.dev/condition.
type ConditionKind string

// The kinds of conditions.
const (
	// BurnRate is error ratio / (1 - target) over the look-back.
	BurnRate ConditionKind = "burnrate"
	// BudgetConsumed is the share of the window's budget that is spent; 1 is
	// all of it. It has no look-back.
	BudgetConsumed ConditionKind = "budget-consumed"
	// BudgetDrop is the share of the window's budget that the look-back spent.
	BudgetDrop ConditionKind = "budget-drop"
	// TimeToExhaustion is in how many hours the budget is gone at the burn
	// rate of the look-back; 0 once it is. Without burning it never is.
	TimeToExhaustion ConditionKind = "time-to-exhaustion"
)

// NotificationTarget is where an alert policy wants its alerts to go: Target
// is the name of a receiver.
type NotificationTarget struct {
	Name        string
	DisplayName string
	Description string
	Target      string
}
