package openslo

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// checkThreshold refuses a threshold that is never or always reached, and tells
// of one that was probably meant as a percentage.
func (r *resolver) checkThreshold(at place, c slo.AlertCondition, s slo.SLO) {
	if c.Threshold == "" { // It could not be read.
		return
	}
	limit := c.Threshold.Rat()
	if c.Kind == slo.TimeToExhaustion {
		r.checkHours(at, c, limit)
		return
	}
	what := map[slo.ConditionKind]string{
		slo.BurnRate: "burn rate", slo.BudgetConsumed: "share of the budget that is spent", slo.BudgetDrop: "share of the budget that a look-back spends",
	}[c.Kind]
	switch zero := limit.Sign(); {
	case c.Op == slo.GTE && zero <= 0, c.Op == slo.GT && zero < 0:
		r.refuse(at, "a %s of %s %s always is: write more than 0", what, c.Op, c.Threshold)
	case c.Op == slo.LTE && zero < 0, c.Op == slo.LT && zero <= 0:
		r.refuse(at, "a %s of %s %s never is: none is below 0", what, c.Op, c.Threshold)
	}
	// Who writes 80 means 80 %, which nobody is ever told of.
	percentage := ""
	if c.Kind != slo.BurnRate && limit.Cmp(big.NewRat(likelyPercentage, 1)) >= 0 {
		percentage = fmt.Sprintf("1 is the whole budget, and %s %% is %s", c.Threshold, hundredth(limit))
	}
	if possible := r.checkReach(at, c, s, what, percentage); possible && percentage != "" {
		r.warn(at, "%s is %s times the budget: %s", c.Threshold, c.Threshold, percentage)
	}
}

// likelyPercentage is the share of a budget from which on it was probably meant
// as a percentage. Half a budget too much may be worth an alert.
const likelyPercentage = 2

// hundredth is a hundredth of a decimal, to its last digit.
func hundredth(of *big.Rat) string {
	text := new(big.Rat).Quo(of, big.NewRat(100, 1)).FloatString(20)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// checkReach compares the threshold with the highest value there can be, and
// reports whether any objective can reach it.
func (r *resolver) checkReach(at place, c slo.AlertCondition, s slo.SLO, what, hint string) bool {
	if c.Op != slo.GTE && c.Op != slo.GT || r.targetsFaulty() {
		return true
	}
	limit := c.Threshold.Rat()
	limits, possible := highest(s), 0
	var most *big.Rat
	for _, top := range limits {
		if cmp := limit.Cmp(top); cmp < 0 || cmp == 0 && c.Op == slo.GTE {
			possible++
		}
		if most == nil || top.Cmp(most) > 0 {
			most = top
		}
	}
	if hint != "" {
		hint = "; " + hint
	}
	switch {
	case len(limits) == 0 || possible == len(limits):
	case possible == 0:
		r.refuse(at, "a %s of %s %s can never be: the highest of %s is %s, when every event is bad%s", what, c.Op, c.Threshold, &r.root, short(most), hint)
		return false
	default:
		r.warn(at, "a %s of %s %s can never be for every objective of %s: the highest of all is %s", what, c.Op, c.Threshold, &r.root, short(most))
	}
	return true
}

// targetsFaulty reports whether anything of the SLO has a fault that its highest
// burn rate depends on.
func (r *resolver) targetsFaulty() bool {
	for field := range r.root.faulty {
		switch {
		case field == "spec.budgetingMethod", field == "spec.objectives", strings.HasSuffix(field, compositeTargetAnnotation):
			return true
		case !strings.HasPrefix(field, "spec.objectives["):
		case strings.HasSuffix(field, "]"), strings.HasSuffix(field, ".target"), strings.HasSuffix(field, ".targetPercent"),
			strings.HasSuffix(field, ".compositeWeight"):
			return true
		}
	}
	return false
}

// checkHours checks the threshold of a time to exhaustion.
func (r *resolver) checkHours(at place, c slo.AlertCondition, limit *big.Rat) {
	switch sign := limit.Sign(); {
	case c.Op == slo.LTE && sign < 0, c.Op == slo.LT && sign <= 0:
		r.refuse(at, "a time to exhaustion of %s %s never is: write hours above 0", c.Op, c.Threshold)
	case c.Op == slo.GTE && sign <= 0, c.Op == slo.GT && sign < 0:
		r.refuse(at, "a time to exhaustion of %s %s always is: write lte, and hours above 0", c.Op, c.Threshold)
	case c.Op == slo.GTE || c.Op == slo.GT:
		r.warn(at, "tells of a budget that lasts long: write lte for one that is gone soon")
	}
}

// highest are the highest burn rates that the SLO can have, 1 / (1 - target)
// each: one per objective, or one for a composite. That of Occurrences is the
// sum of weight times the rate of each member; those of slices have the highest
// of the targets.
func highest(s slo.SLO) []*big.Rat {
	var all []*big.Rat
	for _, o := range s.Objectives {
		all = append(all, highestOf(o.Target))
	}
	if !s.Composite() || len(all) == 0 {
		return all
	}
	if s.Method == "" || s.Method == slo.Occurrences {
		sum := new(big.Rat)
		for i, o := range s.Objectives {
			weight := big.NewRat(1, 1)
			if o.Weight != "" {
				weight = o.Weight.Rat()
			}
			sum.Add(sum, weight.Mul(weight, all[i]))
		}
		return []*big.Rat{sum}
	}
	if text, found := s.Annotations[compositeTargetAnnotation]; found {
		if target, err := slo.ParseTarget(text, false); err == nil {
			return []*big.Rat{highestOf(target)}
		}
	}
	most := all[0]
	for _, one := range all {
		if one.Cmp(most) > 0 {
			most = one
		}
	}
	return []*big.Rat{most}
}

// highestOf is the burn rate when every event is bad: 1000 for 0.999.
func highestOf(target slo.Target) *big.Rat {
	part, ok := new(big.Rat).SetString(target.String())
	if !ok {
		part = new(big.Rat)
	}
	left := new(big.Rat).Sub(big.NewRat(1, 1), part)
	if left.Sign() <= 0 {
		return new(big.Rat)
	}
	return left.Inv(left)
}

// short writes a number for a sentence.
func short(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return r.FloatString(3)
}
