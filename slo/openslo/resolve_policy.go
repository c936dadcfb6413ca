package openslo

import (
	"strings"

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
		if other.Name == content.metadata.name && other.Name != "" {
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
	if !isKindFaulty(from, content.path) && !isKindFaulty(conditionAt, condition.path) {
		r.checkCondition(conditionAt, p.Condition, *s)
	}
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

// isKindFaulty reports whether the annotation has a fault that says what the
// condition of a policy, or of a condition, is about. Spec is where theirs stands.
func isKindFaulty(in place, spec string) bool {
	in.path = strings.TrimSuffix(spec, "spec") + "metadata.annotations." + conditionAnnotation
	return in.faulty()
}

// checkCondition refuses what can never be, or always is, for the SLO. At is the
// spec of the condition.
func (r *resolver) checkCondition(at place, c slo.AlertCondition, s slo.SLO) {
	lookBack := at.at(".condition.lookbackWindow")
	if c.Kind == slo.BurnRate && (c.Op == slo.LTE || c.Op == slo.LT) && !isKindFaulty(at, at.path) {
		r.warn(at.at(".condition.op"), "tells of a burn rate that is low: write gte or gt for one that is high, or the annotation %s", conditionAnnotation)
	}
	if c.Kind != slo.BudgetConsumed && c.LookBack > s.Window.Duration && s.Window.Duration > 0 {
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
