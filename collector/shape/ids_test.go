package shape

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// bytesField writes a field of bytes.
func bytesField(number uint64, content []byte) []byte {
	head := binary.AppendUvarint(nil, number<<3|wireBytes)
	return append(binary.AppendUvarint(head, uint64(len(content))), content...)
}

// withSpans is a request whose spans have these contents.
func withSpans(spans ...[]byte) []byte {
	var all []byte
	for _, s := range spans {
		all = append(all, bytesField(2, s)...)
	}
	return bytesField(1, bytesField(2, all))
}

func join(fields ...[]byte) []byte { return bytes.Join(fields, nil) }

func goodIDs() []byte {
	return join(bytesField(1, bytes.Repeat([]byte{1}, 16)), bytesField(2, bytes.Repeat([]byte{2}, 8)))
}

func TestSpansWithIDsOfWrongLengthsLoseThemAndTheOthersStay(t *testing.T) {
	t.Parallel()
	name := bytesField(5, []byte("GET /pay"))
	tests := map[string][]byte{
		"a trace id of 8 bytes":              join(bytesField(1, make([]byte, 8)), bytesField(2, []byte("12345678")), name),
		"a trace id of 1 byte":               join(bytesField(1, []byte{1}), name),
		"a trace id of 127 bytes":            join(bytesField(1, make([]byte, 127)), name),
		"a trace id of 128 bytes":            join(bytesField(1, make([]byte, 128)), name),
		"a trace id of 129 bytes":            join(bytesField(1, make([]byte, 129)), name),
		"a trace id of 20000 bytes":          join(bytesField(1, make([]byte, 20_000)), name),
		"a span id of 16 bytes":              join(bytesField(1, make([]byte, 16)), bytesField(2, make([]byte, 16)), name),
		"a parent of 3 bytes":                join(goodIDs(), bytesField(4, []byte("abc")), name),
		"a link with a trace id of 2 bytes":  join(goodIDs(), bytesField(13, bytesField(1, []byte("ab"))), name),
		"an id that is there twice":          join(goodIDs(), bytesField(1, []byte("ab")), name),
		"an empty id behind one that is not": join(bytesField(1, []byte("ab")), bytesField(1, nil), name),
	}
	s := NewSchema()
	for title, bad := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			request := withSpans(join(goodIDs(), name), bad, join(goodIDs(), name))
			require.Error(t, ptraceotlp.NewExportRequest().UnmarshalProto(request), "else there is nothing to do")
			found, err := s.Protobuf(Traces, request)
			require.NoError(t, err)
			require.True(t, found.WrongIDs)
			size := len(request)
			s.HideWrongIDs(request)
			require.Len(t, request, size)
			decoded := ptraceotlp.NewExportRequest()
			require.NoError(t, decoded.UnmarshalProto(request))
			spans := decoded.Traces().ResourceSpans().At(0).ScopeSpans().At(0).Spans()
			require.Equal(t, 3, spans.Len())
			for i := range 3 {
				require.Equal(t, "GET /pay", spans.At(i).Name())
				require.Equal(t, i == 1, spans.At(i).TraceID().IsEmpty())
				require.Equal(t, i == 1, spans.At(i).SpanID().IsEmpty())
			}
		})
	}
}

func TestFindingsTellWhenToLookCloser(t *testing.T) {
	t.Parallel()
	attribute := func(value func(pcommon.Value)) func(ptrace.Span) {
		return func(s ptrace.Span) { value(s.Attributes().PutEmpty("k")) }
	}
	text := func(n int) func(ptrace.Span) {
		return attribute(func(v pcommon.Value) { v.SetStr(string(bytes.Repeat([]byte{'x'}, n))) })
	}
	many := func(n int) func(ptrace.Span) {
		return func(s ptrace.Span) {
			for i := range n {
				s.Attributes().PutInt(string(rune('A'+i)), 1)
			}
		}
	}
	tests := map[string]struct {
		span func(ptrace.Span)
		want bool
	}{
		"nothing":           {func(ptrace.Span) {}, false},
		"256 attributes":    {many(MaxAttributes), false},
		"257 attributes":    {many(MaxAttributes + 1), true},
		"a value of 60 KiB": {text(60 << 10), false},
		"a value above 64":  {text(MaxValue + 1), true},
		"16 values deep":    {attribute(func(v pcommon.Value) { nest(v, MaxNesting, false) }), false},
		"17 values deep":    {attribute(func(v pcommon.Value) { nest(v, MaxNesting+1, false) }), true},
		"17 maps deep":      {attribute(func(v pcommon.Value) { nest(v, MaxNesting+1, true) }), true},
		"an event of 257": {func(s ptrace.Span) {
			e := s.Events().AppendEmpty()
			many(MaxAttributes + 1)(s)
			s.Attributes().MoveTo(e.Attributes())
		}, true},
		"a large value deep": {attribute(func(v pcommon.Value) { v.SetEmptySlice().AppendEmpty().SetStr(string(make([]byte, MaxValue+1))) }), true},
	}
	s := NewSchema()
	for name, test := range tests {
		td := ptrace.NewTraces()
		test.span(td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty())
		data, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
		require.NoError(t, err)
		found, err := s.Protobuf(Traces, data)
		require.NoError(t, err)
		require.Equal(t, Findings{Checked: true, Oversized: test.want}, found, name)
	}
}

func FuzzHideWrongIDs(f *testing.F) {
	f.Add(withSpans(goodIDs(), join(bytesField(1, make([]byte, 8)), bytesField(13, bytesField(2, []byte{1})))))
	f.Add(withSpans(join(bytesField(4, make([]byte, 200)), goodIDs())))
	s := NewSchema()
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := s.Protobuf(Traces, data); err != nil {
			return
		}
		before := bytes.Clone(data)
		s.HideWrongIDs(data)
		found, err := s.Protobuf(Traces, data)
		require.NoError(t, err)
		require.False(t, found.WrongIDs)
		if ptraceotlp.NewExportRequest().UnmarshalProto(before) == nil {
			require.NoError(t, ptraceotlp.NewExportRequest().UnmarshalProto(data))
		}
	})
}
