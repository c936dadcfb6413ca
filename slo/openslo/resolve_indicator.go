package openslo

import (
	"cmp"

	"github.com/slowburn-slo/slowburn/slo"
)

// indicatorAt is what an SLO chose as an indicator, and where it stands; nil if
// there is none.
func (r *resolver) indicatorAt(c *indicatorChoice) (place, *indicatorContent) {
	here := place{object: &r.root, path: c.path}
	if c.inline != nil {
		return here, c.inline
	}
	if c.ref == "" {
		return here, nil
	}
	found, content := lookUp[indicatorContent](r, here, slo.KindSLI, c.ref)
	return place{object: found}, content
}

// indicator puts the sources of an indicator together. For what could not be read
// something sound stands, so that the rest can be compiled: every span, the
// duration, a share of good events.
func (r *resolver) indicator(at place, c *indicatorContent) slo.Indicator {
	from := place{object: at.object}
	part := func(s *source) *slo.SpanSource {
		if found := r.spans(from, s); found != nil {
			return &found.SpanSource
		}
		return nil
	}
	value := func(s *source, raw slo.RawType) slo.Indicator {
		found := r.spans(from, s)
		if found == nil {
			return slo.Indicator{}
		}
		return slo.Indicator{Total: found.SpanSource, Value: &slo.Value{Of: cmp.Or(found.value, slo.DurationValue), Raw: raw}}
	}
	switch {
	case c.threshold != nil:
		return value(c.threshold, "")
	case c.raw != nil:
		return value(c.raw, cmp.Or(c.rawType, slo.RawSuccess))
	}
	indicator := slo.Indicator{Good: part(c.good), Bad: part(c.bad)}
	if total := part(c.total); total != nil {
		indicator.Total = *total
		r.checkParts(from, c, indicator)
		if c.gauge {
			r.warn(from.at(c.path+".ratioMetric.counter"), "has no effect on %s: each span is counted once", spansType)
		}
		if indicator.Good == nil && indicator.Bad == nil {
			indicator.Good = &slo.SpanSource{}
		}
	}
	return indicator
}

// checkParts checks what Parse could not, since the type of a source was not
// known there.
func (r *resolver) checkParts(from place, c *indicatorContent, i slo.Indicator) {
	for s, part := range map[*source]*slo.SpanSource{c.good: i.Good, c.bad: i.Bad} {
		if part == nil || s.spans != nil && c.total.spans != nil {
			continue
		}
		if part.Service != "" && i.Total.Service != "" && part.Service != i.Total.Service {
			r.refuse(from.at(s.path+".spec.service"), "is %q, but total selects %q: no span would match; leave it out",
				excerpt(part.Service), excerpt(i.Total.Service))
		}
	}
}

// spans is a source that this program measures, or nil.
func (r *resolver) spans(from place, s *source) *spans {
	if s == nil {
		return nil
	}
	kind, field := s.sourceType, from.at(s.path+".type")
	if s.ref != "" {
		at := from.at(s.path + ".metricSourceRef")
		found, data := lookUp[dataSource](r, at, slo.KindDataSource, s.ref)
		switch {
		case data == nil || data.sourceType == "": // That it is not known is told.
			if kind == "" {
				return nil
			}
		case kind == "":
			kind, field = data.sourceType, at
		case kind != data.sourceType:
			r.refuse(field, "is %s, but %s is of type %s: leave it out, or name another source",
				excerpt(kind), found, excerpt(data.sourceType))
			return nil
		}
	}
	switch {
	case from.at(s.path + ".type").faulty(), kind == "" && from.at(s.path+".metricSourceRef").faulty():
		return nil
	case kind == "":
		r.note(field, "is missing, and no metricSourceRef says it: write %s", spansType)
		return nil
	case kind != spansType:
		r.note(field, "metric source type %s is not measured here; %s is", excerpt(kind), spansType)
		return nil
	case s.spans != nil:
		return s.spans
	}
	return r.pendingSpans(from, s)
}

// pendingSpans reads the spec of a source whose type is known only now.
func (r *resolver) pendingSpans(from place, s *source) *spans {
	if s.pending == nil {
		return nil
	}
	p := parser{file: from.object.File}
	reader := reader{
		parser: &p, document: from.object.Document, object: from.object.String(), lines: map[string]int{}, faulty: map[string]bool{},
	}
	spec := value{node: s.pending, path: s.path + ".spec"}
	read := reader.spans(spec, s.withValue)
	for _, fault := range p.faults {
		fault.Line = from.object.lineOf(fault.Field)
		r.faults = append(r.faults, fault)
	}
	return read
}
