package audit_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
)

// The bounds of the worlds: short, so that short journals reach beyond them.
const (
	horizon = time.Minute
	late    = 5 * time.Minute
	future  = 20 * time.Second
	shard   = "main"
)

// conditions are three that can be told from the span's name and status.
type conditions struct{}

func (conditions) Holds(text string, _ ptrace.ResourceSpans, scope ptrace.ScopeSpans, span ptrace.Span) (holds, known bool) {
	switch text {
	case "failed":
		return span.Status().Code() == ptrace.StatusCodeError, true
	case "in scope":
		return scope.Scope().Name() == "s", true
	case "odd":
		return false, span.Name() != "odd"
	default:
		return false, false
	}
}

// Value is of two: the size is in the name, the share in the status.
func (conditions) Value(text string, _ ptrace.ResourceSpans, _ ptrace.ScopeSpans, span ptrace.Span) (value any, known bool) {
	switch text {
	case "size":
		return int64(len(span.Name())), true // odd has 3, even has 4
	case "share":
		return map[ptrace.StatusCode]any{ptrace.StatusCodeUnset: 0.25, ptrace.StatusCodeError: "a text"}[span.Status().Code()], true
	default:
		return nil, false
	}
}

// indicators are those that worlds count.
func indicators() []slo.Indicator {
	return []slo.Indicator{
		{Good: &slo.SpanSource{MaxDuration: 300}},
		{Total: slo.SpanSource{Service: "a"}, Bad: &slo.SpanSource{Condition: "failed"}},
		{Total: slo.SpanSource{Condition: "odd"}, Good: &slo.SpanSource{Service: "b", Condition: "failed"}},
		{Total: slo.SpanSource{Service: "b", MaxDuration: 500}, Bad: &slo.SpanSource{Condition: "does not compile"}},
		{Total: slo.SpanSource{Condition: "in scope", MaxDuration: 200}, Good: &slo.SpanSource{}, Bad: &slo.SpanSource{}},
		{Total: slo.SpanSource{Service: "a"}, Good: &slo.SpanSource{MaxDuration: -1}},
		{Value: &slo.Value{Of: "size", Threshold: slo.Threshold{Op: slo.GT, Limit: "3.5"}}},
		{Total: slo.SpanSource{Service: "b"}, Value: &slo.Value{Of: "share", Raw: slo.RawFailure}},
	}
}

// bucket is the place of one bucket.
type bucket struct {
	series slo.SeriesID
	slice  slo.Slice
}

// world is a journal with the ledger that belongs to it.
type world struct {
	records   []slo.Record
	oldest    slo.Offset
	cursor    slo.Cursor
	stretches map[slo.SeriesID][]slo.Stretch
	buckets   map[bucket]slo.Counts
	// fine is the slice before which the ledger has minutes alone.
	fine  slo.Slice
	saved []slo.Audit
	// repeated are what repeats would have counted.
	repeated map[bucket]slo.Counts
	// between is called between a snapshot and the walk that follows.
	between func()
}

