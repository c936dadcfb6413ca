package slo

import (
	"math/big"
	"time"
)

// Severity says how urgently a tier wants a human. OpenSLO leaves it free text.
type Severity string

// The severities of the default policy: a page wakes somebody, a ticket waits
// for the day.
const (
	Page   Severity = "page"
	Ticket Severity = "ticket"
)

// The kinds of tiers that no condition of OpenSLO has: they tell of what is not
// known, and have no look-backs.
const (
	// NoData: no event for the long look-back, though Slowburn was accepting.
	NoData ConditionKind = "no-data"
	// SourceSilent: no event for three times the longest pause of the last days.
	SourceSilent ConditionKind = "source-silent"
	// Blind: less than half of the last hour was measured, or half of its events
	// or more could not be judged.
	Blind ConditionKind = "blind"
)

// Tier is one condition under which an objective alerts: in the default policy
// a pair of look-backs and the burn rate at which both must burn.
type Tier struct {
	// Name is unique within a policy: "fast", the long look-back, or the name
	// of the alert policy.
	Name     string
	Severity Severity
	Kind     ConditionKind
	// Op compares what Kind measures with Factor; the default policy has GTE.
	Op Operator
	// Long and Short are the look-backs; without a second one Short is 0.
	Long, Short time.Duration
	// Factor is the burn rate, or what else Kind compares with, for display;
	// decisions use the exact threshold.
	Factor float64
	// MinBad is how many bad events the long look-back must hold at least.
	MinBad int64
	// MaxChance is how likely the bad events of the long look-back may be at
	// most if the objective were met (see chance); 0 asks nothing.
	MaxChance float64
	// MaxTotal is how many events the long look-back may hold at most; 0 asks nothing.
	MaxTotal int64
	// HoldFor is how much quiet event time ends an episode; 0 ends it with
	// the first verdict that is not over.
	HoldFor time.Duration
	// After is how long the condition must hold before it fires.
	After time.Duration
	// Muted and MutedResolve say of whom nobody wants to hear: that it fires,
	// that it resolves.
	Muted, MutedResolve bool
	// Policy is the alert policy of OpenSLO that the tier comes from, empty for
	// the default policy. Targets are what that policy names.
	Policy  string
	Targets []NotificationTarget
	// LeftOut says why the tier is not used; empty if it is.
	LeftOut string

	// threshold is the error ratio that is compared with; exact is set instead
	// where 64 bits do not hold it, and for the other kinds.
	threshold fraction
	exact     *big.Rat
}

// windowed reports whether the tier judges look-backs.
func (t *Tier) windowed() bool {
	return t.Kind != NoData && t.Kind != SourceSilent && t.Kind != Blind
}

// pages reports whether the tier wakes somebody.
func (t *Tier) pages() bool { return t.Severity == Page }

// inhibits reports whether an episode of the tier makes one of another, slower
// tier of the same objective needless: what it would say has been said.
func (t *Tier) inhibits(slower *Tier) bool {
	return t.Kind == BurnRate && slower.Kind == BurnRate && t.Op == slower.Op && t.Long < slower.Long &&
		(t.pages() || t.Severity == slower.Severity)
}

// bound is the exact threshold.
func (t *Tier) bound() *big.Rat {
	if t.exact != nil {
		return t.exact
	}
	return new(big.Rat).SetFrac(new(big.Int).SetUint64(t.threshold.num), new(big.Int).SetUint64(t.threshold.den))
}
