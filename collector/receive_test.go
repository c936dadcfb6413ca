package collector_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/slowburn-slo/slowburn/collector"
	"github.com/slowburn-slo/slowburn/slo"
)

const (
	protobuf = "application/x-protobuf"
	jsonBody = "application/json"
	// bodyLimit is max_request_body_size and max_recv_msg_size_mib of default.yaml.
	bodyLimit = 20 << 20
)

func TestTheGoSDKExportsSpans(t *testing.T) {
	t.Parallel()
	tests := map[string]func(c *running) otlptrace.Client{
		"over gRPC": func(c *running) otlptrace.Client {
			return otlptracegrpc.NewClient(otlptracegrpc.WithEndpoint(c.grpc), otlptracegrpc.WithInsecure())
		},
		"over gRPC with gzip": func(c *running) otlptrace.Client {
			return otlptracegrpc.NewClient(otlptracegrpc.WithEndpoint(c.grpc), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"))
		},
		"over HTTP": func(c *running) otlptrace.Client {
			return otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(c.http + "/v1/traces"))
		},
		"over HTTP with gzip": func(c *running) otlptrace.Client {
			return otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(c.http+"/v1/traces"), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
		},
	}
	for name, client := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, collector.Settings{})
			exporter, err := otlptrace.New(t.Context(), client(c))
			require.NoError(t, err)
			provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
			for range 7 {
				_, span := provider.Tracer("test").Start(t.Context(), "GET /pay")
				span.End()
			}
			require.NoError(t, provider.ForceFlush(t.Context()))
			require.NoError(t, provider.Shutdown(t.Context()))
			count := 0
			for _, r := range c.journal.all() {
				require.Equal(t, slo.RecordTraces, r.Kind)
				count += decodedSpans(t, r)
			}
			require.Equal(t, 7, count)
		})
	}
}

func TestEveryEncodingReachesTheJournal(t *testing.T) {
	t.Parallel()
	traces, metrics := ptraceotlp.NewExportRequestFromTraces(spans(3)), pmetricotlp.NewExportRequestFromMetrics(points(5))
	tracesProto, err := traces.MarshalProto()
	require.NoError(t, err)
	tracesJSON, err := traces.MarshalJSON()
	require.NoError(t, err)
	metricsProto, err := metrics.MarshalProto()
	require.NoError(t, err)
	metricsJSON, err := metrics.MarshalJSON()
	require.NoError(t, err)
	tests := map[string]struct {
		path, contentType, encoding string
		body                        []byte
		kind                        slo.RecordKind
	}{
		"spans as protobuf":        {"/v1/traces", protobuf, "", tracesProto, slo.RecordTraces},
		"spans as JSON":            {"/v1/traces", jsonBody, "", tracesJSON, slo.RecordTraces},
		"spans as protobuf, gzip":  {"/v1/traces", protobuf, "gzip", tracesProto, slo.RecordTraces},
		"spans as JSON, zstd":      {"/v1/traces", jsonBody, "zstd", tracesJSON, slo.RecordTraces},
		"metrics as protobuf":      {"/v1/metrics", protobuf, "", metricsProto, slo.RecordMetrics},
		"metrics as JSON, gzip":    {"/v1/metrics", jsonBody, "gzip", metricsJSON, slo.RecordMetrics},
		"metrics as JSON":          {"/v1/metrics", jsonBody, "", metricsJSON, slo.RecordMetrics},
		"metrics as protobuf zstd": {"/v1/metrics", protobuf, "zstd", metricsProto, slo.RecordMetrics},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, collector.Settings{})
			answer := post(t, c.http+test.path, test.contentType, test.encoding, compress(t, test.encoding, test.body))
			require.Equal(t, http.StatusOK, answer.status, answer.body)
			records := c.journal.all()
			require.Len(t, records, 1)
			require.Equal(t, test.kind, records[0].Kind)
			if test.kind == slo.RecordTraces {
				require.Equal(t, 3, decodedSpans(t, records[0]))
			} else {
				require.Equal(t, 5, decodedPoints(t, records[0]))
			}
		})
	}
}

