package shape

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// nest makes a value that holds others, depth values in all.
func nest(value pcommon.Value, depth int, maps bool) {
	for range depth - 1 {
		if maps {
			value = value.SetEmptyMap().PutEmpty("k")
		} else {
			value = value.SetEmptySlice().AppendEmpty()
		}
	}
	value.SetStr("x")
}

// places are all the attributes of a request, each as a request that nests there.
func places(tb testing.TB, depth int, maps bool) map[string]struct {
	of   Kind
	data []byte
} {
	tb.Helper()
	all := map[string]struct {
		of   Kind
		data []byte
	}{}
	for name, at := range map[string]func(ptrace.ResourceSpans) pcommon.Map{
		"resource": func(r ptrace.ResourceSpans) pcommon.Map { return r.Resource().Attributes() },
		"scope":    func(r ptrace.ResourceSpans) pcommon.Map { return r.ScopeSpans().AppendEmpty().Scope().Attributes() },
		"span": func(r ptrace.ResourceSpans) pcommon.Map {
			return r.ScopeSpans().AppendEmpty().Spans().AppendEmpty().Attributes()
		},
		"event": func(r ptrace.ResourceSpans) pcommon.Map {
			return r.ScopeSpans().AppendEmpty().Spans().AppendEmpty().Events().AppendEmpty().Attributes()
		},
		"link": func(r ptrace.ResourceSpans) pcommon.Map {
			return r.ScopeSpans().AppendEmpty().Spans().AppendEmpty().Links().AppendEmpty().Attributes()
		},
	} {
		td := ptrace.NewTraces()
		nest(at(td.ResourceSpans().AppendEmpty()).PutEmpty("k"), depth, maps)
		data, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
		require.NoError(tb, err)
		all["traces/"+name] = struct {
			of   Kind
			data []byte
		}{Traces, data}
	}
	for name, at := range map[string]func(pmetric.Metric) pcommon.Map{
		"metadata": func(m pmetric.Metric) pcommon.Map { return m.Metadata() },
		"gauge":    func(m pmetric.Metric) pcommon.Map { return m.SetEmptyGauge().DataPoints().AppendEmpty().Attributes() },
		"sum":      func(m pmetric.Metric) pcommon.Map { return m.SetEmptySum().DataPoints().AppendEmpty().Attributes() },
		"histogram": func(m pmetric.Metric) pcommon.Map {
			return m.SetEmptyHistogram().DataPoints().AppendEmpty().Attributes()
		},
		"exponential histogram": func(m pmetric.Metric) pcommon.Map {
			return m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Attributes()
		},
		"summary": func(m pmetric.Metric) pcommon.Map { return m.SetEmptySummary().DataPoints().AppendEmpty().Attributes() },
		"exemplar of a sum": func(m pmetric.Metric) pcommon.Map {
			return m.SetEmptySum().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes()
		},
		"exemplar of a histogram": func(m pmetric.Metric) pcommon.Map {
			return m.SetEmptyHistogram().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes()
		},
		"exemplar of an exponential histogram": func(m pmetric.Metric) pcommon.Map {
			return m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes()
		},
	} {
		md := pmetric.NewMetrics()
		nest(at(md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()).PutEmpty("k"), depth, maps)
		data, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
		require.NoError(tb, err)
		all["metrics/"+name] = struct {
			of   Kind
			data []byte
		}{Metrics, data}
	}
	ld := plog.NewLogs()
	record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	nest(record.Body(), depth, maps)
	data, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	require.NoError(tb, err)
	all["logs/body"] = struct {
		of   Kind
		data []byte
	}{Logs, data}
	return all
}

func TestAttributesMayNestOnlySoDeepWhereverTheyAre(t *testing.T) {
	t.Parallel()
	s := NewSchema()
	for _, maps := range []bool{false, true} {
		for name, allowed := range places(t, maxNesting, maps) {
			require.NoError(t, check(s, allowed.of, allowed.data), "%s, maps %t", name, maps)
		}
		for name, refused := range places(t, maxNesting+1, maps) {
			require.ErrorIs(t, check(s, refused.of, refused.data), errNesting, "%s, maps %t", name, maps)
		}
	}
}

