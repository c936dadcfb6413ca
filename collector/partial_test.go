package collector_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/slowburn-slo/slowburn/collector"
	"github.com/slowburn-slo/slowburn/slo"
)

// mixed has one span that is good, one without a trace id and one that ended
// two hours ago.
func mixed() ptrace.Traces {
	td := spans(3)
	all := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	all.At(1).SetTraceID(pcommon.TraceID{})
	all.At(2).SetEndTimestamp(pcommon.NewTimestampFromTime(time.Now().Add(-2 * time.Hour)))
	return td
}

func TestWhatCanNeverBeAcceptedIsRefusedAloneAndJournaled(t *testing.T) {
	t.Parallel()
	asProto, err := ptraceotlp.NewExportRequestFromTraces(mixed()).MarshalProto()
	require.NoError(t, err)
	asJSON, err := ptraceotlp.NewExportRequestFromTraces(mixed()).MarshalJSON()
	require.NoError(t, err)
	asJSONOfWrongLength := bytes.Replace(asJSON, []byte(`{"spanId"`), []byte(`{"traceId":"5b","spanId"`), 1)
	require.NotEqual(t, asJSON, asJSONOfWrongLength)
	overHTTP := func(contentType string, body []byte) func(*testing.T, *running) ptraceotlp.ExportResponse {
		return func(t *testing.T, c *running) ptraceotlp.ExportResponse {
			answer := post(t, c.http+"/v1/traces", contentType, "", body)
			require.Equal(t, http.StatusOK, answer.status)
			require.Equal(t, contentType, answer.header.Get("Content-Type"))
			response := ptraceotlp.NewExportResponse()
			if contentType == jsonBody {
				require.NoError(t, response.UnmarshalJSON([]byte(answer.body)))
			} else {
				require.NoError(t, response.UnmarshalProto([]byte(answer.body)))
			}
			return response
		}
	}
	tests := map[string]func(*testing.T, *running) ptraceotlp.ExportResponse{
		"over gRPC": func(t *testing.T, c *running) ptraceotlp.ExportResponse {
			response, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(mixed()))
			require.NoError(t, err)
			return response
		},
		"over HTTP":                            overHTTP(protobuf, asProto),
		"over HTTP as JSON":                    overHTTP(jsonBody, asJSON),
		"over HTTP as JSON, of a wrong length": overHTTP(jsonBody, asJSONOfWrongLength),
	}
	for name, send := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, collector.Settings{Late: time.Hour, Future: time.Minute})
			response := send(t, c)
			require.Equal(t, int64(2), response.PartialSuccess().RejectedSpans())
			require.Equal(t, "2 of 3 spans were refused for good: 1 invalid_id (the trace id or span id is missing, all zeros "+
				"or of a wrong length), 1 late (more than 1h0m0s before arrival)", response.PartialSuccess().ErrorMessage())
			records := c.journal.all()
			require.Len(t, records, 2)
			require.Equal(t, 1, decodedSpans(t, records[0]))
			require.Equal(t, slo.RecordRefusals, records[1].Kind)
			require.Equal(t, []slo.Refusal{
				{Signal: "traces", Reason: slo.RefusedInvalidID, Service: "checkout", Items: 1},
				{Signal: "traces", Reason: slo.RefusedLate, Service: "checkout", Items: 1},
			}, c.journal.refusals(t))
		})
	}
}

