package collector_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"

	"github.com/slowburn-slo/slowburn/collector"
	"github.com/slowburn-slo/slowburn/slo"
)

// benchSpans is a request of server spans as an SDK makes them, about 460 bytes
// each.
func benchSpans(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	for i, name := range []string{"service.name", "service.namespace", "service.version", "host.name", "telemetry.sdk.language"} {
		rs.Resource().Attributes().PutStr(name, fmt.Sprintf("value-%d", i))
	}
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp")
	now := time.Now()
	for i := range n {
		span := ss.Spans().AppendEmpty()
		span.SetName("POST /api/v1/checkout/{cart}/pay")
		span.SetKind(ptrace.SpanKindServer)
		span.SetTraceID(pcommon.TraceID{1, byte(i), byte(i >> 8), 4: 9})
		span.SetSpanID(pcommon.SpanID{2, byte(i), byte(i >> 8), 4: 9})
		span.SetParentSpanID(pcommon.SpanID{3, byte(i)})
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(now.Add(-time.Second)))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(now))
		a := span.Attributes()
		a.PutStr("http.request.method", "POST")
		a.PutStr("http.route", "/api/v1/checkout/{cart}/pay")
		a.PutStr("url.path", fmt.Sprintf("/api/v1/checkout/%08d/pay", i))
		a.PutStr("url.scheme", "https")
		a.PutStr("server.address", "checkout.example.com")
		a.PutInt("server.port", 443)
		a.PutInt("http.response.status_code", 200)
		a.PutStr("network.protocol.version", "1.1")
		a.PutStr("client.address", "10.20.30.40")
		a.PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0")
	}
	return td
}

// discard is a journal that keeps nothing.
type discard struct{}

// Append answers at once.
func (discard) Append(context.Context, slo.Record) (slo.Offset, error) { return 1, nil }

// rawCodec sends bytes, so that a benchmark measures the server.
type rawCodec struct{}

// Marshal sends v, which is bytes.
func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

// Unmarshal ignores the answer.
func (rawCodec) Unmarshal(mem.BufferSlice, any) error { return nil }

// Name is that of the codec whose place it takes.
func (rawCodec) Name() string { return "proto" }

const exportTraces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// One operation is one span: 500 of them are in a request.
func BenchmarkReceive(b *testing.B) {
	const perRequest = 500
	body, err := ptraceotlp.NewExportRequestFromTraces(benchSpans(perRequest)).MarshalProto()
	require.NoError(b, err)
	asJSON, err := ptraceotlp.NewExportRequestFromTraces(benchSpans(perRequest)).MarshalJSON()
	require.NoError(b, err)
	c := start(b, collector.Settings{Journal: discard{}})
	conn, err := grpc.NewClient("passthrough:///"+c.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(b, err)
	defer conn.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	overHTTP := func(contentType, encoding string, body []byte) func() error {
		return func() error {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, c.http+"/v1/traces", bytes.NewReader(body))
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", contentType)
			if encoding != "" {
				r.Header.Set("Content-Encoding", encoding)
			}
			response, err := transport.RoundTrip(r)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, response.Body)
			if response.StatusCode != http.StatusOK {
				return fmt.Errorf("status %d", response.StatusCode)
			}
			return err
		}
	}
	for name, send := range map[string]func() error{
		"gRPC": func() error {
			return conn.Invoke(b.Context(), exportTraces, body, nil, grpc.ForceCodecV2(rawCodec{}))
		},
		"HTTP":      overHTTP(protobuf, "", body),
		"HTTP gzip": overHTTP(protobuf, "gzip", compress(b, "gzip", body)),
		"HTTP JSON": overHTTP(jsonBody, "", asJSON),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body) / perRequest))
			for sent := 0; sent < b.N; sent += perRequest {
				if err := send(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
