package indicator

import (
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
)

// Set is a compiled set of series. It does not change and is safe for
// concurrent use; what judging needs to remember is in the Tally.
type Set struct {
	series     []series
	conditions []*condition
	// everywhere are the places of the series without a service; byService
	// those of the series of one service, with everywhere in front.
	everywhere []int
	byService  map[string][]int
}

// series is one compiled series: total selects the events, verdict those of
// them that are good (or bad, if verdictIsBad).
type series struct {
	id             slo.SeriesID
	total, verdict source
	verdictIsBad   bool
}

// source is a compiled slo.SpanSource.
type source struct {
	service     string        // empty: every service
	condition   int           // a place in Set.conditions, or one of the constants below
	maxDuration time.Duration // 0: no limit
}

// What a source may have in place of a condition.
const (
	always = -1 // no condition: it holds
	broken = -2 // it does not compile: always unknown
)

// Len is the number of series in the set.
func (s *Set) Len() int { return len(s.series) }

// Judge adds the spans of a record to the tally, each at its end time. Spans
// outside the tally's limits are refused, once each and not once per series.
// A record of another kind holds no spans and adds nothing.
//
// Judge takes r.Decoded if that holds traces, else it decodes r.Payload; both
// give the same counts. It only reads them. The error says that the payload
// cannot be decoded; nothing of the record was counted then.
func (s *Set) Judge(r slo.Record, tally *Tally) error { return s.judge(r, tally, nil) }

// judge is Judge, and shows every event to watch unless that is nil.
func (s *Set) judge(r slo.Record, tally *Tally, watch func(*judge, outcome)) error {
	if r.Kind != slo.RecordTraces {
		return nil
	}
	traces, ok := r.Decoded.(ptrace.Traces)
	if !ok {
		var err error
		if traces, err = (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(r.Payload); err != nil {
			return fmt.Errorf("decode the %d bytes of traces record %d: %w", len(r.Payload), r.Offset, err)
		}
	}
	tally.bind(s)
	j := judge{set: s, tally: tally, watch: watch, arrival: r.Arrival.UnixNano()}
	resources := traces.ResourceSpans()
	for i := range resources.Len() {
		j.resourceSpans(resources.At(i))
	}
	return nil
}

// judge is one pass over a record.
type judge struct {
	set     *Set
	tally   *Tally
	watch   func(*judge, outcome)
	arrival int64 // Unix nanoseconds

	// Of the resource at hand:
	resource ptrace.ResourceSpans
	service  string
	places   []int // the series that may select its spans
	spans    int64 // spans accepted
	newest   int64 // their newest end, Unix nanoseconds

	// Of the span at hand:
	current current
}

func (j *judge) resourceSpans(r ptrace.ResourceSpans) {
	j.resource, j.service, j.spans, j.newest = r, serviceName(r.Resource()), 0, 0
	places, ok := j.set.byService[j.service]
	if !ok {
		places = j.set.everywhere
	}
	j.places = places
	scopes := r.ScopeSpans()
	for i := range scopes.Len() {
		scope := scopes.At(i)
		spans := scope.Spans()
		for k := range spans.Len() {
			j.span(scope, spans.At(k))
		}
	}
	if j.spans > 0 {
		j.tally.services.add(j.service, j.spans, min(j.newest, j.arrival))
	}
}

// serviceName is the resource's service.name, empty if it has none.
func serviceName(r pcommon.Resource) string {
	name, ok := r.Attributes().Get("service.name")
	if !ok || name.Type() != pcommon.ValueTypeStr {
		return ""
	}
	return name.Str()
}

func (j *judge) span(scope ptrace.ScopeSpans, span ptrace.Span) {
	at, refusal := j.tally.limits.eventTime(span.EndTimestamp(), j.arrival)
	if refusal != accepted {
		j.tally.refused[refusal]++
		return
	}
	j.spans++
	j.newest = max(j.newest, at)
	if len(j.places) == 0 {
		return
	}
	j.current = current{scope: scope, span: span, start: span.StartTimestamp(), end: span.EndTimestamp()}
	j.tally.newSpan()
	slice := slo.Slice(at / int64(slo.SliceLength))
	for _, place := range j.places {
		outcome := j.outcome(&j.set.series[place])
		if outcome == none {
			continue
		}
		counts := j.tally.count(place, slice, min(at, j.arrival))
		outcome.add(counts)
		if j.watch != nil {
			j.watch(j, outcome)
		}
	}
	j.current.close()
}

// outcome is what a span is to a series.
type outcome int

const (
	none outcome = iota // no event of the series
	good
	bad
	undecided // an event that could not be judged
)

// add counts an event of that outcome.
func (o outcome) add(to *slo.Counts) {
	switch o {
	case good:
		to.Good++
	case bad:
		to.Bad++
	case undecided:
		to.Unknown++
	case none:
	}
}

// outcome judges the span at hand.
func (j *judge) outcome(s *series) outcome {
	switch j.asks(&s.total) {
	case no:
		return none
	case unknown:
		return undecided
	case yes:
	}
	switch verdict := j.asks(&s.verdict); {
	case verdict == unknown:
		return undecided
	case (verdict == yes) != s.verdictIsBad:
		return good
	default:
		return bad
	}
}

// asks is whether a source selects the span at hand: the cheap questions
// first, and the condition only if they leave it open.
func (j *judge) asks(s *source) answer {
	if s.service != "" && s.service != j.service {
		return no
	}
	within := j.current.within(s.maxDuration)
	if within == no {
		return no
	}
	return within.and(j.condition(s.condition))
}

// condition is the answer of one condition, evaluated at most once per span.
func (j *judge) condition(place int) answer {
	switch place {
	case always:
		return yes
	case broken:
		return unknown
	}
	if a, ok := j.tally.recall(place); ok {
		return a
	}
	a := j.set.conditions[place].ask(j.current.context(j.resource))
	j.tally.remember(place, a)
	return a
}
