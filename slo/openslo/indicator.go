package openslo

import (
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxCondition bounds the characters of an OTTL condition.
const maxCondition = 4096

// indicator reads an inline indicator. Its metadata is checked and not kept.
func (r *reader) indicator(v value) slo.Indicator {
	o, ok := r.asObject(v, []string{"metadata", "spec"}, nil)
	if !ok {
		return slo.Indicator{}
	}
	if metadata := o.get("metadata"); r.required(metadata) {
		r.metadata(metadata, new(slo.SLO))
	}
	spec := o.get("spec")
	if !r.required(spec) {
		return slo.Indicator{}
	}
	s, ok := r.asObject(spec, []string{"description", "ratioMetric"}, later{"thresholdMetric": "; ratioMetric is"})
	if !ok {
		return slo.Indicator{}
	}
	r.prose(s.get("description"), maxDescription)
	ratio := s.get("ratioMetric")
	if !ratio.present() && s.refused["thresholdMetric"] || !r.required(ratio) {
		return slo.Indicator{}
	}
	return r.ratio(ratio)
}

func (r *reader) ratio(v value) slo.Indicator {
	const raw = ": write total, and good or bad"
	o, ok := r.asObject(v, []string{"counter", "good", "bad", "total"}, later{"raw": raw, "rawType": raw})
	if !ok || o.refused["raw"] {
		return slo.Indicator{}
	}
	if counter := o.get("counter"); counter.present() {
		if set, ok := r.flag(counter); ok && !set {
			r.refuse(counter, "must be true or left out: spans are counted, a value that may fall is not supported yet")
		}
	}
	var indicator slo.Indicator
	if total := o.get("total"); r.required(total) {
		indicator.Total = r.metric(total)
	}
	good, bad := o.get("good"), o.get("bad")
	switch {
	case good.present() && bad.present():
		r.refuse(v, "has both good and bad: keep one")
	case good.present():
		indicator.Good = r.part(good, indicator.Total)
	case bad.present():
		indicator.Bad = r.part(bad, indicator.Total)
	default:
		r.refuse(v, "needs good or bad beside total")
	}
	return indicator
}

// part reads good or bad, which are judged only on what total selects.
func (r *reader) part(v value, total slo.SpanSource) *slo.SpanSource {
	source := r.metric(v)
	if source.Service != "" && total.Service != "" && source.Service != total.Service {
		service := v.at(".metricSource.spec.service", nil)
		service.line = r.lines[service.path]
		r.refuse(service, "is %q, but total selects %q: no span would match; leave it out",
			excerpt(source.Service), excerpt(total.Service))
	}
	return &source
}

func (r *reader) metric(v value) slo.SpanSource {
	o, ok := r.asObject(v, []string{"metricSource"}, nil)
	if !ok {
		return slo.SpanSource{}
	}
	source := o.get("metricSource")
	if !r.required(source) {
		return slo.SpanSource{}
	}
	s, ok := r.asObject(source, []string{"type", "spec"}, later{"metricSourceRef": ": write type and spec inline"})
	if !ok || s.refused["metricSourceRef"] {
		return slo.SpanSource{}
	}
	kind := s.get("type")
	switch name := r.name(kind); name {
	case "":
		return slo.SpanSource{}
	case "Spans":
	default:
		r.refuse(kind, "metric source type %s is not supported yet; Spans is", excerpt(name))
		return slo.SpanSource{} // Its spec has fields of its own.
	}
	spec := s.get("spec")
	if !r.required(spec) {
		return slo.SpanSource{}
	}
	return r.spans(spec)
}

func (r *reader) spans(v value) slo.SpanSource {
	o, ok := r.asObject(v, []string{"service", "condition", "maxDuration"}, nil)
	if !ok {
		return slo.SpanSource{}
	}
	service, condition, longest := o.get("service"), o.get("condition"), o.get("maxDuration")
	if !service.present() && !condition.present() && !longest.present() {
		r.refuse(v, "needs at least one of service, condition and maxDuration; the condition 'true' selects every span")
	}
	source := slo.SpanSource{MaxDuration: r.spanDuration(longest)}
	if service.present() {
		source.Service = r.name(service)
	}
	if condition.present() {
		text, ok := r.prose(condition, maxCondition)
		source.Condition = text
		if ok && strings.TrimSpace(text) == "" {
			r.refuse(condition, "must not be empty: leave it out to select every span")
		}
	}
	return source
}
