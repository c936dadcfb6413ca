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

// Budget is the error budget of one objective over its window, in events.
type Budget struct {
	// Total is how many events may be bad: (1 - target) * events; 0.999 of
	// 12 345 events leaves 12.345.
	Total float64
	// Spent is how many were.
	Spent int64
	// RemainingRatio is 1 - spent/total, signed and not clamped: -1.5 means
	// that two and a half budgets are spent. Meaningless without events.
	RemainingRatio float64
	// Exhausted reports, by exact arithmetic, that nothing remains.
	Exhausted bool
}

// BudgetOf computes the budget that a target leaves: 0.999 over 10 000 events
// of which 4 are bad has total 10, spent 4, remaining ratio 0.6.
func BudgetOf(target Target, c Counts) Budget {
	n, d := target.budget()
	b := Budget{Total: float64(c.Total()) * float64(n) / float64(d), Spent: c.Bad}
	if b.Total > 0 {
		b.RemainingRatio = 1 - float64(c.Bad)/b.Total
	}
	b.Exhausted = c.Bad > 0 && fraction{num: n, den: d}.reachedBy(c.Bad, c.Total())
	return b
}

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
	Tier
	Long, Short LookBackCounts
	// LongOver and ShortOver: the look-back burns at least at the factor; the
	// long one also holds the least number of bad events.
	LongOver, ShortOver bool
	// Frozen: too little of the short look-back was measured to judge.
	Frozen bool
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
	// From and To bound the window in event time, [From, To].
	From, To time.Time
	Counts   Counts
	Budget   Budget
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

// TimeToExhaustion is how long the budget lasts at a burn rate: remaining
// ratio * window / rate. Half of a 30d budget at 14.4 lasts 25 hours. It
// reports false when the budget is spent, nothing burns, or no event tells.
func (s ObjectiveStatus) TimeToExhaustion(rate float64) (time.Duration, bool) {
	if rate <= 0 || s.Counts.Total() == 0 || s.Budget.RemainingRatio <= 0 {
		return 0, false
	}
	left := s.Budget.RemainingRatio * float64(s.Window.Duration) / rate
	if left > float64(10*365*24*time.Hour) {
		return 0, false
	}
	return time.Duration(left), true
}

// Status is all that is known of one SLO.
type Status struct {
	Definition Definition
	Objectives []ObjectiveStatus
	// State is the gravest of the objectives.
	State State
}