func (w *world) Walk(ctx context.Context, after slo.Offset, visit func(slo.Record) error) error {
	if between := w.between; between != nil {
		w.between = nil
		between()
	}
	for _, r := range w.records {
		if r.Offset <= after || r.Offset < w.oldest {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := visit(r); err != nil {
			return fmt.Errorf("visit: %w", err)
		}
	}
	return nil
}

func (w *world) Oldest() (slo.Offset, error) { return w.oldest, nil }

func (w *world) Snapshot(_ context.Context, _ string, from, to slo.Slice) (slo.Snapshot, error) {
	s := slo.Snapshot{Cursor: w.cursor, Stretches: w.stretches, Buckets: map[slo.SeriesID][]slo.Bucket{}, Fine: max(from, min(w.fine, to))}
	minutes := map[bucket]slo.Counts{}
	for b, counts := range w.buckets {
		if b.slice < w.fine {
			b.slice -= b.slice % 6
			minutes[b] = minutes[b].Plus(counts)
			continue
		}
		if from <= b.slice && b.slice < to {
			s.Buckets[b.series] = append(s.Buckets[b.series], slo.Bucket{Slice: b.slice, Counts: counts})
		}
	}
	for b, counts := range minutes {
		if from <= b.slice && b.slice < to {
			s.Buckets[b.series] = append(s.Buckets[b.series], slo.Bucket{Slice: b.slice, Minute: true, Counts: counts})
		}
	}
	return s, nil
}

func (w *world) SaveAudit(_ context.Context, a slo.Audit, _ []slo.Notification) error {
	w.saved = append(w.saved, a)
	return nil
}

// newWorld is one without records.
func newWorld() *world {
	return &world{
		oldest: 1, stretches: map[slo.SeriesID][]slo.Stretch{}, buckets: map[bucket]slo.Counts{}, repeated: map[bucket]slo.Counts{},
	}
}

// drawWorld makes a journal, and counts it as a ledger should.
func drawWorld(t *rapid.T) *world {
	w := newWorld()
	arrival := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	pauses := []time.Duration{0, 1, time.Second, 11 * time.Second, horizon - 1, horizon, horizon + 1, 2 * time.Minute}
	for n := range rapid.IntRange(1, 40).Draw(t, "records") {
		arrival = arrival.Add(rapid.SampledFrom(pauses).Draw(t, "pause"))
		r := slo.Record{Offset: slo.Offset(n + 1), Arrival: arrival, Kind: slo.RecordTraces}
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			r.Kind, r.Payload = slo.RecordDefinitions, drawSet(t)
		case 1:
			r.Kind = slo.RecordHeartbeat
		case 2:
			r.Payload = []byte{0xff, 0xff} // It cannot be decoded.
		default:
			r.Payload = drawBatch(t, arrival)
		}
		w.records = append(w.records, r)
	}
	w.cursor.Offset = slo.Offset(rapid.IntRange(1, len(w.records)).Draw(t, "cursor"))
	w.cursor.MeasuredUntil = w.records[w.cursor.Offset-1].Arrival
	w.stretch(t)
	w.count()
	return w
}

func drawSet(t *rapid.T) []byte {
	var set []slo.Series
	for i, indicator := range indicators() {
		if rapid.IntRange(0, 3).Draw(t, fmt.Sprint("in force ", i)) > 0 {
			set = append(set, indicator.Series())
		}
	}
	payload, err := slo.EncodeSeries(set)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// drawBatch makes spans with few identities, so that many repeat, some with
// other content, at ends on and around the limits.
func drawBatch(t *rapid.T, arrival time.Time) []byte {
	ends := []time.Duration{0, -time.Second, -15 * time.Second, -2 * time.Minute, -late, -late - 1, future, future + 1}
	traces := ptrace.NewTraces()
	for range rapid.IntRange(0, 2).Draw(t, "resources") {
		resource := traces.ResourceSpans().AppendEmpty()
		switch name := rapid.SampledFrom([]string{"a", "b", "", "7"}).Draw(t, "service"); name {
		case "":
		case "7":
			resource.Resource().Attributes().PutInt("service.name", 7)
		default:
			resource.Resource().Attributes().PutStr("service.name", name)
		}
		for range rapid.IntRange(0, 2).Draw(t, "scopes") {
			scope := resource.ScopeSpans().AppendEmpty()
			scope.Scope().SetName(rapid.SampledFrom([]string{"s", ""}).Draw(t, "scope"))
			for range rapid.IntRange(0, 3).Draw(t, "spans") {
				span := scope.Spans().AppendEmpty()
				span.SetTraceID(pcommon.TraceID{15: byte(rapid.IntRange(0, 3).Draw(t, "trace"))})
				span.SetSpanID(pcommon.SpanID{7: byte(rapid.IntRange(0, 2).Draw(t, "span"))})
				span.SetKind(ptrace.SpanKind(rapid.IntRange(1, 2).Draw(t, "span kind")))
				span.SetName(rapid.SampledFrom([]string{"odd", "even"}).Draw(t, "name"))
				if rapid.Bool().Draw(t, "failed") {
					span.Status().SetCode(ptrace.StatusCodeError)
				}
				end := arrival.Add(rapid.SampledFrom(ends).Draw(t, "end"))
				span.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
				took := rapid.SampledFrom([]time.Duration{-1, 0, 200, 201, 300, 301, 600}).Draw(t, "took")
				span.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-took)))
				switch rapid.IntRange(0, 19).Draw(t, "fault") {
				case 0:
					span.SetEndTimestamp(0)
				case 1:
					span.SetStartTimestamp(0)
				}
			}
		}
	}
	payload, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// stretch gives each series the records that it is counted for: those while it