func TestGRPCReachesTheJournal(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{"", "gzip", "zstd"} {
		t.Run("compressed with "+compression, func(t *testing.T) {
			t.Parallel()
			c := start(t, collector.Settings{})
			conn := dial(t, c.grpc)
			var options []grpc.CallOption
			if compression != "" {
				options = append(options, grpc.UseCompressor(compression))
			}
			_, err := ptraceotlp.NewGRPCClient(conn).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(3)), options...)
			require.NoError(t, err)
			_, err = pmetricotlp.NewGRPCClient(conn).Export(t.Context(), pmetricotlp.NewExportRequestFromMetrics(points(5)), options...)
			require.NoError(t, err)
			records := c.journal.all()
			require.Len(t, records, 2)
			require.Equal(t, 3, decodedSpans(t, records[0]))
			require.Equal(t, 5, decodedPoints(t, records[1]))
		})
	}
}

func TestAnEmptyRequestIsAnsweredWithoutARecord(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{})
	_, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequest())
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, post(t, c.http+"/v1/metrics", jsonBody, "", []byte("{}")).status)
	require.Empty(t, c.journal.all())
}

// The journal is entered, holds the request back, and then fails: only an
// answer that waited for it can be a refusal.
func TestTheAnswerWaitsForTheJournal(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, c *running) bool{
		"over gRPC": func(t *testing.T, c *running) bool {
			_, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(1)))
			return status.Code(err) == codes.Unavailable
		},
		"over HTTP": func(t *testing.T, c *running) bool {
			return post(t, c.http+"/v1/traces", protobuf, "", tracesBody(t, 1)).status == http.StatusServiceUnavailable
		},
	}
	for name, refused := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := heldJournal()
			j.err = errors.New("disk full")
			c := start(t, collector.Settings{Journal: j})
			answered := make(chan bool, 1)
			go func() { answered <- refused(t, c) }()
			<-j.entered
			require.Empty(t, answered)
			close(j.hold)
			require.True(t, <-answered)
		})
	}
}

