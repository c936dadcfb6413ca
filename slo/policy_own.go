package slo

import (
	"fmt"
	"math/big"
	"slices"
	"time"
)

// own are the tiers of alert policies: one for the condition of each, and one
// more for a policy that tells of missing data.
func (s scale) own(policies []AlertPolicy) []Tier {
	var tiers []Tier
	for _, p := range policies {
		name := p.Name
		for n := 2; slices.ContainsFunc(tiers, func(t Tier) bool { return t.Name == name }); n++ {
			name = fmt.Sprintf("%s-%d", p.Name, n)
		}
		t := s.condition(p.Condition)
		t.Name, t.Policy, t.Targets = name, p.Name, p.Targets
		t.Muted, t.MutedResolve = !p.WhenBreaching, !p.WhenResolved
		tiers = append(tiers, t)
		if p.WhenNoData {
			tiers = append(tiers, Tier{
				Name: name + "-no-data", Severity: t.Severity, Kind: NoData, Long: p.Condition.noDataAfter(),
				MutedResolve: !p.WhenResolved, Policy: p.Name, Targets: p.Targets,
			})
		}
	}
	return tiers
}

// noDataAfter is how long there must be no event.
func (c AlertCondition) noDataAfter() time.Duration {
	switch {
	case c.NoDataAfter > 0:
		return c.NoDataAfter
	case c.LookBack > 0:
		return c.LookBack
	default:
		return time.Hour
	}
}

// condition is the tier of a condition.
func (s scale) condition(c AlertCondition) Tier {
	t := Tier{
		Severity: c.Severity, Kind: c.Kind, Op: c.Op, Long: c.LookBack, Short: c.ShortLookBack, After: c.After, MinBad: c.MinBad,
		Factor: c.Threshold.Float(),
	}
	if t.Kind == "" {
		t.Kind = BurnRate
	}
	switch t.Kind {
	case BudgetConsumed:
		t.Long = 0 // The window.
		t.compareWith(new(big.Rat).Mul(c.Threshold.Rat(), s.budget))
	case BudgetDrop, TimeToExhaustion:
		t.exact = c.Threshold.Rat()
	default:
		t.compareWith(new(big.Rat).Mul(c.Threshold.Rat(), s.budget))
		s.leaveOutOwn(&t)
	}
	return t
}

// leaveOutOwn is leaveOut for a condition: people choose look-backs of theirs.
func (s scale) leaveOutOwn(t *Tier) {
	order := new(big.Rat).Mul(s.highest, s.budget).Cmp(t.bound())
	highest, _ := s.highest.Float64()
	switch {
	case t.Op == GTE && order < 0, t.Op == GT && order <= 0:
		t.LeftOut = fmt.Sprintf("it can never fire: its threshold %.4g is not below %.4g, the burn rate when every event is bad", t.Factor, highest)
	case t.Long < s.slice:
		t.LeftOut = fmt.Sprintf("its look-back of %s is below one time slice of %s", FormatDuration(t.Long), FormatDuration(s.slice))
	}
}

// exhaustion is how the hours until the budget is gone compare with the
// threshold: (1 - spent) * window / burn rate of the look-back. Half of a 30d
// budget at 14.4 lasts 25 hours. Nothing that burns lasts for ever, which is
// above every threshold.
func (t *Tier) exhaustion(long, window *big.Rat, length time.Duration) int {
	left := new(big.Rat).Sub(big.NewRat(1, 1), window)
	switch {
	case left.Sign() <= 0:
		left.SetInt64(0)
	case long.Sign() == 0:
		return 1
	default:
		left.Mul(left, big.NewRat(int64(length), int64(time.Hour)))
		left.Quo(left, long)
	}
	return left.Cmp(t.exact)
}
