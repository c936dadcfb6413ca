package otlpreceiver

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
)

// deep makes a value of so many values in each other.
func deep(v pcommon.Value, depth int) {
	for range depth - 1 {
		v = v.SetEmptySlice().AppendEmpty()
	}
	v.SetInt(1)
}

func many(m pcommon.Map, n int) {
	for i := range n {
		m.PutBool(fmt.Sprint(i), true)
	}
}

// flaw is one thing that can be wrong with a span, and the reason for which it
// is refused then; empty if it is on the right side of the bound.
type flaw struct {
	name, reason string
	make         func(ptrace.Span)
}

func flaws() []flaw {
	text := func(n int) string { return strings.Repeat("x", n) }
	return []flaw{
		{"nothing", "", func(ptrace.Span) {}},
		{"no trace id", slo.RefusedInvalidID, func(s ptrace.Span) { s.SetTraceID(pcommon.TraceID{}) }},
		{"no span id", slo.RefusedInvalidID, func(s ptrace.Span) { s.SetSpanID(pcommon.SpanID{}) }},
		{"no parent", "", func(s ptrace.Span) { s.SetParentSpanID(pcommon.SpanID{}) }},
		{"no end", slo.RefusedNoEndTime, func(s ptrace.Span) { s.SetEndTimestamp(0) }},
		{"24 h ago", "", func(s ptrace.Span) { s.SetEndTimestamp(at(-24 * time.Hour)) }},
		{"1 ns more", slo.RefusedLate, func(s ptrace.Span) { s.SetEndTimestamp(at(-24*time.Hour) - 1) }},
		{"10 min ahead", "", func(s ptrace.Span) { s.SetEndTimestamp(at(10 * time.Minute)) }},
		{"1 ns further", slo.RefusedFuture, func(s ptrace.Span) { s.SetEndTimestamp(at(10*time.Minute) + 1) }},
		{"the end of time", slo.RefusedFuture, func(s ptrace.Span) { s.SetEndTimestamp(1<<64 - 1) }},
		{"256 attributes", "", func(s ptrace.Span) { many(s.Attributes(), 256) }},
		{"257 attributes", slo.RefusedLimits, func(s ptrace.Span) { many(s.Attributes(), 257) }},
		{"a value of 64 KiB", "", func(s ptrace.Span) { s.Attributes().PutStr("k", text(64<<10)) }},
		{"a value above", slo.RefusedLimits, func(s ptrace.Span) { s.Attributes().PutStr("k", text(64<<10+1)) }},
		{"bytes above", slo.RefusedLimits, func(s ptrace.Span) { s.Attributes().PutEmptyBytes("k").Append(make([]byte, 64<<10+1)...) }},
		{"a map above", slo.RefusedLimits, func(s ptrace.Span) {
			m := s.Attributes().PutEmptyMap("k")
			m.PutStr("one", text(40<<10))
			m.PutStr("two", text(40<<10))
		}},
		{"16 deep", "", func(s ptrace.Span) { deep(s.Attributes().PutEmpty("k"), 16) }},
		{"17 deep", slo.RefusedLimits, func(s ptrace.Span) { deep(s.Attributes().PutEmpty("k"), 17) }},
		{"a stack trace of 60 KiB", "", func(s ptrace.Span) {
			s.Events().AppendEmpty().Attributes().PutStr("exception.stacktrace", text(60<<10))
		}},
		{"one above 64 KiB", slo.RefusedLimits, func(s ptrace.Span) { s.Events().AppendEmpty().Attributes().PutStr("k", text(64<<10+1)) }},
		{"a link with 257 attributes", slo.RefusedLimits, func(s ptrace.Span) { many(s.Links().AppendEmpty().Attributes(), 257) }},
	}
}

func goodSpan(s ptrace.Span, name string) {
	s.SetName(name)
	s.SetTraceID(pcommon.TraceID{1})
	s.SetSpanID(pcommon.SpanID{2})
	s.SetParentSpanID(pcommon.SpanID{3})
	s.SetEndTimestamp(at(0))
}

