package openslo

import (
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxCondition bounds the characters of an OTTL condition or expression.
const maxCondition = 4096

// spansType is the type of source that Slowburn measures.
const spansType = "Spans"

// source is a metric source. Those of other types than Spans are of any shape.
type source struct {
	// path is the field metricSource in its document.
	path       string
	ref        string
	sourceType string
	// spans is set once the type is known to be Spans, and until then pending, if
	// the type is that of the data source.
	spans   *spans
	pending *yaml.Node
	// withValue says that every span must have a number.
	withValue bool
}

// spans is the spec of a source of type Spans.
type spans struct {
	slo.SpanSource

	value string
}

// metric reads a metric, which has nothing but its source.
func (r *reader) metric(v value, withValue bool) *source {
	o, ok := r.asObject(v, []string{"metricSource"})
	if !ok {
		return nil
	}
	place := o.get("metricSource")
	if !r.required(place) {
		return nil
	}
	s, ok := r.asObject(place, []string{"metricSourceRef", "type", "spec"})
	if !ok {
		return nil
	}
	read := &source{path: place.path, withValue: withValue}
	if ref := s.get("metricSourceRef"); ref.present() {
		read.ref = r.reference(ref, slo.KindDataSource)
	}
	if kind := s.get("type"); kind.present() {
		read.sourceType = r.name(kind)
	} else if read.ref == "" && !s.get("metricSourceRef").present() {
		r.warn(kind, "must not be left out without metricSourceRef")
	}
	if spec := s.get("spec"); r.required(spec) {
		r.sourceSpec(spec, read)
	}
	return read
}

// sourceSpec reads what depends on the type.
func (r *reader) sourceSpec(v value, into *source) {
	if v.node.Kind != yaml.MappingNode {
		r.refuse(v, "must be a map, found %s", r.describe(v.node))
		return
	}
	if into.sourceType == spansType {
		into.spans = r.spans(v, into.withValue)
		return
	}
	if len(v.node.Content) == 0 {
		r.refuse(v, "must not be empty")
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if key := resolve(v.node.Content[i]); key.Kind == yaml.ScalarNode {
			child := v.at("."+pathKey(key.Value), v.node.Content[i+1])
			r.lines[child.path] = child.line
		}
	}
	if into.sourceType == "" {
		into.pending = plain(v.node)
	}
}

// spans reads the spec of a source of type Spans.
func (r *reader) spans(v value, withValue bool) *spans {
	known := []string{"service", "condition", "maxDuration"}
	if withValue {
		known = append(known, "value")
	}
	o, ok := r.ownObject(v, known)
	if !ok {
		return nil
	}
	service, condition, longest := o.get("service"), o.get("condition"), o.get("maxDuration")
	if !service.present() && !condition.present() && !longest.present() {
		r.refuse(v, "needs at least one of service, condition and maxDuration; the condition 'true' selects every span")
	}
	read := &spans{SpanSource: slo.SpanSource{MaxDuration: r.spanDuration(longest)}}
	if service.present() {
		read.Service = r.name(service)
	}
	read.Condition = r.expression(condition, "leave it out to select every span")
	if number := o.get("value"); number.present() {
		read.value = strings.TrimSpace(r.expression(number, "write an OTTL expression, or duration for seconds"))
	} else if withValue {
		r.refuse(number, "is required: an OTTL expression that gives a number, or duration for seconds")
	}
	return read
}

// expression reads text in OTTL.
func (r *reader) expression(v value, instead string) string {
	if !v.present() {
		return ""
	}
	text, ok := r.prose(v, maxCondition)
	if ok && strings.TrimSpace(text) == "" {
		r.refuse(v, "must not be empty: %s", instead)
		return ""
	}
	return text
}

// spanDuration reads a duration such as 300ms, 1.5s or 2m.
func (r *reader) spanDuration(v value) time.Duration {
	if !v.present() {
		return 0
	}
	const want = "must be a duration above 0 such as 300ms, 1.5s or 2m"
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!str" {
		r.refuse(v, "%s, found %s", want, r.describe(v.node))
		return 0
	}
	d, err := time.ParseDuration(v.node.Value)
	if err != nil || d <= 0 {
		r.refuse(v, "%s, found %q", want, excerpt(v.node.Value))
		return 0
	}
	return d
}
