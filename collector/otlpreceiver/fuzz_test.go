package otlpreceiver

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/slowburn-slo/slowburn/collector/decompressextension"
)

// server is the HTTP side as it is configured, decompression included.
func server(tb testing.TB, end *sink) http.Handler {
	tb.Helper()
	r := receiverTo(tb, end)
	set := extensiontest.NewNopSettings(component.MustNewType(decompressextension.TypeName))
	e, err := decompressextension.NewFactory().Create(tb.Context(), set, &decompressextension.Config{MaxSizeMiB: 1})
	require.NoError(tb, err)
	wrap, err := e.(extensionmiddleware.HTTPServer).GetHTTPHandler(tb.Context())
	require.NoError(tb, err)
	h, err := wrap(tb.Context(), r.routes())
	require.NoError(tb, err)
	return r.withHold(h)
}

// fuzz posts any body: the answer is 200 and what was accepted decodes from the
// bytes that go with it, or it is 400 or 413, and nothing was accepted.
func fuzz(f *testing.F, path, contentType, encoding string) {
	f.Fuzz(func(t *testing.T, body []byte) {
		end := &sink{}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Content-Encoding", encoding)
		w := httptest.NewRecorder()
		server(t, end).ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			require.Contains(t, []int{400, 413}, w.Code)
			require.Empty(t, end.traces)
			require.Empty(t, end.metrics)
			return
		}
		for i, payload := range end.payload {
			if payload == nil {
				continue
			}
			if len(end.traces) > 0 {
				td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(payload)
				require.NoError(t, err)
				require.Equal(t, end.traces[i].SpanCount(), td.SpanCount())
			} else {
				md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(payload)
				require.NoError(t, err)
				require.Equal(t, end.metrics[i].DataPointCount(), md.DataPointCount())
			}
		}
	})
}

func seedTraces() ptraceotlp.ExportRequest {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "checkout")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	goodSpan(spans.AppendEmpty(), "a")
	flawed := spans.AppendEmpty()
	flawed.Events().AppendEmpty().SetName("exception")
	flawed.Links().AppendEmpty().SetTraceID([16]byte{1})
	return ptraceotlp.NewExportRequestFromTraces(td)
}

func seedMetrics() pmetricotlp.ExportRequest {
	md := pmetric.NewMetrics()
	all := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	all.AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty().SetTimestamp(at(0))
	all.AppendEmpty().SetEmptyHistogram().DataPoints().AppendEmpty().Exemplars().AppendEmpty().SetIntValue(1)
	all.AppendEmpty().SetEmptyExponentialHistogram().DataPoints().AppendEmpty().SetTimestamp(at(0))
	all.AppendEmpty().SetEmptySummary().DataPoints().AppendEmpty().SetTimestamp(at(0))
	return pmetricotlp.NewExportRequestFromMetrics(md)
}

func FuzzProtobufTraces(f *testing.F) {
	body, err := seedTraces().MarshalProto()
	require.NoError(f, err)
	f.Add(body)
	fuzz(f, "/v1/traces", string(protobuf), "")
}

func FuzzProtobufMetrics(f *testing.F) {
	body, err := seedMetrics().MarshalProto()
	require.NoError(f, err)
	f.Add(body)
	fuzz(f, "/v1/metrics", string(protobuf), "")
}

func FuzzJSONTraces(f *testing.F) {
	body, err := seedTraces().MarshalJSON()
	require.NoError(f, err)
	f.Add(body)
	f.Add([]byte(`{"resourceSpans":[null,{"scopeSpans":[{"spans":[null,{"traceId":"x"}]}]}]}`))
	f.Add([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"endTimeUnixNano":"1e400","attributes":[{"value":{"arrayValue":{"values":[null]}}}]}]}]}]}`))
	fuzz(f, "/v1/traces", string(jsonText), "")
}

func FuzzGzipTraces(f *testing.F) {
	body, err := seedTraces().MarshalProto()
	require.NoError(f, err)
	f.Add(packed(f, gzip.NewWriter, body))
	fuzz(f, "/v1/traces", string(protobuf), "gzip")
}

func FuzzZstdTraces(f *testing.F) {
	body, err := seedTraces().MarshalProto()
	require.NoError(f, err)
	f.Add(packed(f, func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w)
		require.NoError(f, err)
		return z
	}, body))
	fuzz(f, "/v1/traces", string(protobuf), "zstd")
}

func packed[W io.WriteCloser](tb testing.TB, writer func(io.Writer) W, body []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := writer(&b)
	_, err := w.Write(body)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return b.Bytes()
}

// Decoders are given what anybody sends: one that panics is one bad request.
func TestADecoderThatPanicsRefusesTheRequestOnly(t *testing.T) {
	t.Parallel()
	err := decodeWith(incoming{format: jsonText}, nil, func([]byte) error { panic("unexpected") })
	require.ErrorAs(t, err, &badRequestError{})
	require.Equal(t, 400, httpCode(statusOf(err)))
}
