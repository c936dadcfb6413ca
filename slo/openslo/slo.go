package openslo

import (
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxObjectives bounds the objectives of an SLO, and its alert policies.
const maxObjectives = 64

// sloContent is what a document of kind SLO says.
type sloContent struct {
	metadata    metadata
	description string
	service     string
	// indicator is that of the whole SLO; nil for a composite.
	indicator  *indicatorChoice
	window     slo.Window
	method     slo.BudgetingMethod
	objectives []objective
	policies   []policyChoice
}

// composite reports whether any objective has an indicator of its own.
func (s *sloContent) composite() bool {
	for _, o := range s.objectives {
		if o.indicator != nil {
			return true
		}
	}
	return false
}

// slo reads the spec of an SLO.
func (r *reader) slo(m metadata, v value) *sloContent {
	s := &sloContent{metadata: m}
	o, ok := r.asObject(v, []string{
		"description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives", "alertPolicies",
	})
	if !ok {
		return s
	}
	s.description, _ = r.prose(o.get("description"), maxDescription)
	s.service = r.name(o.get("service"))
	s.indicator = r.indicatorChoice(o)
	s.window = r.timeWindow(o.get("timeWindow"))
	s.method = r.budgetingMethod(o.get("budgetingMethod"))
	s.objectives = r.objectives(o.get("objectives"), s)
	if policies := o.get("alertPolicies"); policies.present() {
		s.policies = r.policyChoices(policies)
	}
	// An indicator may stand in what could not be read.
	unread := r.faulty["spec.objectives"] || slices.ContainsFunc(s.objectives, func(o objective) bool { return o.unread })
	switch {
	case s.indicator == nil && !s.composite() && !unread:
		r.refuse(v, "needs indicator or indicatorRef, here or in each of its objectives")
	case s.indicator != nil && s.composite():
		r.refuse(v, "has an indicator here and in its objectives: keep one or the other")
	}
	return s
}

// budgetingMethod reads the method; the glossary of the specification spells
// two of them with a capital S.
func (r *reader) budgetingMethod(v value) slo.BudgetingMethod {
	known := []string{string(slo.Occurrences), string(slo.Timeslices), string(slo.RatioTimeslices)}
	if v.present() && strings.HasSuffix(v.node.Value, "TimeSlices") {
		for _, method := range known {
			if strings.EqualFold(method, v.node.Value) {
				r.dialect(v, "unknown budgetingMethod %q: write %s", v.node.Value, method)
				return slo.BudgetingMethod(method)
			}
		}
	}
	return slo.BudgetingMethod(r.choice(v, "budgetingMethod", known...))
}