// Requests of random spans, each with at most one flaw: what is refused and what
// stays is exactly what the table says, whatever lies beside it.
func TestExactlyTheFlawedSpansAreRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		td := ptrace.NewTraces()
		var stay []string
		refused, total := map[slo.Refusal]int64{}, 0
		for r := range rapid.IntRange(0, 3).Draw(t, "resources") {
			rs := td.ResourceSpans().AppendEmpty()
			service := rapid.SampledFrom([]string{"", "checkout", "cart"}).Draw(t, "service")
			if service != "" {
				rs.Resource().Attributes().PutStr("service.name", service)
			}
			wide := rapid.IntRange(0, 9).Draw(t, "wide") == 0
			if wide {
				many(rs.Resource().Attributes(), 257)
			}
			for s := range rapid.IntRange(0, 2).Draw(t, "scopes") {
				ss := rs.ScopeSpans().AppendEmpty()
				for i := range rapid.IntRange(0, 4).Draw(t, "spans") {
					f := rapid.SampledFrom(flaws()).Draw(t, "flaw")
					span := ss.Spans().AppendEmpty()
					goodSpan(span, fmt.Sprint(r, s, i, f.name))
					f.make(span)
					total++
					reason := f.reason
					if reason == "" && wide {
						reason = slo.RefusedLimits
					}
					if reason == "" {
						stay = append(stay, span.Name())
					} else {
						refused[slo.Refusal{Signal: "traces", Reason: reason, Service: service}]++
					}
				}
			}
		}
		body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
		require.NoError(t, err)
		inFormat := incoming{format: protobuf, body: body}
		end := &sink{}
		r := newReceiver(defaultConfig(), receiverSettings(), noon)
		defer r.hurry()
		r.nextTraces = end
		answer, err := r.takeTraces(t.Context(), inFormat)
		require.NoError(t, err)

		sum := int64(0)
		got := map[slo.Refusal]int64{}
		for _, x := range end.refused {
			sum += x.Items
			got[slo.Refusal{Signal: x.Signal, Reason: x.Reason, Service: x.Service}] += x.Items
		}
		require.Equal(t, refused, got)
		require.Equal(t, sum, answer.rejected)
		if total == 0 {
			require.Empty(t, end.traces)
			return
		}
		require.Len(t, end.traces, 1)
		var names []string
		for _, rs := range end.traces[0].ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, s := range ss.Spans().All() {
					names = append(names, s.Name())
				}
			}
		}
		require.Equal(t, stay, names)
		if sum == 0 {
			require.Equal(t, body, end.payload[0], "the bytes as they came")
			require.Empty(t, answer.message)
		} else {
			require.Nil(t, end.payload[0])
			require.Contains(t, answer.message, fmt.Sprintf("%d of %d spans were refused", sum, total))
		}
	})
}

func TestDataPointsAreRefusedOneByOne(t *testing.T) {
	t.Parallel()
	times := map[pcommon.Timestamp]string{
		at(0): "", at(-24 * time.Hour): "", at(-24*time.Hour) - 1: slo.RefusedLate,
		at(10 * time.Minute): "", at(10*time.Minute) + 1: slo.RefusedFuture, 0: slo.RefusedNoEndTime,
	}
	kinds := map[string]func(pmetric.Metric) func() interface {
		SetTimestamp(pcommon.Timestamp)
		Attributes() pcommon.Map
	}{}
	type settable = interface {
		SetTimestamp(pcommon.Timestamp)
		Attributes() pcommon.Map
	}
	kinds["gauge"] = func(m pmetric.Metric) func() settable {
		all := m.SetEmptyGauge().DataPoints()
		return func() settable { return all.AppendEmpty() }
	}
	kinds["sum"] = func(m pmetric.Metric) func() settable {
		all := m.SetEmptySum().DataPoints()
		return func() settable { return all.AppendEmpty() }
	}
	kinds["histogram"] = func(m pmetric.Metric) func() settable {
		all := m.SetEmptyHistogram().DataPoints()
		return func() settable { return all.AppendEmpty() }
	}
	kinds["exponential histogram"] = func(m pmetric.Metric) func() settable {
		all := m.SetEmptyExponentialHistogram().DataPoints()
		return func() settable { return all.AppendEmpty() }
	}
	kinds["summary"] = func(m pmetric.Metric) func() settable {
		all := m.SetEmptySummary().DataPoints()
		return func() settable { return all.AppendEmpty() }
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			md := pmetric.NewMetrics()
			rm := md.ResourceMetrics().AppendEmpty()
			rm.Resource().Attributes().PutStr("service.name", "checkout")
			add := kind(rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty())
			for when := range times {
				add().SetTimestamp(when)
			}
			wide := add()
			wide.SetTimestamp(at(0))
			many(wide.Attributes(), 257)
			end := &sink{}
			r := receiverTo(t, end)
			body, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
			require.NoError(t, err)
			in := incoming{format: protobuf, body: body}
			answer, err := r.takeMetrics(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, int64(4), answer.rejected)
			require.Equal(t, 3, end.metrics[0].DataPointCount())
			require.ElementsMatch(t, []slo.Refusal{
				{Signal: "metrics", Reason: slo.RefusedLate, Service: "checkout", Items: 1},
				{Signal: "metrics", Reason: slo.RefusedFuture, Service: "checkout", Items: 1},
				{Signal: "metrics", Reason: slo.RefusedNoEndTime, Service: "checkout", Items: 1},
				{Signal: "metrics", Reason: slo.RefusedLimits, Service: "checkout", Items: 1},
			}, end.refused)
			require.Equal(t, "4 of 7 data points were refused for good: 1 no_end_time (without an end or a time), "+
				"1 late (more than 24h0m0s before arrival), 1 future (more than 10m0s after arrival: mend the clock), "+
				"1 limits (more than 256 attributes, a value above 64 KiB or nested deeper than 16)", answer.message)
		})
	}
}

func TestBytesAreNotHandedToAPipelineThatChangesData(t *testing.T) {
	t.Parallel()
	td := ptrace.NewTraces()
	goodSpan(td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty(), "a")
	body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(t, err)
	for _, mutates := range []bool{false, true} {
		end := &sink{mutates: mutates}
		_, err = receiverTo(t, end).takeTraces(t.Context(), incoming{format: protobuf, body: body})
		require.NoError(t, err)
		require.Equal(t, mutates, end.payload[0] == nil)
		require.Equal(t, mutates, !end.traces[0].IsReadOnly())
	}
}
