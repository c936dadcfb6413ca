package openslo

import (
	"math/big"

	"github.com/slowburn-slo/slowburn/slo"
)

// policy puts an alert policy into the SLO.
func (r *resolver) policy(c policyChoice, s *slo.SLO) {
	at := place{object: &r.root, path: c.path}
	from, content := at, c.inline
	if c.ref != "" {
		field := at
		if _, written := r.root.Lines[c.path+".alertPolicyRef"]; written {
			field = at.at(".alertPolicyRef")
		}
		var found *Object
		found, content = lookUp[policyContent](r, field, slo.KindAlertPolicy, c.ref)
		from = place{object: found}
	}
	if content == nil {
		return
	}
	for _, other := range s.Policies {
		if other.Name == content.metadata.name {
			r.refuse(at, "is another policy of the name %s: give each a name of its own", other.Name)
			return
		}
	}
	from.path = ""
	p := slo.AlertPolicy{
		Name: content.metadata.name, DisplayName: content.metadata.displayName, Description: content.description,
		WhenBreaching: content.whenBreaching, WhenResolved: content.whenResolved, WhenNoData: content.noData,
	}
	conditionAt, condition := r.condition(from, content.condition)
	for _, t := range content.targets {
		if target := r.target(from, t); target != nil {
			p.Targets = append(p.Targets, slo.NotificationTarget{
				Name: target.metadata.name, DisplayName: target.metadata.displayName, Description: target.description, Target: target.target,
			})
		}
	}
	if condition == nil {
		return
	}
	p.Condition = conditionWith(condition, content.metadata.extensions.over(condition.metadata.extensions))
	r.checkCondition(conditionAt, p.Condition, *s)
	s.Policies = append(s.Policies, p)
}

func (r *resolver) condition(from place, c conditionChoice) (place, *conditionContent) {
	if c.ref == "" {
		if c.inline == nil {
			return from, nil
		}
		return from.at(c.inline.path), c.inline
	}
	found, content := lookUp[conditionContent](r, from.at(c.path+".conditionRef"), slo.KindAlertCondition, c.ref)
	if content == nil {
		return from, nil
	}
	return place{object: found, path: content.path}, content
}

func (r *resolver) target(from place, t targetChoice) *targetContent {
	if t.ref == "" {
		return t.inline
	}
	_, content := lookUp[targetContent](r, from.at(t.path+".targetRef"), slo.KindAlertNotificationTarget, t.ref)
	return content
}

// conditionWith is a condition with what annotations add to it.
func conditionWith(c *conditionContent, e extensions) slo.AlertCondition {
	condition := slo.AlertCondition{
		Name: c.metadata.name, DisplayName: c.metadata.displayName, Description: c.description, Severity: slo.Severity(c.severity),
		Kind: e.condition, Op: c.op, Threshold: c.threshold, LookBack: c.lookBack, ShortLookBack: e.shortLookBack, After: c.after,
		MinBad: e.minBad, NoDataAfter: e.noDataAfter,
	}
	if condition.Kind == "" {
		condition.Kind = slo.BurnRate
	}
	return condition
}

// checkCondition refuses what can never be, or always is, for the SLO. At is the
// spec of the condition.
func (r *resolver) checkCondition(at place, c slo.AlertCondition, s slo.SLO) {
	lookBack := at.at(".condition.lookbackWindow")
	if c.Kind != slo.BudgetConsumed && c.LookBack > s.Window.Duration {
		r.refuse(lookBack, "%s is longer than the window of %s: %s", slo.FormatDuration(c.LookBack), &r.root, s.Window)
	}
	if c.ShortLookBack > 0 && c.Kind != slo.BurnRate {
		r.refuse(at, "has the annotation %s, which only %s has", shortLookBackAnnotation, slo.BurnRate)
	} else if c.ShortLookBack >= c.LookBack && c.LookBack > 0 && c.ShortLookBack > 0 {
		r.refuse(lookBack, "%s must be longer than %s, the annotation %s",
			slo.FormatDuration(c.LookBack), slo.FormatDuration(c.ShortLookBack), shortLookBackAnnotation)
	}
	for _, o := range s.Objectives {
		if c.Kind != slo.BudgetConsumed && o.SliceWindow > 0 && c.LookBack < o.SliceWindow {
			r.warn(lookBack, "%s is shorter than a time slice of %s: %s", slo.FormatDuration(c.LookBack), &r.root, slo.FormatDuration(o.SliceWindow))
			break
		}
	}
	r.checkThreshold(at.at(".condition.threshold"), c, s)
}

// checkThreshold compares the threshold with the highest value there can be.
func (r *resolver) checkThreshold(at place, c slo.AlertCondition, s slo.SLO) {
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
	if c.Op != slo.GTE && c.Op != slo.GT {
		return
	}
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
	switch {
	case len(limits) == 0 || possible == len(limits):
	case possible == 0:
		r.refuse(at, "a %s of %s %s can never be: the highest of %s is %s, when every event is bad", what, c.Op, c.Threshold, &r.root, short(most))
	default:
		r.warn(at, "a %s of %s %s can never be for every objective of %s: the highest of all is %s", what, c.Op, c.Threshold, &r.root, short(most))
	}
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
