package slo

import "time"

// State is the one word for an objective.
type State string

// The states of an objective, the gravest first.
const (
	// Exhausted: nothing of the budget remains.
	Exhausted State = "exhausted"
	// Burning: an episode fires.
	Burning State = "burning"
	// Unmeasured: no event was ever counted in the window, or nothing is
	// being counted now.
	Unmeasured State = "unmeasured"
	// OK: none of these.
	OK State = "ok"
)

// LookBack is what one look-back holds.
type LookBack struct {
	Length   time.Duration
	From, To time.Time
	Counts   Counts
	// Rate is the burn rate, bad / total / (1 - target): 14.4 spends 2 % of a
	// 30d budget in one hour. 0 without events; see Counts.
	Rate float64
}

// TierStatus is the verdict of one tier, with the counts that it rests on.
type TierStatus struct {
	// Tier is shared by all verdicts of the plan: nobody changes it.
	*Tier

	// Unit is that of the counts. Weighted: they are those of all members of a
	// composite, and the burn rate is the sum of theirs, each times its weight.
	Unit        Unit
	Weighted    bool
	Long, Short LookBackCounts
	// Value is what a tier compares that asks for no burn rate: a share of the
	// budget, or hours, which are infinite while nothing burns.
	Value float64
	// Events are the events of the long look-back, also where slices are counted.
	Events Counts
	// LongOver and ShortOver: the look-back compares with the factor as the tier
	// asks for; the long one also passes the gate.
	LongOver, ShortOver bool
	// Gate says why a long look-back that is over does not count: too few events
	// are bad, or as many may be by chance. Empty if none is in the way.
	Gate string
	// Chance is how likely it is to see as many bad events if the objective is
	// met; 0 if nobody asked.
	Chance float64
	// Frozen: too little of the look-back was measured to judge.
	Frozen bool
	// Inhibited is the faster tier that fires, or has just ceased to: while it is
	// set the tier does not begin to fire.
	Inhibited string
	// Revision is the earlier revision that the tier is judged by, until the one
	// of now covers its long look-back; 0 for that of now.
	Revision int
	// Pause is the silence that SourceSilent waits for; 0 while the source speaks.
	Pause time.Duration
}

// LookBackCounts are the counts and the burn rate of one look-back of a tier.
type LookBackCounts struct {
	Counts
	Rate float64
}

// ObjectiveStatus is all that is known of one objective at one instant.
type ObjectiveStatus struct {
	// Index is the objective's place in its SLO.
	Index       int
	DisplayName string
	Target      Target
	Window      Window
	// Method and Unit say what is counted.
	Method BudgetingMethod
	Unit   Unit
	// Composite: it is that of all objectives of its SLO. Member: it is part of one.
	Composite, Member bool
	// From and To bound the window in event time, [From, To].
	From, To time.Time
	// PeriodFrom and PeriodEnd are where the calendar period begins and ends; the
	// last Duration for a rolling window. ResetAt is set if the window does not
	// begin there but with a reset of the budget.
	PeriodFrom, PeriodEnd time.Time
	ResetAt               time.Time
	// Counts and Budget are without what is excluded.
	Counts Counts
	Budget Budget
	// Excluded are the stretches that reach into the window and are excluded,
	// ExcludedCounts what happened in the window within them. Without is what the
	// window would be had nothing been excluded; nil if nothing was.
	Excluded       []Excluded
	ExcludedCounts Counts
	Without        *Unexcluded
	// Splices are the parts of the window that earlier revisions counted, newest first.
	Splices []Splice
	// BurnRates holds the usual look-backs up to the window, and the window.
	BurnRates []LookBack
	Tiers     []TierStatus
	// Firing are the episodes that fire, Pending those that may.
	Firing, Pending []Episode
	State           State
	// LastEvent is the newest event time counted; zero before the first event.
	LastEvent time.Time
	// Silent: no event for two minutes. Silence is measured, with zero events;
	// nothing new fires in it.
	Silent bool
	// MeasuredUntil is how far the journal has been read.
	MeasuredUntil time.Time
	// MeasuredRatio is the measured share of the window, in [0, 1].
	MeasuredRatio float64
	// StaleSince is MeasuredUntil while the ledger is so far behind, or the
	// database away, that verdicts are of then and not of now; zero otherwise.
	// Nothing fires or resolves meanwhile.
	StaleSince time.Time
	// CountedSince is from when on every accepted event was counted: the
	// beginning of the stretch that lasts until now, moved back by recounts.
	CountedSince time.Time
}

// SLI is the share of good events and true, or false without events.
func (s ObjectiveStatus) SLI() (float64, bool) {
	n := s.Counts.Total()
	if n == 0 {
		return 0, false
	}
	return float64(s.Counts.Good) / float64(n), true
}

// SLIBounds are the least and the greatest share of good events that the
// unknown ones leave open, or false without events: 97 good, 2 bad and 1 unknown
// lie in [0.97, 0.98].
func (s ObjectiveStatus) SLIBounds() (low, high float64, ok bool) {
	n := s.Counts.Total()
	if n == 0 {
		return 0, 0, false
	}
	return float64(s.Counts.Good) / float64(n), float64(s.Counts.Good+s.Counts.Unknown) / float64(n), true
}

// length is that of the window: of a calendar the whole period.
func (s ObjectiveStatus) length() time.Duration {
	switch {
	case s.Window.Rolling():
		return s.Window.Duration
	case s.PeriodFrom.IsZero():
		return s.PeriodEnd.Sub(s.From)
	default:
		return s.PeriodEnd.Sub(s.PeriodFrom)
	}
}

// TimeToExhaustion is how long the budget lasts at a burn rate: remaining
// ratio * window / rate. Half of a 30d budget at 14.4 lasts 25 hours. It
// reports false when the budget is spent, nothing burns, or no event tells.
func (s ObjectiveStatus) TimeToExhaustion(rate float64) (time.Duration, bool) {
	if rate <= 0 || s.Counts.Total() == 0 || s.Budget.RemainingRatio <= 0 {
		return 0, false
	}
	left := s.Budget.RemainingRatio * float64(s.length()) / rate
	if left > float64(10*365*24*time.Hour) {
		return 0, false
	}
	return time.Duration(left), true
}

// Status is all that is known of one SLO.
type Status struct {
	Definition Definition
	Objectives []ObjectiveStatus
	// Resets are those of its budgets that windows may reach back to, newest first.
	Resets []Reset
	// State is the gravest of the objectives.
	State State
}
