package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// item is one span of a record with what surrounds it.
type item struct {
	resource ptrace.ResourceSpans
	scope    ptrace.ScopeSpans
	span     ptrace.Span
	service  string
	place    place
}

// eachItem shows every span of a message in its order, those included that the
// ledger refuses, and stops at the first error.
func eachItem(at place, traces ptrace.Traces, visit func(item) error) error {
	it := item{place: at}
	for _, resource := range traces.ResourceSpans().All() {
		it.resource, it.service = resource, ""
		if name, ok := resource.Resource().Attributes().Get("service.name"); ok && name.Type() == pcommon.ValueTypeStr {
			it.service = name.Str()
		}
		for _, scope := range resource.ScopeSpans().All() {
			it.scope = scope
			for _, span := range scope.Spans().All() {
				it.span = span
				if err := visit(it); err != nil {
					return err
				}
				it.place.number++
			}
		}
	}
	return nil
}

// identity of the item, under another hash than that of the ledger.
func (it item) identity() identity {
	trace, span := it.span.TraceID(), it.span.SpanID()
	text := make([]byte, 0, 96)
	text = append(text, trace[:]...)
	text = append(text, span[:]...)
	text = binary.BigEndian.AppendUint32(text, uint32(it.span.Kind()))
	text = append(text, it.service...)
	sum := sha256.Sum256(text)
	return identity(sum[:16])
}

// bounds are how far the end of a span may lie from its arrival, in nanoseconds.
type bounds struct{ late, future int64 }

// identified reports whether the span has ids to be known by. The receiver
// refuses others; those of an older journal are counted and never repeats.
func (it item) identified() bool { return !it.span.TraceID().IsEmpty() && !it.span.SpanID().IsEmpty() }

// eventTime is the end of the span in Unix nanoseconds, and false for a span
// that the ledger refuses: it neither counts nor is it sighted.
func (b bounds) eventTime(span ptrace.Span, arrival int64) (int64, bool) {
	end := span.EndTimestamp()
	if end == 0 || end > math.MaxInt64 {
		return 0, false
	}
	at := int64(end)
	return at, arrival-b.late <= at && at <= arrival+b.future
}
