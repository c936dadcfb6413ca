package decode_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/collector/pdata/xpdata/pref"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/collector/decode"
	"github.com/slowburn-slo/slowburn/collector/shape"
)

// compare decodes a request here and by the library. What is decoded here must
// be what the library makes of it, and the check of its shape must agree.
func compare(t require.TestingT, schema *shape.Schema, request []byte) bool {
	before := bytes.Clone(request)
	td, findings, ok := decode.Traces(request)
	require.Equal(t, before, request, "a request is not changed")
	if !ok {
		return false
	}
	want, err := schema.Protobuf(shape.Traces, request)
	require.NoError(t, err, "what the check refuses must not pass")
	require.Equal(t, want, findings)
	library := ptraceotlp.NewExportRequest()
	require.NoError(t, library.UnmarshalProto(request), "what the library refuses must not pass")
	if !pref.EqualTraces(library.Traces(), td) { // Or NaN is not NaN.
		require.Equal(t, encode(t, library.Traces()), encode(t, td), "the library decodes otherwise: %x", request)
	}
	return true
}

func encode(t require.TestingT, td ptrace.Traces) []byte {
	request, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(t, err)
	return request
}

// full is a request in which every field is set.
func full() ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.SetSchemaUrl("https://example.org/1")
	rs.Resource().Attributes().PutStr("service.name", "pay")
	rs.Resource().Attributes().PutEmptySlice("process.command_args").AppendEmpty().SetStr("--all")
	rs.Resource().SetDroppedAttributesCount(1)
	ss := rs.ScopeSpans().AppendEmpty()
	ss.SetSchemaUrl("https://example.org/2")
	ss.Scope().SetName("scope")
	ss.Scope().SetVersion("1.2")
	ss.Scope().Attributes().PutBool("b", true)
	ss.Scope().SetDroppedAttributesCount(2)
	for i := range 3 {
		span := ss.Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{1, byte(i)})
		span.SetSpanID(pcommon.SpanID{2, byte(i)})
		span.SetParentSpanID(pcommon.SpanID{3})
		span.TraceState().FromRaw("a=b")
		span.SetName("GET /pay")
		span.SetKind(ptrace.SpanKindServer)
		span.SetFlags(0x301)
		span.SetStartTimestamp(1)
		span.SetEndTimestamp(math.MaxUint64)
		span.Attributes().PutInt("small", 200)
		span.Attributes().PutInt("negative", -1)
		span.Attributes().PutDouble("ratio", -0.5)
		span.Attributes().PutEmptyBytes("bytes").FromRaw([]byte{0, 255})
		span.Attributes().PutEmpty("empty")
		inner := span.Attributes().PutEmptyMap("map")
		inner.PutStr("k", "v")
		inner.PutEmptySlice("list").AppendEmpty().SetEmptyMap().PutStr("x", "")
		span.SetDroppedAttributesCount(300)
		span.SetDroppedEventsCount(4)
		span.SetDroppedLinksCount(5)
		event := span.Events().AppendEmpty()
		event.SetName("exception")
		event.SetTimestamp(7)
		event.Attributes().PutStr("exception.type", "E")
		event.SetDroppedAttributesCount(6)
		link := span.Links().AppendEmpty()
		link.SetTraceID(pcommon.TraceID{9})
		link.SetSpanID(pcommon.SpanID{8})
		link.TraceState().FromRaw("c=d")
		link.Attributes().PutStr("l", "v")
		link.SetDroppedAttributesCount(7)
		link.SetFlags(1)
		span.Status().SetCode(ptrace.StatusCodeError)
		span.Status().SetMessage("declined")
	}
	return td
}

func TestUsualRequestsAreDecodedHere(t *testing.T) {
	t.Parallel()
	schema := shape.NewSchema()
	for name, change := range map[string]func(ptrace.Traces){
		"every field set": func(ptrace.Traces) {},
		"empty":           func(td ptrace.Traces) { td.ResourceSpans().RemoveIf(func(ptrace.ResourceSpans) bool { return true }) },
		"a resource without spans": func(td ptrace.Traces) {
			td.ResourceSpans().At(0).ScopeSpans().RemoveIf(func(ptrace.ScopeSpans) bool { return true })
		},
		"a text that does not share":      func(td ptrace.Traces) { first(td).Attributes().PutStr("stack", strings.Repeat("x", 5000)) },
		"a value that is too large":       func(td ptrace.Traces) { first(td).Attributes().PutStr("stack", strings.Repeat("x", 70_000)) },
		"two keys that are equal":         func(td ptrace.Traces) { first(td).Status().SetMessage("") },
		"too many attributes":             func(td ptrace.Traces) { many(first(td).Attributes(), 300) },
		"too many attributes of an event": func(td ptrace.Traces) { many(first(td).Events().At(0).Attributes(), 300) },
		"without identities": func(td ptrace.Traces) {
			first(td).SetTraceID(pcommon.TraceID{})
			first(td).SetSpanID(pcommon.SpanID{})
		},
		"no number": func(td ptrace.Traces) { first(td).Attributes().PutDouble("nan", math.NaN()) },
		"no UTF-8":  func(td ptrace.Traces) { first(td).SetName("\xff\xfe") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			td := full()
			change(td)
			require.True(t, compare(t, schema, encode(t, td)))
		})
	}
}