func TestBytesAreJournaledAsTheyCame(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{})
	// A field that OTLP does not have: a decoder would drop it.
	body := append(tracesBody(t, 3), 0xfa, 0x01, 3, 'n', 'e', 'w')
	for i, encoding := range []string{"", "gzip", "zstd"} {
		answer := post(t, c.http+"/v1/traces", protobuf, encoding, compress(t, encoding, body))
		require.Equal(t, http.StatusOK, answer.status)
		require.Empty(t, answer.body, "partial_success is not set")
		require.Equal(t, body, c.journal.all()[i].Payload)
		require.Equal(t, 3, decodedSpans(t, c.journal.all()[i]))
	}
	metrics, err := pmetricotlp.NewExportRequestFromMetrics(points(2)).MarshalProto()
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, post(t, c.http+"/v1/metrics", protobuf, "", metrics).status)
	require.Equal(t, metrics, c.journal.all()[3].Payload)

	td := spans(2)
	sent, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(t, err)
	response, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
	require.NoError(t, err)
	require.Zero(t, response.PartialSuccess().RejectedSpans())
	require.Empty(t, response.PartialSuccess().ErrorMessage())
	require.Equal(t, sent, c.journal.all()[4].Payload)
	require.Equal(t, "{}", post(t, c.http+"/v1/traces", jsonBody, "", []byte("{}")).body)
}

func TestIDsOfAWrongLengthRefuseTheirSpanOnly(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{})
	body := tracesBody(t, 3)
	// The second span's trace id, 16 bytes behind its key, becomes one of 14
	// and a field of its own.
	id, err := hex.DecodeString("0a10" + "0101" + strings.Repeat("00", 14))
	require.NoError(t, err)
	short, err := hex.DecodeString("0a0e" + "0101" + strings.Repeat("00", 12) + "7000")
	require.NoError(t, err)
	body = []byte(strings.Replace(string(body), string(id), string(short), 1))
	require.Error(t, ptraceotlp.NewExportRequest().UnmarshalProto(body))
	answer := post(t, c.http+"/v1/traces", protobuf, "", body)
	require.Equal(t, http.StatusOK, answer.status)
	require.Contains(t, answer.body, "1 of 3 spans were refused")
	require.Equal(t, 2, decodedSpans(t, c.journal.all()[0]))
	require.Equal(t, slo.RefusedInvalidID, c.journal.refusals(t)[0].Reason)

	// So it does in JSON, where the decoder would refuse the request as a whole.
	const unreadable = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz","spanId":"eee19b7ec3c1b174"}]}]}]}`
	answer = post(t, c.http+"/v1/traces", jsonBody, "", []byte(unreadable))
	require.Equal(t, http.StatusOK, answer.status)
	require.Contains(t, answer.body, "1 of 1 spans were refused")
}

func TestTheClockIsThatOfTheSettings(t *testing.T) {
	t.Parallel()
	var offset atomic.Int64
	c := start(t, collector.Settings{Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }})
	client := ptraceotlp.NewGRPCClient(dial(t, c.grpc))
	for ahead, rejected := range map[time.Duration]int64{0: 0, 23 * time.Hour: 0, 25 * time.Hour: 1, -9 * time.Minute: 0, -11 * time.Minute: 1} {
		offset.Store(int64(ahead))
		response, err := client.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(1)))
		require.NoError(t, err)
		require.Equal(t, rejected, response.PartialSuccess().RejectedSpans(), "%s", ahead)
	}
}

// refusalsFail is a journal that takes all but refusals.
type refusalsFail struct{ *journal }

// Append fails for refusals.
func (j refusalsFail) Append(ctx context.Context, r slo.Record) (slo.Offset, error) {
	if r.Kind == slo.RecordRefusals {
		return 0, errors.New("disk full")
	}
	return j.journal.Append(ctx, r)
}

func TestRefusalsThatCannotBeStoredAreToBeSentAgain(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{Journal: refusalsFail{newJournal()}, Late: time.Hour})
	client := ptraceotlp.NewGRPCClient(dial(t, c.grpc))
	_, err := client.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(mixed()))
	require.Equal(t, codes.Unavailable, status.Code(err))
	body := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]}`
	require.Equal(t, http.StatusServiceUnavailable, post(t, c.http+"/v1/logs", jsonBody, "", []byte(body)).status)
	_, err = client.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(1)))
	require.NoError(t, err)
}
