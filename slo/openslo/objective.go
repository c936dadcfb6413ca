package openslo

import (
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// objective is one item of spec.objectives.
type objective struct {
	slo.Objective

	path string
	// unread says that it is no map.
	unread bool
	// indicator makes it a member of a composite.
	indicator *indicatorChoice
}

// weigh checks the weight of an objective, once it is known whether the SLO is a
// composite.
func (r *reader) weigh(o *objective, v value, composite bool) {
	switch {
	case o.Weight == "":
	case !composite:
		r.warn(v, "has no effect: only an objective with an indicator of its own has a weight")
		o.Weight = ""
	case o.Weight.Rat().Sign() <= 0:
		r.refuse(v, "must be above 0, found %s", o.Weight)
	}
}

// objectives reads the objectives of an SLO whose other fields are read.
func (r *reader) objectives(v value, s *sloContent) []objective {
	if !v.present() || v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
		r.warn(v, "must have at least one item, as in [{target: 0.999}]: nothing is measured without")
		return nil
	}
	items := r.items(v, maxObjectives)
	objectives := make([]objective, 0, len(items))
	for _, item := range items {
		objectives = append(objectives, r.objective(item, s))
	}
	s.objectives = objectives
	r.checkObjectives(v, s)
	return objectives
}

func (r *reader) objective(v value, s *sloContent) objective {
	read := objective{path: v.path}
	o, ok := r.asObject(v, []string{
		"displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow", "indicator", "indicatorRef", "compositeWeight",
	})
	if !ok {
		read.unread = true
		return read
	}
	read.DisplayName, _ = r.text(o.get("displayName"), maxLabel)
	target, percent := o.get("target"), o.get("targetPercent")
	switch {
	case target.present() && percent.present():
		r.refuse(v, "has both target and targetPercent: keep one")
	case target.present():
		read.Target = r.target(target, false)
	case percent.present():
		read.Target = r.target(percent, true)
	default:
		r.refuse(v, "needs target (0.999) or targetPercent (99.9)")
	}
	read.indicator = r.indicatorChoice(o)
	r.threshold(o, &read, s)
	r.timeSlices(o, &read, s)
	if weight := o.get("compositeWeight"); weight.present() {
		read.Weight = r.decimal(weight)
	}
	return read
}

// target reads the target of a budget.
func (r *reader) target(v value, percent bool) slo.Target {
	text, ok := r.number(v)
	if !ok {
		return slo.Target{}
	}
	target, err := slo.ParseTarget(text, percent)
	if err != nil {
		r.refuse(v, "%v", err)
	}
	return target
}

// threshold reads op and value, which only the indicator of a value has. Of one
// that is written elsewhere Resolve decides.
func (r *reader) threshold(o object, into *objective, s *sloContent) {
	op, limit := o.get("op"), o.get("value")
	if s.indicator != nil && s.indicator.inline != nil && s.indicator.inline.metric != "" {
		threshold := s.indicator.inline.metric == thresholdMetric
		for _, v := range []value{op, limit} {
			if v.present() && !threshold {
				r.dialect(v, "has no effect: only a thresholdMetric is compared with a value")
			}
			if threshold {
				r.required(v)
			}
		}
		if !threshold {
			return
		}
	}
	if op.present() {
		into.Threshold.Op = r.operator(op)
	}
	if limit.present() {
		into.Threshold.Limit = r.decimal(limit)
	}
}

func (r *reader) operator(v value) slo.Operator {
	return slo.Operator(r.choice(v, "operator", string(slo.LTE), string(slo.GTE), string(slo.LT), string(slo.GT)))
}

// timeSlices reads what only the methods with slices have.
func (r *reader) timeSlices(o object, into *objective, s *sloContent) {
	target, length := o.get("timeSliceTarget"), o.get("timeSliceWindow")
	switch s.method {
	case slo.Timeslices:
		if r.required(target) {
			into.SliceTarget = r.sliceTarget(target)
		}
	case slo.Occurrences, slo.RatioTimeslices, "":
		if target.present() {
			r.number(target)
			r.warn(target, "has no effect: only %s have it", slo.Timeslices)
		}
	}
	if s.method == slo.Timeslices || s.method == slo.RatioTimeslices {
		into.SliceWindow = r.timeSliceWindow(length)
	} else if length.present() {
		r.timeSliceWindow(length)
		r.warn(length, "has no effect: only %s and %s have it", slo.Timeslices, slo.RatioTimeslices)
	}
}

func (r *reader) sliceTarget(v value) slo.Target {
	text, ok := r.number(v)
	if !ok {
		return slo.Target{}
	}
	target, err := slo.ParseSliceTarget(text)
	if err != nil {
		r.refuse(v, "%v", err)
	}
	return target
}

// timeSliceWindow reads the length of a slice: a duration, or minutes.
func (r *reader) timeSliceWindow(v value) time.Duration {
	if !r.required(v) {
		return 0
	}
	if v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!int" || v.node.ShortTag() == "!!float" {
		if r.mode == Strict {
			r.refuse(v, "must be text, found %s: write it as %sm", r.describe(v.node), v.node.Value)
			return 0
		}
		minutes, err := strconv.ParseInt(v.node.Value, 10, 32)
		if err != nil || minutes < 1 {
			r.refuse(v, "must be a whole number of minutes, as in 5, found %s", r.describe(v.node))
			return 0
		}
		return time.Duration(minutes) * time.Minute
	}
	_, length := r.duration(v)
	return length
}

// checkObjectives checks what concerns several of them.
func (r *reader) checkObjectives(v value, s *sloContent) {
	if s.indicator != nil && s.indicator.inline != nil && s.indicator.inline.threshold != nil && len(s.objectives) > 1 {
		r.warn(v, "has %d items: OpenSLO wants one for a thresholdMetric; each is measured", len(s.objectives))
	}
	composite := s.composite()
	for i, o := range s.objectives {
		weight := o.path + ".compositeWeight"
		r.weigh(&s.objectives[i], value{path: weight, line: r.lines[weight]}, composite)
		if !composite {
			continue
		}
		if o.indicator == nil && s.indicator == nil {
			r.warn(value{path: o.path, line: r.lines[o.path]}, "is left out: it has no indicator, which the others have")
		}
	}
}
