package shape

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

const (
	goodTrace = "5b8efff798038103d269b633813fc60c"
	goodSpan  = "eee19b7ec3c1b174"
)

// threeSpans is a request whose middle span has these fields.
func threeSpans(middle string) string {
	good := `{"name":"good \"traceId\":\"x\"","traceId":"` + goodTrace + `", "spanId" : "` + goodSpan + `",
		"attributes":[{"key":"traceId","value":{"stringValue":"5b"}}],"links":[{"traceId":"` + goodTrace + `","spanId":""}]}`
	return `{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[` + good + `,{"name":"middle",` + middle + `},` + good + `]}]}]}`
}

func TestASpanWithWrongIDsInJSONLosesThemAlone(t *testing.T) {
	t.Parallel()
	own := `"traceId":"` + goodTrace + `","spanId":"` + goodSpan + `"`
	for name, middle := range map[string]string{
		"a trace id that is short":         `"traceId":"5b","spanId":"` + goodSpan + `"`,
		"a trace id of an odd length":      `"traceId":"` + goodTrace + `0","spanId":"` + goodSpan + `"`,
		"a trace id that is no hex":        `"traceId":"` + strings.Repeat("x", 32) + `","spanId":"` + goodSpan + `"`,
		"a span id that is long":           `"spanId" :  "` + goodTrace + `", "traceId":"` + goodTrace + `"`,
		"the parent's":                     own + `,"parentSpanId":"00"`,
		"names as protobuf has them":       `"trace_id":"` + goodTrace + `","span_id":"` + goodSpan + `","parent_span_id":"00"`,
		"a link's, behind a name of UTF-8": own + `,"links":[{"traceId":"` + goodTrace + `"},{"spanId":"é"}]`,
		"with escapes":                     `"traceId":"\u0035` + goodTrace[1:] + `","spanId":"` + goodSpan + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := []byte(threeSpans(middle))
			require.Error(t, ptraceotlp.NewExportRequest().UnmarshalJSON(request), "the decoder refuses all of it")
			decoded := ptraceotlp.NewExportRequest()
			require.NoError(t, decoded.UnmarshalJSON(HideWrongIDsJSON(request)))
			spans := decoded.Traces().ResourceSpans().At(0).ScopeSpans().At(0).Spans()
			require.Equal(t, 3, spans.Len())
			for i, span := range spans.All() {
				require.Equal(t, i == 1, span.TraceID().IsEmpty() && span.SpanID().IsEmpty())
				require.Equal(t, i == 1, span.Name() == "middle", "nothing else changes")
			}
			require.Equal(t, goodTrace, spans.At(0).Links().At(0).TraceID().String())
			value, _ := spans.At(2).Attributes().Get("traceId")
			require.Equal(t, "5b", value.Str(), "an attribute is no identity")
		})
	}
}

func TestRequestsInJSONWithoutWrongIDsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{
		"right":                        threeSpans(`"traceId":"` + strings.ToUpper(goodTrace) + `","spanId":""`),
		"cut off":                      threeSpans(`"traceId":"5b"`)[:300],
		"not JSON":                     "}{",
		"empty":                        "",
		"an identity that is a number": threeSpans(`"traceId":5`),
		"no span":                      `{"traceId":"5b","resourceSpans":[{"traceId":"5b"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, request, string(HideWrongIDsJSON([]byte(request))))
		})
	}
}

// FuzzHideWrongIDsJSON: what the decoder takes is not changed.
func FuzzHideWrongIDsJSON(f *testing.F) {
	f.Add([]byte(threeSpans(`"traceId":"5b"`)))
	f.Add([]byte(threeSpans(`"spanId":"` + goodSpan + `"`)))
	f.Fuzz(func(t *testing.T, request []byte) {
		if _, err := JSON(request); err != nil {
			return
		}
		hidden := HideWrongIDsJSON(request)
		if _, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(request); err == nil {
			require.Equal(t, request, hidden)
		}
	})
}