func first(td ptrace.Traces) ptrace.Span {
	return td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
}

func many(m pcommon.Map, n int) {
	for i := range n {
		m.PutInt(fmt.Sprintf("k%d", i), int64(i))
	}
}

// bytesField is a field of bytes.
func bytesField(number uint64, content ...byte) []byte {
	head := binary.AppendUvarint(binary.AppendUvarint(nil, number<<3|2), uint64(len(content)))
	return append(head, content...)
}

// inSpan is a request of one span of these bytes.
func inSpan(span []byte) []byte {
	return bytesField(1, bytesField(2, bytesField(2, span...)...)...)
}

func TestWhatIsUnusualIsLeftToTheLibrary(t *testing.T) {
	t.Parallel()
	deep := bytesField(1, 'x')
	for range shape.MaxNesting {
		deep = bytesField(5, bytesField(1, deep...)...)
	}
	for name, request := range map[string][]byte{
		"a field that OTLP does not have":      inSpan(bytesField(31, 'x')),
		"a known field of another type":        inSpan([]byte{5 << 3, 1}),
		"a trace id of 15 bytes":               inSpan(bytesField(1, make([]byte, 15)...)),
		"a span id of 9 bytes":                 inSpan(bytesField(2, make([]byte, 9)...)),
		"a link's trace id of 1 byte":          inSpan(bytesField(13, bytesField(1, 1)...)),
		"a value that is deeper than 16":       inSpan(bytesField(9, bytesField(2, deep...)...)),
		"an attribute with two values":         inSpan(bytesField(9, append(bytesField(2, bytesField(1, 'a')...), bytesField(2)...)...)),
		"a resource that comes twice":          bytesField(1, append(bytesField(1), bytesField(1)...)...),
		"a scope that comes twice":             bytesField(1, bytesField(2, append(bytesField(1), bytesField(1)...)...)...),
		"an entity of a resource":              bytesField(1, bytesField(1, bytesField(3)...)...),
		"scopes as they were called once":      bytesField(1, bytesField(1000)...),
		"a number above 64 bits":               inSpan(append([]byte{10 << 3}, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2)),
		"a key alone":                          inSpan([]byte{9<<3 | 2}),
		"a length beyond the end":              inSpan([]byte{5<<3 | 2, 9, 'x'}),
		"a time that is cut off":               inSpan([]byte{8<<3 | 1, 1, 2, 3}),
		"flags that are cut off":               inSpan([]byte{0x85, 0x01, 1}),
		"no protobuf":                          []byte("{}"),
		"a group":                              inSpan([]byte{31<<3 | 3, 31<<3 | 4}),
		"more messages than are taken":         bytes.Repeat(bytesField(1), shape.MaxMessages),
		"more spans than are taken":            bytesField(1, bytesField(2, bytes.Repeat(bytesField(2), shape.MaxMessages)...)...),
		"more attributes than are taken":       inSpan(bytes.Repeat(bytesField(9), shape.MaxMessages)),
		"more values of an array than allowed": inSpan(bytesField(9, bytesField(2, bytesField(5, bytes.Repeat(bytesField(1), shape.MaxMessages)...)...)...)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, ok := decode.Traces(request)
			require.False(t, ok)
		})
	}
}

