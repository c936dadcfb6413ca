package openslo

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// The limits of a time slice; it is also at most half of its window.
const (
	minTimeSlice = time.Minute
	maxTimeSlice = 24 * time.Hour
)

// slo puts the SLO together.
func (r *resolver) slo(content *sloContent) slo.SLO {
	s := slo.SLO{
		Name: content.metadata.name, DisplayName: content.metadata.displayName, Description: content.description, Service: content.service,
		Labels: content.metadata.labels, Annotations: content.metadata.annotations, Window: content.window,
	}
	if excluded := content.metadata.extensions.exclusions; len(excluded) > 0 {
		// What is known as exclusions is not kept as text, too.
		s.Exclusions = exclusionsIn(excluded, content.window)
		s.Annotations = maps.Clone(s.Annotations)
		delete(s.Annotations, exclusionsAnnotation)
	}
	if content.method != slo.Occurrences {
		s.Method = content.method // Occurrences is the zero value.
	}
	composite := content.composite()
	var common *indicatorContent
	if content.indicator != nil {
		var at place
		if at, common = r.indicatorAt(content.indicator); common != nil {
			s.Indicator = r.indicator(at, common)
		}
	}
	for _, o := range content.objectives {
		if composite && o.indicator == nil {
			continue // It is left out, with a warning.
		}
		s.Objectives = append(s.Objectives, r.objective(o, common))
	}
	root := place{object: &r.root}
	if len(s.Objectives) == 0 && !root.at("spec.objectives").faulty() && !r.root.faulty["spec"] {
		r.note(root.at("spec.objectives"), "has no objective: nothing would be measured")
	}
	if common != nil && common.threshold != nil && content.indicator.ref != "" && len(s.Objectives) > 1 {
		r.warn(root.at("spec.objectives"), "has %d items: OpenSLO wants one for a thresholdMetric; each is measured", len(s.Objectives))
	}
	r.checkLengths(content, s)
	if _, found := s.Annotations[compositeTargetAnnotation]; found && (!composite || s.Method == "") {
		r.warn(root.at("metadata.annotations."+compositeTargetAnnotation), "has no effect: only a composite with slices has a target of its own")
	}
	for _, p := range content.policies {
		r.policy(p, &s)
	}
	for ref := range r.used {
		s.References = append(s.References, ref)
	}
	slices.SortFunc(s.References, func(a, b slo.ObjectRef) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return s
}

// objective puts an objective together; common is the indicator of the SLO.
func (r *resolver) objective(o objective, common *indicatorContent) slo.Objective {
	result, content := o.Objective, common
	if o.indicator != nil {
		var at place
		if at, content = r.indicatorAt(o.indicator); content != nil {
			i := r.indicator(at, content)
			result.Indicator = &i
		}
	}
	if content == nil {
		return result
	}
	place := place{object: &r.root, path: o.path}
	if content.threshold == nil {
		if result.Threshold != (slo.Threshold{}) {
			r.warn(place, "has op or value, which have no effect: only a thresholdMetric is compared with a value")
		}
		result.Threshold = slo.Threshold{}
		return result
	}
	if result.Threshold.Op == "" || result.Threshold.Limit == "" {
		result.Threshold = slo.Threshold{} // One half of it does not compile.
		if !o.unread && !place.at(".op").faulty() && !place.at(".value").faulty() {
			r.refuse(place, "needs op and value: its indicator is a thresholdMetric")
		}
	}
	return result
}

// checkLengths notes windows and slices that this program does not measure.
func (r *resolver) checkLengths(content *sloContent, s slo.SLO) {
	root := place{object: &r.root}
	length := s.Window.Duration // 0 if it could not be read.
	if length != 0 && (length < slo.MinWindow || length > slo.MaxWindow) {
		r.note(root.at("spec.timeWindow[0].duration"), "%s is not measured here: write at least %s and at most %s",
			slo.FormatDuration(length), slo.FormatDuration(slo.MinWindow), slo.FormatDuration(slo.MaxWindow))
	}
	var first *objective
	for i, o := range content.objectives {
		at := root.at(o.path + ".timeSliceWindow")
		switch length := o.SliceWindow; {
		case length == 0:
		case length < minTimeSlice || length > maxTimeSlice:
			r.note(at, "%s is not measured here: write at least 1m and at most 1d", slo.FormatDuration(length))
		case length > s.Window.Duration/2 && s.Window.Duration > 0:
			r.note(at, "%s is not measured here: write at most half of the window of %s", slo.FormatDuration(length), s.Window)
		}
		if o.indicator == nil || o.SliceWindow == 0 {
			continue
		}
		if first == nil {
			first = &content.objectives[i]
		} else if o.SliceWindow != first.SliceWindow {
			r.note(at, "is %s, but %s of %s: only parts of a composite with the same slices are measured here",
				slo.FormatDuration(o.SliceWindow), slo.FormatDuration(first.SliceWindow), first.path)
		}
	}
}
