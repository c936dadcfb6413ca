package openslo

import (
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// The limits of the specification, and of ours where it has none.
const (
	maxDescription = 1050
	maxService     = 255
	maxObjectives  = 64
)

func (r *reader) spec(v value, into *slo.SLO) {
	o, ok := r.asObject(v,
		[]string{"description", "service", "indicator", "timeWindow", "budgetingMethod", "objectives"},
		later{
			"indicatorRef":  ": write the indicator inline",
			"alertPolicies": ": leave it out, and the default policy holds",
		})
	if !ok {
		return
	}
	into.Description, _ = r.prose(o.get("description"), maxDescription)
	into.Service = r.name(o.get("service"))
	if indicator := o.get("indicator"); !o.refused["indicatorRef"] && r.required(indicator) {
		into.Indicator = r.indicator(indicator)
	}
	if window := o.get("timeWindow"); r.required(window) {
		into.Window = r.timeWindow(window)
	}
	r.oneOf(o.get("budgetingMethod"), "budgetingMethod", []string{"Occurrences"}, []string{"Timeslices", "RatioTimeslices"})
	if objectives := o.get("objectives"); r.required(objectives) {
		into.Objectives = r.objectives(objectives)
	}
}

// timeWindow reads the one rolling window.
func (r *reader) timeWindow(v value) slo.Window {
	items := r.items(v, 1)
	if len(items) == 0 {
		if v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
			r.refuse(v, "must have one item, as in [{duration: 28d, isRolling: true}]")
		}
		return slo.Window{}
	}
	o, ok := r.asObject(items[0], []string{"duration", "isRolling"}, later{"calendar": "; rolling windows are, as in {duration: 28d, isRolling: true}"})
	if !ok {
		return slo.Window{}
	}
	if rolling := o.get("isRolling"); !o.refused["calendar"] && r.required(rolling) {
		if set, ok := r.flag(rolling); ok && !set {
			r.refuse(rolling, "must be true: calendar windows are not supported yet")
		}
	}
	duration := o.get("duration")
	text := r.name(duration)
	if text == "" {
		return slo.Window{}
	}
	length, err := slo.ParseDuration(text)
	switch {
	case err != nil:
		r.refuse(duration, "%v", err)
	case length < slo.MinWindow || length > slo.MaxWindow:
		r.refuse(duration, "%s must be at least %s and at most %s",
			text, slo.FormatDuration(slo.MinWindow), slo.FormatDuration(slo.MaxWindow))
	}
	return slo.Window{Duration: length}
}

func (r *reader) objectives(v value) []slo.Objective {
	items := r.items(v, maxObjectives)
	if v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
		r.refuse(v, "must have at least one item, as in [{target: 0.999}]")
	}
	objectives := make([]slo.Objective, 0, len(items))
	for _, item := range items {
		objectives = append(objectives, r.objective(item))
	}
	return objectives
}

func (r *reader) objective(v value) slo.Objective {
	const composite = "; one indicator for the whole SLO is"
	o, ok := r.asObject(v, []string{"displayName", "target", "targetPercent"}, later{
		"op": "", "value": "", "timeSliceTarget": "", "timeSliceWindow": "",
		"indicator": composite, "indicatorRef": composite, "compositeWeight": composite,
	})
	if !ok {
		return slo.Objective{}
	}
	var objective slo.Objective
	objective.DisplayName, _ = r.text(o.get("displayName"), maxLabel)
	target, percent := o.get("target"), o.get("targetPercent")
	switch {
	case target.present() && percent.present():
		r.refuse(v, "has both target and targetPercent: keep one")
	case target.present():
		objective.Target = r.target(target, false)
	case percent.present():
		objective.Target = r.target(percent, true)
	default:
		r.refuse(v, "needs target (0.999) or targetPercent (99.9)")
	}
	return objective
}

// target reads the literal text of a number, so that 0.999 is exact.
func (r *reader) target(v value, percent bool) slo.Target {
	if tag := v.node.ShortTag(); v.node.Kind != yaml.ScalarNode || tag != "!!float" && tag != "!!int" {
		r.refuse(v, "must be a number, found %s", describe(v.node))
		return slo.Target{}
	}
	// An exponent of many digits would cost more to compute than it is worth.
	if len(v.node.Value) > 32 || strings.ContainsAny(v.node.Value, "eE") {
		r.refuse(v, "must be a plain decimal such as 0.999, found %s", excerpt(v.node.Value))
		return slo.Target{}
	}
	target, err := slo.ParseTarget(v.node.Value, percent)
	if err != nil {
		r.refuse(v, "%v", err)
	}
	return target
}

// spanDuration reads a duration such as 300ms, 1.5s or 2m.
func (r *reader) spanDuration(v value) time.Duration {
	if !v.present() {
		return 0
	}
	const want = "must be a duration above 0 such as 300ms, 1.5s or 2m"
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!str" {
		r.refuse(v, "%s, found %s", want, describe(v.node))
		return 0
	}
	d, err := time.ParseDuration(v.node.Value)
	if err != nil || d <= 0 {
		r.refuse(v, "%s, found %q", want, excerpt(v.node.Value))
	}
	return d
}