// A tiny span behind one with many attributes must not make room for as many.
// Not in parallel: what the process allocates is counted.
func TestTinySpansTakeLittleMemory(t *testing.T) {
	big := bytesField(2, bytes.Repeat(bytesField(9), 1000)...)
	tiny := bytesField(2, bytesField(9)...)
	request := bytesField(1, bytesField(2, bytes.Repeat(append(big, tiny...), 200)...)...)
	allocated := func(decode func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		decode()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	here := allocated(func() {
		_, _, ok := decode.Traces(request)
		require.True(t, ok)
	})
	library := allocated(func() { require.NoError(t, ptraceotlp.NewExportRequest().UnmarshalProto(request)) })
	require.Less(t, here, library+library/4)
}

func TestRandomRequestsAreDecodedAsByTheLibrary(t *testing.T) {
	t.Parallel()
	schema := shape.NewSchema()
	rapid.Check(t, func(t *rapid.T) {
		request := encode(t, randomTraces(t))
		require.True(t, compare(t, schema, request), "it is usual, whatever it holds")
		// Cut off or changed anywhere, it may be unusual, but never something else.
		compare(t, schema, request[:rapid.IntRange(0, len(request)).Draw(t, "cut")])
		if len(request) > 0 {
			request[rapid.IntRange(0, len(request)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
			compare(t, schema, request)
		}
	})
}

func randomTraces(t *rapid.T) ptrace.Traces {
	td := ptrace.NewTraces()
	few := rapid.IntRange(0, 3)
	number := rapid.Uint32()
	for range few.Draw(t, "resources") {
		rs := td.ResourceSpans().AppendEmpty()
		randomMap(t, rs.Resource().Attributes(), 2)
		rs.SetSchemaUrl(rapid.String().Draw(t, "schema"))
		for range few.Draw(t, "scopes") {
			ss := rs.ScopeSpans().AppendEmpty()
			ss.Scope().SetName(rapid.String().Draw(t, "scope"))
			randomMap(t, ss.Scope().Attributes(), 1)
			for range few.Draw(t, "spans") {
				span := ss.Spans().AppendEmpty()
				span.SetTraceID(pcommon.TraceID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "trace")))
				span.SetSpanID(pcommon.SpanID(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "span")))
				span.SetName(rapid.String().Draw(t, "name"))
				span.SetKind(ptrace.SpanKind(rapid.Int32().Draw(t, "kind")))
				span.SetEndTimestamp(pcommon.Timestamp(rapid.Uint64().Draw(t, "end")))
				span.SetFlags(number.Draw(t, "flags"))
				span.SetDroppedLinksCount(number.Draw(t, "dropped"))
				randomMap(t, span.Attributes(), 3)
				for range few.Draw(t, "events") {
					randomMap(t, span.Events().AppendEmpty().Attributes(), 1)
				}
				for range few.Draw(t, "links") {
					randomMap(t, span.Links().AppendEmpty().Attributes(), 1)
				}
				span.Status().SetCode(ptrace.StatusCode(rapid.Int32Range(0, 3).Draw(t, "code")))
			}
		}
	}
	return td
}

func randomMap(t *rapid.T, m pcommon.Map, depth int) {
	for range rapid.IntRange(0, 4).Draw(t, "attributes") {
		randomValue(t, m.PutEmpty(rapid.String().Draw(t, "key")), depth)
	}
}

func randomValue(t *rapid.T, v pcommon.Value, depth int) {
	kinds := 6
	if depth > 0 {
		kinds = 8
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "type") {
	case 0: // Empty.
	case 1:
		v.SetStr(rapid.String().Draw(t, "text"))
	case 2:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case 3:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case 4:
		v.SetDouble(rapid.Float64().Draw(t, "double"))
	case 5:
		v.SetEmptyBytes().FromRaw(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	case 6:
		s := v.SetEmptySlice()
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			randomValue(t, s.AppendEmpty(), depth-1)
		}
	case 7:
		randomMap(t, v.SetEmptyMap(), depth-1)
	}
}

func FuzzTraces(f *testing.F) {
	schema := shape.NewSchema()
	f.Add(encode(f, full()))
	f.Add(inSpan(bytesField(9, bytesField(2, bytesField(5, bytesField(1)...)...)...)))
	f.Fuzz(func(t *testing.T, request []byte) { compare(t, schema, request) })
}

func BenchmarkTraces(b *testing.B) {
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty()
	for range 500 {
		span := ss.Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{1})
		span.SetSpanID(pcommon.SpanID{1})
		span.SetName("GET /pay/{id}")
		for i := range 9 {
			span.Attributes().PutStr(fmt.Sprintf("http.request.name%d", i), strings.Repeat("v", 5+3*i))
		}
	}
	request := encode(b, td)
	schema := shape.NewSchema()
	b.Run("here", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, ok := decode.Traces(request)
			require.True(b, ok)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(500*b.N), "ns/span")
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := schema.Protobuf(shape.Traces, request)
			require.NoError(b, err)
			require.NoError(b, ptraceotlp.NewExportRequest().UnmarshalProto(request))
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(500*b.N), "ns/span")
	})
}