func TestADeprecatedFieldIsNoWayAround(t *testing.T) {
	t.Parallel()
	td := ptrace.NewTraces()
	nest(td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().Attributes().PutEmpty("k"), maxNesting+1, false)
	data, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(t, err)
	// ResourceSpans is field 1 of the request; its field 2 (key 0x12) becomes 1000 (key 0xc2 0x3e).
	at := bytes.IndexByte(data, 0x12)
	inner := append([]byte{0xc2, 0x3e}, data[at+1:]...)
	renamed := append([]byte{0x0a}, binary.AppendUvarint(nil, uint64(len(inner)))...)
	require.ErrorIs(t, check(NewSchema(), Traces, append(renamed, inner...)), errNesting)
}

func TestEmptyMessagesAreBounded(t *testing.T) {
	t.Parallel()
	s := NewSchema()
	require.NoError(t, check(s, Traces, bytes.Repeat([]byte{0x0a, 0x00}, MaxMessages-1)))
	require.ErrorIs(t, check(s, Traces, bytes.Repeat([]byte{0x0a, 0x00}, MaxMessages)), errMessages)
}

func TestTwentyMiBOfUsualSpansPass(t *testing.T) {
	t.Parallel()
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 45_000 {
		span := spans.AppendEmpty()
		span.SetTraceID(pcommon.TraceID{1})
		span.SetSpanID(pcommon.SpanID{1})
		span.SetName("GET /api/v1/orders/{id}")
		for i := range 12 {
			span.Attributes().PutStr(fmt.Sprintf("http.attribute.%d", i), "usual value")
		}
	}
	data, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(t, err)
	require.Greater(t, len(data), 19<<20)
	require.NoError(t, check(NewSchema(), Traces, data))
}

func TestMalformedRequestsDoNotPassUnseen(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"a key that does not end":       {0x80},
		"a number that does not end":    {0x08, 0x80},
		"a length beyond the end":       {0x0a, 0x05, 0x00},
		"a length that overflows":       {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"eight bytes of which four are": {0x09, 1, 2, 3, 4},
		"a group":                       {0x0b, 0x0c},
		"noise":                         []byte("not protobuf"),
	} {
		require.ErrorIs(t, check(NewSchema(), Traces, data), errMalformed, name)
	}
}

func TestJSONIsBounded(t *testing.T) {
	t.Parallel()
	td := ptrace.NewTraces()
	nest(td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().Attributes().PutEmpty(`a "{[\\[{" key`), maxNesting, true)
	data, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, checkText(data))
	require.NoError(t, checkText([]byte(`{"k": "`+strings.Repeat("[", 10_000)+`"}`)), "brackets in text do not count")
	require.ErrorIs(t, checkText([]byte(strings.Repeat("[", maxBrackets+1))), errBrackets)
	require.ErrorIs(t, checkText([]byte(strings.Repeat("{}", MaxMessages+1))), errMessages)
}

func FuzzCheckProtobuf(f *testing.F) {
	for _, place := range places(f, 3, true) {
		f.Add(place.data)
	}
	f.Add([]byte{0x0a, 0x00})
	s := NewSchema()
	f.Fuzz(func(t *testing.T, data []byte) {
		err := check(s, Traces, data)
		if decodeErr := ptraceotlp.NewExportRequest().UnmarshalProto(data); decodeErr == nil && len(data) < 1000 {
			// Whatever is small and can be decoded passes, but for what nests deep and for groups.
			if err != nil {
				require.Contains(t, []error{errNesting, errMalformed}, err)
			}
		}
	})
}

func BenchmarkCheckProtobuf(b *testing.B) {
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 500 {
		span := spans.AppendEmpty()
		span.SetName("GET /api/v1/orders/{id}")
		for i := range 10 {
			span.Attributes().PutStr(fmt.Sprintf("http.request.attribute.%d", i), "some usual value")
		}
	}
	data, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(b, err)
	s := NewSchema()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, check(s, Traces, data))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/span")
}

func check(s *Schema, of Kind, data []byte) error {
	_, err := s.Protobuf(of, data)
	return err
}

func checkText(data []byte) error {
	_, err := JSON(data)
	return err
}