// is in force, and some before that, which were recounted.
func (w *world) stretch(t *rapid.T) {
	inForce := map[slo.SeriesID]bool{}
	for _, r := range w.records[:w.cursor.Offset] {
		if r.Kind != slo.RecordDefinitions {
			continue
		}
		set, err := slo.DecodeSeries(r.Payload)
		if err != nil {
			t.Fatal(err)
		}
		w.cursor.Definitions = r.Payload
		now := map[slo.SeriesID]bool{}
		for _, s := range set {
			now[s.ID] = true
			list := w.stretches[s.ID]
			if !inForce[s.ID] {
				least := 0
				if len(list) > 0 {
					least = int(list[len(list)-1].Through)
				}
				after := rapid.IntRange(least, int(r.Offset)).Draw(t, "counted after")
				w.stretches[s.ID] = append(list, slo.Stretch{After: slo.Offset(after)})
			}
		}
		for id := range inForce {
			if !now[id] {
				w.stretches[id][len(w.stretches[id])-1].Through = r.Offset
			}
		}
		inForce = now
	}
}

// count is the third way to count: everything in plain maps, over all of
// history, whatever is deleted of the journal.
func (w *world) count() {
	meanings := map[slo.SeriesID]slo.Indicator{}
	for _, i := range indicators() {
		meanings[i.Series().ID] = i
	}
	sighted := map[string][]time.Time{}
	for _, r := range w.records[:w.cursor.Offset] {
		if r.Kind != slo.RecordTraces {
			continue
		}
		traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(r.Payload)
		if err != nil {
			continue
		}
		for _, resource := range traces.ResourceSpans().All() {
			service, _ := resource.Resource().Attributes().AsRaw()["service.name"].(string)
			for _, scope := range resource.ScopeSpans().All() {
				for _, span := range scope.Spans().All() {
					end := span.EndTimestamp().AsTime()
					if span.EndTimestamp() == 0 || end.Before(r.Arrival.Add(-late)) || end.After(r.Arrival.Add(future)) {
						continue
					}
					id := fmt.Sprintf("%s %s %s %q", span.TraceID(), span.SpanID(), span.Kind(), service)
					repeat := slices.ContainsFunc(sighted[id], func(at time.Time) bool { return !at.Before(r.Arrival.Add(-horizon)) })
					if span.TraceID() == (pcommon.TraceID{}) || span.SpanID() == (pcommon.SpanID{}) {
						repeat = false
					}
					sighted[id] = append(sighted[id], r.Arrival)
					into := w.buckets
					if repeat {
						into = w.repeated
					}
					for series, stretches := range w.stretches {
						if !slices.ContainsFunc(stretches, func(s slo.Stretch) bool {
							return r.Offset > s.After && (s.Through == 0 || r.Offset <= s.Through)
						}) {
							continue
						}
						if c := tableVerdict(meanings[series], service, scope, span); c.Total() > 0 {
							at := bucket{series, slo.Slice(end.Unix() / 10)}
							into[at] = into[at].Plus(c)
						}
					}
				}
			}
		}
	}
}

// tableVerdict judges a span by cases, one for each of indicators.
func tableVerdict(i slo.Indicator, service string, scope ptrace.ScopeSpans, span ptrace.Span) slo.Counts {
	good, bad, unknown := slo.Counts{Good: 1}, slo.Counts{Bad: 1}, slo.Counts{Unknown: 1}
	took := int64(span.EndTimestamp()) - int64(span.StartTimestamp())
	noTime := span.StartTimestamp() == 0 || took < 0
	failed, odd := span.Status().Code() == ptrace.StatusCodeError, span.Name() == "odd"
	number := slices.IndexFunc(indicators(), func(j slo.Indicator) bool { return i.Series().ID == j.Series().ID })
	switch {
	case number == 0 && noTime:
		return unknown
	case number == 0 && took <= 300, number == 1 && service == "a" && !failed:
		return good
	case number == 0, number == 1 && service == "a":
		return bad
	case number == 2 && odd:
		return unknown // In its other spans the condition does not hold.
	case number == 3 && service == "b" && (noTime || took <= 500):
		return unknown
	case number == 4 && scope.Scope().Name() == "s" && (noTime || took <= 200):
		return unknown
	case number == 5 && service == "a":
		return unknown
	case number == 6 && span.Name() == "even":
		return good
	case number == 6:
		return bad
	case number == 7 && service == "b" && failed:
		return slo.Counts{Unknown: 1_000_000_000}
	case number == 7 && service == "b":
		return slo.Counts{Good: 750_000_000, Bad: 250_000_000}
	default:
		return slo.Counts{}
	}
}

// scratch is a folder to sort in.
func scratch(t *testing.T) string {
	t.Helper()
	return t.TempDir()
}