func TestARefusalOfTheJournalTellsSendersToRetry(t *testing.T) {
	t.Parallel()
	j := newJournal()
	j.err = errors.New("write /secret/place: no space left on device")
	c := start(t, collector.Settings{Journal: j})

	_, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(1)))
	s := status.Convert(err)
	require.Equal(t, codes.Unavailable, s.Code())
	require.Len(t, s.Details(), 1)
	info, ok := s.Details()[0].(*errdetails.RetryInfo)
	require.True(t, ok)
	require.Equal(t, time.Second, info.GetRetryDelay().AsDuration())
	require.NotContains(t, s.Message(), "secret")

	answer := post(t, c.http+"/v1/traces", jsonBody, "", []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}]}]}]}`))
	require.Equal(t, http.StatusServiceUnavailable, answer.status)
	require.Equal(t, "1", answer.header.Get("Retry-After"))
	require.NotContains(t, answer.body, "secret")
}

func TestBadBodiesChangeNothing(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte{'a'}, bodyLimit+1)
	tests := map[string]struct {
		contentType, encoding string
		body                  []byte
		status                []int
	}{
		"protobuf that is none":             {protobuf, "", []byte("not protobuf"), []int{400}},
		"protobuf that ends early":          {protobuf, "", tracesBody(t, 3)[:20], []int{400}},
		"JSON that is none":                 {jsonBody, "", []byte("{"), []int{400}},
		"JSON of another type":              {jsonBody, "", []byte(`{"resourceSpans": 7}`), []int{400}},
		"a body above 20 MiB":               {protobuf, "", large, []int{413}},
		"a gzip bomb":                       {protobuf, "gzip", compress(t, "gzip", large), []int{413}},
		"a zstd bomb":                       {protobuf, "zstd", compress(t, "zstd", large), []int{413}},
		"zstd that claims 512 MiB":          {protobuf, "zstd", zstdWithLargeWindow(), []int{400}},
		"zstd that is none":                 {protobuf, "zstd", []byte("not zstd"), []int{400}},
		"gzip that ends early":              {protobuf, "gzip", compress(t, "gzip", tracesBody(t, 3))[:20], []int{400}},
		"gzip that is none":                 {protobuf, "gzip", []byte("not gzip"), []int{400}},
		"an encoding that is not listed":    {protobuf, "snappy", []byte("x"), []int{400}},
		"a content type that is not OTLP's": {"text/plain", "", []byte("x"), []int{415}},
	}
	c := start(t, collector.Settings{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer := post(t, c.http+"/v1/traces", test.contentType, test.encoding, test.body)
			require.Contains(t, test.status, answer.status, answer.body)
			require.Empty(t, c.journal.all())
		})
	}
}

// nested is an export request with an attribute of so many arrays in each
// other, built from the inside out and from the end to the begin.
func nested(depth int) []byte {
	backwards := []byte{'x', 1, 0x0a} // The string "x" in a value.
	wrap := func(key byte) {
		size := binary.AppendUvarint(nil, uint64(len(backwards)))
		slices.Reverse(size)
		backwards = append(append(backwards, size...), key)
	}
	for range depth {
		wrap(0x0a) // values of ArrayValue
		wrap(0x2a) // array_value of AnyValue
	}
	for _, key := range []byte{0x12, 0x4a, 0x12, 0x12, 0x0a} { // value, attributes, spans, scope_spans, resource_spans
		wrap(key)
	}
	slices.Reverse(backwards)
	return backwards
}

// Decoding would end the process (a stack above 1 GB) or take gigabytes.
func TestRequestsThatDecodeToFarMoreThanTheirBytesAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{})
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	for name, bomb := range map[string][]byte{
		"a deep attribute":           nested(1_500_000),
		"a less deep attribute":      nested(100),
		"millions of empty messages": bytes.Repeat([]byte{0x0a, 0}, 10_000_000),
	} {
		t.Run(name, func(t *testing.T) {
			for _, encoding := range []string{"", "gzip", "zstd"} {
				answer := post(t, c.http+"/v1/traces", protobuf, encoding, compress(t, encoding, bomb))
				require.Equal(t, http.StatusBadRequest, answer.status, answer.body)
				require.Contains(t, answer.body, "more than")
			}
			message := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(bomb)))
			answer := postWith(t, transport, "http://"+c.grpc+"/opentelemetry.proto.collector.trace.v1.TraceService/Export",
				"application/grpc", "", append(message, bomb...), "Te", "trailers")
			require.Equal(t, "3", answer.header.Get("Grpc-Status"))
			require.Contains(t, answer.header.Get("Grpc-Message"), "more than")
			require.Empty(t, c.journal.all())
		})
	}
	deep := post(t, c.http+"/v1/traces", jsonBody, "", []byte(strings.Repeat("[", 1_000_000)))
	require.Equal(t, http.StatusBadRequest, deep.status)
	// Within that guard, but beyond what a span may have: only the span is refused.
	require.Equal(t, http.StatusOK, post(t, c.http+"/v1/traces", protobuf, "", nested(30)).status)
	require.Len(t, c.journal.all(), 1)
	require.Equal(t, slo.RecordRefusals, c.journal.all()[0].Kind)
}

func TestGRPCMessagesAbove20MiBAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{})
	td := spans(1)
	td.ResourceSpans().At(0).Resource().Attributes().PutStr("large", strings.Repeat("a", bodyLimit))
	for _, compression := range []string{"identity", "gzip", "zstd"} {
		t.Run("compressed with "+compression, func(t *testing.T) {
			_, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td), grpc.UseCompressor(compression))
			require.Equal(t, codes.ResourceExhausted, status.Code(err))
			require.Empty(t, c.journal.all())
		})
	}
}

// The Go client has no way to send this, so the call is written by hand.
func TestGRPCRefusesZstdThatClaims512MiB(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{})
	frame := zstdWithLargeWindow()
	message := binary.BigEndian.AppendUint32([]byte{1}, uint32(len(frame)))
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	answer := postWith(t, transport, "http://"+c.grpc+"/opentelemetry.proto.collector.trace.v1.TraceService/Export",
		"application/grpc", "", append(message, frame...), "Te", "trailers", "Grpc-Encoding", "zstd")
	require.Equal(t, "13", answer.header.Get("Grpc-Status"))
	require.Contains(t, answer.header.Get("Grpc-Message"), "window size exceeded")
	require.Empty(t, c.journal.all())
}

func TestLogsAreRefusedByName(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{})
	const body = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]}`
	request := plogotlp.NewExportRequest()
	require.NoError(t, request.UnmarshalJSON([]byte(body)))

	response, err := plogotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, int64(1), response.PartialSuccess().RejectedLogRecords())
	require.Contains(t, response.PartialSuccess().ErrorMessage(), "OTEL_LOGS_EXPORTER=none")

	answer := post(t, c.http+"/v1/logs", jsonBody, "", []byte(body))
	require.Equal(t, http.StatusOK, answer.status)
	require.Contains(t, answer.body, "OTEL_LOGS_EXPORTER=none")
	require.Equal(t, []slo.Refusal{
		{Signal: "logs", Reason: slo.RefusedSignal, Items: 1}, {Signal: "logs", Reason: slo.RefusedSignal, Items: 1},
	}, c.journal.refusals(t))
	require.Len(t, c.journal.all(), 2)
}

