package slo

import (
	"slices"
	"time"
)

// LookBackStart is the first slice of a look-back of this length that ends at
// to: it lies on the grid that a History keeps for look-backs of the length.
func LookBackStart(to time.Time, length time.Duration) Slice { return windowStart(to, length) }

// Tiers are the tiers of the plan, those left out included, in the order of
// ObjectiveStatus.Tiers.
func (p *Plan) Tiers() []Tier { return slices.Clone(p.tiers) }

// Chance is how likely it is to see at least bad of total events bad if the
// target were met, as gates of tiers ask (see Tier.MaxChance). It falls with bad
// and rises with total.
func Chance(bad, total int64, target Target) float64 {
	n, d := target.budget()
	return chance(bad, total, fraction{num: n, den: d})
}
