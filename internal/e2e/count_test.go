//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
)

// TestCountsSurviveKills compares the integers of the API with what was sent,
// through both protocols, before and after kill -9.
func TestCountsSurviveKills(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.apply(document("pay", "pay", "0.999"))
	p.apply(document("load", "load", "0.5"))
	p.apply(document("mark", "mark", "0.5"))

	var good, bad int64
	for _, protocol := range []string{"grpc", "http"} {
		g, b := sendByTracer(t, p.exporter(protocol))
		good, bad = good+g, bad+b
	}
	got := p.counts("pay", good, bad)
	require.InDelta(t, float64(good)/float64(good+bad), *got.SLI, 1e-12)
	require.InDelta(t, float64(good+bad)/1000, got.Budget.Total, 1e-9)
	require.Equal(t, bad, got.Budget.Spent)
	require.InDelta(t, 1-float64(bad)/(float64(good+bad)/1000), *got.Budget.RemainingRatio, 1e-9)
	require.Equal(t, "exhausted", got.State)

	// Nothing in flight: the counts are the same, to the event.
	p.kill()
	p.start()
	p.counts("pay", good, bad)

	// Under load: acknowledged <= counted <= tried. The journal is counted in its
	// order, so when the mark is counted, all that the kill left there is: also
	// what was durable and not yet acknowledged.
	acknowledged, tried := p.killUnderLoad("load", 2*time.Second)
	p.start()
	require.NoError(t, p.exporter("grpc").ExportSpans(t.Context(), spans("mark", time.Now(), 1, 0)))
	p.counts("mark", 1, 0)
	o, _ := p.objective("load")
	counted := o.Total
	require.Positive(t, acknowledged)
	require.GreaterOrEqual(t, counted, acknowledged)
	require.LessOrEqual(t, counted, tried)
	t.Logf("kill under load: acknowledged %d <= counted %d <= tried %d", acknowledged, counted, tried)
	p.counts("pay", good, bad)

	// An orderly stop and another start change nothing either.
	p.terminate()
	p.start()
	p.counts("pay", good, bad)
	o, _ = p.objective("load")
	require.Equal(t, counted, o.Total)
}

// sendByTracer uses the SDK as an application does: a tracer, a batch processor.
func sendByTracer(t *testing.T, exporter *otlptrace.Exporter) (good, bad int64) {
	t.Helper()
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(serviceResource("pay")))
	tracer := provider.Tracer("shop")
	for i := range 500 {
		ctx, server := tracer.Start(context.Background(), "GET /pay", trace.WithSpanKind(trace.SpanKindServer))
		_, client := tracer.Start(ctx, "SELECT", trace.WithSpanKind(trace.SpanKindClient)) // No event of the objective.
		client.End()
		if i%7 == 0 {
			server.SetStatus(codes.Error, "declined")
			bad++
		} else {
			good++
		}
		server.End()
	}
	require.NoError(t, provider.ForceFlush(t.Context()))
	require.NoError(t, provider.Shutdown(t.Context()))
	return good, bad
}

// killUnderLoad sends from four exporters at once and kills the program while
// they do.
func (p *platform) killUnderLoad(service string, after time.Duration) (acknowledged, tried int64) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var acked, attempted atomic.Int64
	var group errgroup.Group
	for i := range 4 {
		exporter := p.exporter([]string{"grpc", "http"}[i%2])
		group.Go(func() error {
			for ctx.Err() == nil {
				batch := spans(service, time.Now(), 50, 0)
				attempted.Add(int64(len(batch)))
				if err := exporter.ExportSpans(ctx, batch); err == nil {
					acked.Add(int64(len(batch)))
				}
			}
			return nil
		})
	}
	<-time.After(after)
	p.kill()
	cancel()
	require.NoError(p.t, group.Wait())
	return acked.Load(), attempted.Load()
}

func TestBadInputChangesNothing(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.apply(document("pay", "pay", "0.999"))
	exporter := p.exporter("grpc")
	require.NoError(t, exporter.ExportSpans(t.Context(), spans("pay", time.Now(), 10, 0)))
	p.counts("pay", 10, 0)

	post := func(path, contentType string, body io.Reader) int {
		res, err := http.Post("http://"+p.otlp+path, contentType, body)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode
	}
	require.Equal(t, http.StatusBadRequest, post("/v1/traces", "application/x-protobuf", strings.NewReader("\xff\xff\xffnot protobuf")))
	require.Equal(t, http.StatusBadRequest, post("/v1/traces", "application/json", strings.NewReader(`{"resourceSpans": 7}`)))
	oversized := post("/v1/traces", "application/x-protobuf", bytes.NewReader(make([]byte, 21<<20)))
	require.Contains(t, []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}, oversized)
	require.Equal(t, http.StatusOK, post("/v1/logs", "application/json", strings.NewReader(
		`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}`)))

	// Spans outside the lateness bound are counted as refused, in no bucket. The
	// SDK reports a partial success as an error.
	require.ErrorContains(t, exporter.ExportSpans(t.Context(), spans("pay", time.Now().Add(time.Hour), 3, 0)), "3 future")
	require.ErrorContains(t, exporter.ExportSpans(t.Context(), spans("pay", time.Now().Add(-48*time.Hour), 4, 0)), "4 late")
	p.eventually(10*time.Second, "the refused spans", func() (bool, string) {
		_, metrics := p.get("/metrics")
		return strings.Contains(metrics, `slowburn_refused_items_total{reason="future"} 3`) &&
			strings.Contains(metrics, `slowburn_refused_items_total{reason="late"} 4`), metrics
	})
	_, page := p.get("/")
	require.Contains(t, page, "8 items refused", "7 spans and a log record")
	p.counts("pay", 10, 0)

	// Hostile names are text.
	hostile := `"><script>alert(1)</script>`
	require.NoError(t, exporter.ExportSpans(t.Context(), spans(hostile, time.Now(), 1, 0)))
	p.eventually(10*time.Second, "the hostile service", func() (bool, string) {
		_, body := p.get("/api/v1/services")
		return strings.Contains(body, "script"), body
	})
	_, page = p.get("/")
	require.NotContains(t, page, "<script>alert")

	// A wrong document is refused with its place, and what ran runs on.
	res, err := http.Post("http://"+p.http+"/api/v1/slos", "application/yaml",
		strings.NewReader(document("next", "pay", "0.99")+"---\n"+document("wrong", "pay", "1.5")))
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, res.StatusCode, "%s", body)
	require.Equal(t, "application/problem+json", res.Header.Get("Content-Type"))
	require.Contains(t, string(body), "spec.objectives[0].target")
	status, _ := p.get("/api/v1/slos/next")
	require.Equal(t, http.StatusNotFound, status)
	p.counts("pay", 10, 0)
}