// decodedSpans counts the spans of the payload and makes sure that what was
// handed over in memory is the same and cannot be changed.
func decodedSpans(t *testing.T, r slo.Record) int {
	t.Helper()
	td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(r.Payload)
	require.NoError(t, err)
	handed, ok := r.Decoded.(ptrace.Traces)
	require.True(t, ok)
	require.True(t, handed.IsReadOnly())
	require.Equal(t, td.ResourceSpans().At(0).Resource().Attributes().AsRaw(), handed.ResourceSpans().At(0).Resource().Attributes().AsRaw())
	require.Equal(t, td.SpanCount(), handed.SpanCount())
	return td.SpanCount()
}

func decodedPoints(t *testing.T, r slo.Record) int {
	t.Helper()
	md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(r.Payload)
	require.NoError(t, err)
	handed, ok := r.Decoded.(pmetric.Metrics)
	require.True(t, ok)
	require.True(t, handed.IsReadOnly())
	require.Equal(t, md.DataPointCount(), handed.DataPointCount())
	return md.DataPointCount()
}

// zstdWithLargeWindow is a frame of one byte that asks its decoder for a window
// of 512 MiB, 1 << (10 + 19).
func zstdWithLargeWindow() []byte {
	magic, header, window := []byte{0x28, 0xb5, 0x2f, 0xfd}, byte(0), byte(19<<3)
	const lastRawBlockOfOneByte = 1 | 1<<3
	return append(magic, header, window, lastRawBlockOfOneByte, 0, 0, 'a')
}

func tracesBody(t *testing.T, n int) []byte {
	t.Helper()
	body, err := ptraceotlp.NewExportRequestFromTraces(spans(n)).MarshalProto()
	require.NoError(t, err)
	return body
}

type answer struct {
	status int
	header http.Header
	body   string
}

// post sends one request on a connection of its own; headers are name, value, ….
func post(t *testing.T, url, contentType, encoding string, body []byte, headers ...string) answer {
	t.Helper()
	return postWith(t, &http.Transport{DisableKeepAlives: true}, url, contentType, encoding, body, headers...)
}

func postWith(t *testing.T, transport *http.Transport, url, contentType, encoding string, body []byte, headers ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := transport.RoundTrip(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{status: response.StatusCode, header: response.Header, body: string(content)}
}

func compress(t testing.TB, encoding string, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		require.NoError(t, err)
		w = z
	default:
		return body
	}
	_, err := w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}
