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
	series      []series
	conditions  []*condition
	expressions []*expression
	// everywhere are the places of the series without a service; byService
	// those of the series of one service, with everywhere in front.
	everywhere []int
	byService  map[string][]int
}

// series is one compiled series: total selects the events, verdict those of
// them that are good (or bad, if verdictIsBad), unless a value tells.
type series struct {
	id             slo.SeriesID
	total, verdict source
	verdictIsBad   bool
	value          *value
	unit           int64 // what one event counts: 1, or slo.RawUnit
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
//
// Every span counts as seen for the first time.
func (s *Set) Judge(r slo.Record, tally *Tally) error { return s.judge(r, tally, nil, nil) }

// judge is Judge. Unless they are nil, it asks a witness whether each span was
// seen before, and shows every event to watch. An error of the witness is a
// slo.ErrUnjudged: the tally then holds part of the record.
func (s *Set) judge(r slo.Record, tally *Tally, w witness, watch func(*judge, outcome)) error {
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
	if w != nil {
		if err := w.begin(r); err != nil {
			return unjudged(r, err)
		}
	}
	tally.bind(s)
	j := judge{set: s, tally: tally, witness: w, watch: watch, arrival: r.Arrival.UnixNano()}
	resources := traces.ResourceSpans()
	for i := range resources.Len() {
		j.resourceSpans(resources.At(i))
		if j.err != nil {
			return unjudged(r, j.err)
		}
	}
	return nil
}

func unjudged(r slo.Record, err error) error {
	return fmt.Errorf("%w: record %d: %w", slo.ErrUnjudged, r.Offset, err)
}

// judge is one pass over a record.
type judge struct {
	set     *Set
	tally   *Tally
	witness witness
	watch   func(*judge, outcome)
	arrival int64 // Unix nanoseconds
	place   int   // of the span at hand among all of the record
	err     error // of the witness
	share   int64 // good units of the event judged last, if it is divided

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
			if j.span(scope, spans.At(k)); j.err != nil {
				return
			}
			j.place++
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
	sighted := j.sight(span)
	if sighted == slo.First {
		j.spans++
		j.newest = max(j.newest, at)
	}
	if len(j.places) == 0 || j.err != nil {
		return
	}
	j.current = current{scope: scope, span: span, start: span.StartTimestamp(), end: span.EndTimestamp()}
	j.tally.newSpan()
	slice := slo.Slice(at / int64(slo.SliceLength))
	late := j.arrival > (int64(slice)+1)*int64(slo.SliceLength)+int64(slo.LateAfter)
	for _, place := range j.places {
		if sighted != slo.First {
			j.repeated(place, slice, sighted)
			continue
		}
		series := &j.set.series[place]
		outcome := j.outcome(series)
		if outcome == none {
			continue
		}
		cell := j.tally.count(place, slice, min(at, j.arrival))
		outcome.add(&cell.counts, series.unit, j.share)
		if late {
			cell.Late++
		}
		if j.watch != nil {
			j.watch(j, outcome)
		}
	}
	j.current.close()
}

// sight asks the witness whether the span was seen before.
func (j *judge) sight(span ptrace.Span) slo.Sighted {
	if j.witness == nil || !identified(span) {
		return slo.First
	}
	var sighted slo.Sighted
	if sighted, j.err = j.witness.sight(j, span); j.err != nil {
		return slo.First
	}
	switch sighted {
	case slo.Repeat:
		j.tally.repeats++
	case slo.Conflict:
		j.tally.conflicts++
	case slo.First:
	}
	return sighted
}

// repeated notes at the series' bucket that an event of it was not counted.
func (j *judge) repeated(place int, slice slo.Slice, sighted slo.Sighted) {
	if j.asks(&j.set.series[place].total) == no {
		return
	}
	if cell := j.tally.cellOf(place, slice); sighted == slo.Conflict {
		cell.Conflicts++
	} else {
		cell.Repeats++
	}
}

// outcome is what a span is to a series.
type outcome int

const (
	none outcome = iota // no event of the series
	good
	bad
	undecided // an event that could not be judged
	divided   // an event of a raw series: good for j.share units, bad for the rest
)

// add counts an event of that outcome. Raw series count in slo.RawUnit, so that
// an int64 holds 9.2e9 of their events: no bucket of ten seconds comes near, and
// a window of 30 days has room for 3,500 events every second.
func (o outcome) add(to *slo.Counts, unit, share int64) {
	switch o {
	case good:
		to.Good += unit
	case bad:
		to.Bad += unit
	case undecided:
		to.Unknown += unit
	case divided:
		to.Good += share
		to.Bad += unit - share
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
	if s.value != nil {
		return j.valued(s.value)
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
