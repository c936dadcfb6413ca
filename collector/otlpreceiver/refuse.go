package otlpreceiver

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/collector/shape"
	"github.com/slowburn-slo/slowburn/slo"
)

var errStopping = errors.New("not stored: Slowburn is stopping; send it again")

// bounds are what an item of a request that arrives now may be.
type bounds struct {
	late, future time.Duration
	// oldest and newest are the event times that are accepted, both included.
	oldest, newest pcommon.Timestamp
	// attributes says that some may be too many, too large or too deep.
	attributes bool
}

func (r *otlpReceiver) bounds(oversized bool) bounds {
	arrival := r.now().UnixNano()
	return bounds{
		late: r.config.Late, future: r.config.Future,
		oldest:     pcommon.Timestamp(max(0, arrival-int64(r.config.Late))),
		newest:     pcommon.Timestamp(arrival + int64(r.config.Future)),
		attributes: oversized,
	}
}

// time is why an event time is refused, empty if it is not.
func (b bounds) time(t pcommon.Timestamp) string {
	switch {
	case t >= b.oldest && t <= b.newest && t != 0:
		return ""
	case t == 0:
		return slo.RefusedNoEndTime
	case t < b.oldest:
		return slo.RefusedLate
	default:
		return slo.RefusedFuture
	}
}

// refuseSpans takes out of td what can never be accepted, and counts it. A
// resource or a scope whose attributes are beyond the limits takes its spans along.
func (b bounds) refuseSpans(td ptrace.Traces) request.Tally {
	var tally request.Tally
	td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		service, before := request.ServiceOf(rs.Resource()), tally.Total()
		fits := b.fits(rs.Resource().Attributes())
		rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
			before, fits := tally.Total(), fits && b.fits(ss.Scope().Attributes())
			ss.Spans().RemoveIf(func(span ptrace.Span) bool {
				reason := b.span(span)
				if reason == "" && !fits {
					reason = slo.RefusedLimits
				}
				if reason == "" {
					return false
				}
				tally.Add(reason, service, 1)
				return true
			})
			return tally.Total() > before && ss.Spans().Len() == 0
		})
		return tally.Total() > before && rs.ScopeSpans().Len() == 0
	})
	return tally
}

// span is why a span is refused, empty if it is not.
func (b bounds) span(span ptrace.Span) string {
	if span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
		return slo.RefusedInvalidID
	}
	if reason := b.time(span.EndTimestamp()); reason != "" {
		return reason
	}
	if !b.attributes {
		return ""
	}
	fits := b.fits(span.Attributes())
	for _, event := range span.Events().All() {
		fits = fits && b.fits(event.Attributes())
	}
	for _, link := range span.Links().All() {
		fits = fits && b.fits(link.Attributes())
	}
	if !fits {
		return slo.RefusedLimits
	}
	return ""
}

// fits reports whether attributes are within the limits.
func (b bounds) fits(attributes pcommon.Map) bool {
	if !b.attributes {
		return true
	}
	if attributes.Len() > shape.MaxAttributes {
		return false
	}
	for _, value := range attributes.All() {
		left := shape.MaxValue
		if !valueFits(value, shape.MaxNesting, &left) {
			return false
		}
	}
	return true
}

// valueFits takes the bytes of a value off what is left. The check before
// decoding bounds how deep this goes.
func valueFits(value pcommon.Value, depth int, left *int) bool {
	if depth == 0 {
		return false
	}
	switch value.Type() {
	case pcommon.ValueTypeStr:
		*left -= len(value.Str())
	case pcommon.ValueTypeBytes:
		*left -= value.Bytes().Len()
	case pcommon.ValueTypeSlice:
		for _, element := range value.Slice().All() {
			if !valueFits(element, depth-1, left) {
				return false
			}
		}
	case pcommon.ValueTypeMap:
		for key, element := range value.Map().All() {
			*left -= len(key)
			if !valueFits(element, depth-1, left) {
				return false
			}
		}
	case pcommon.ValueTypeEmpty, pcommon.ValueTypeInt, pcommon.ValueTypeDouble, pcommon.ValueTypeBool:
		*left -= 8
	}
	return *left >= 0
}

// explain is the answer to a request of which something was refused: how many
// for which reason, and what the bound is.
func (b bounds) explain(tally request.Tally, items string, sent int) partial {
	if tally.Total() == 0 {
		return partial{}
	}
	byReason := map[string]int64{}
	for _, r := range tally.Refusals("") {
		byReason[r.Reason] += r.Items
	}
	var reasons []string
	for _, known := range []struct{ reason, says string }{
		{slo.RefusedInvalidID, "the trace id or span id is missing, all zeros or of a wrong length"},
		{slo.RefusedNoEndTime, "without an end or a time"},
		{slo.RefusedLate, fmt.Sprintf("more than %s before arrival", b.late)},
		{slo.RefusedFuture, fmt.Sprintf("more than %s after arrival: mend the clock", b.future)},
		{slo.RefusedLimits, fmt.Sprintf("more than %d attributes, a value above %d KiB or nested deeper than %d",
			shape.MaxAttributes, shape.MaxValue>>10, shape.MaxNesting)},
		{slo.RefusedSignal, "logs are not accepted; set OTEL_LOGS_EXPORTER=none or send logs elsewhere"},
	} {
		if n := byReason[known.reason]; n > 0 {
			reasons = append(reasons, fmt.Sprintf("%d %s (%s)", n, known.reason, known.says))
		}
	}
	return partial{
		rejected: tally.Total(),
		message:  fmt.Sprintf("%d of %d %s were refused for good: %s", tally.Total(), sent, items, strings.Join(reasons, ", ")),
	}
}
