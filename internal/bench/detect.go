package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	detectInterval = 100 * time.Millisecond // Between two requests of a service.
	detectLimit    = 90 * time.Second
)

// pages collects when each service was first paged for.
type pages struct {
	mu    sync.Mutex
	first map[string]page
	came  chan struct{}
}

type page struct {
	at   time.Time
	tier string
}

func (p *pages) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	at := time.Now()
	var message struct {
		Status string `json:"status"`
		Alerts []struct {
			Labels map[string]string `json:"labels"`
		} `json:"alerts"`
	}
	if json.NewDecoder(r.Body).Decode(&message) != nil || message.Status != "firing" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range message.Alerts {
		if _, seen := p.first[a.Labels["service"]]; !seen && a.Labels["severity"] == "page" {
			p.first[a.Labels["service"]] = page{at: at, tier: a.Labels["tier"]}
		}
	}
	select {
	case p.came <- struct{}{}:
	default:
	}
}

// benchDetect measures the time from the first failed request of a total
// outage to the webhook: 99.9 % over 30 days, one hour of steady history,
// exporters that flush every 1 s and every 5 s (the SDKs' default).
func benchDetect(ctx context.Context, o options, out io.Writer) error {
	for _, flush := range []time.Duration{time.Second, 5 * time.Second} {
		if err := detect(ctx, o, flush, out); err != nil {
			return err
		}
	}
	return nil
}

func detect(ctx context.Context, o options, flush time.Duration, out io.Writer) (err error) {
	received := &pages{first: map[string]page{}, came: make(chan struct{}, 1)}
	receiver := httptest.NewServer(received)
	defer receiver.Close()
	dir, err := os.MkdirTemp("", "slowburn-bench-alerting-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	alerting := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(alerting, fmt.Appendf(nil,
		"route: {receiver: bench}\nreceivers: [{name: bench, webhook_configs: [{url: '%s'}]}]\n", receiver.URL), 0o600); err != nil {
		return err
	}
	p, err := start(ctx, o, "--alerting", alerting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	var documents strings.Builder
	for i := range o.phases {
		documents.WriteString(document(fmt.Sprintf("detect-%d", i), service(i), 0))
	}
	if err := p.apply(ctx, documents.String()); err != nil {
		return err
	}
	conn, err := grpc.NewClient(p.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()

	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute+flush+detectLimit)
	defer cancel()
	// The history comes first and is counted whole, so that its volume does not
	// shift the begin of the live traffic.
	until := time.Now()
	for i := range o.phases {
		if err := send(ctx, conn, steady(service(i), until.Add(-time.Hour), until)); err != nil {
			return err
		}
	}
	if err := p.wait(ctx, "/api/v1/slos?limit=1000", time.Minute, func(_ int, body string) bool {
		return counted(body) == int64(o.phases)*int64(time.Hour/detectInterval)
	}); err != nil {
		return err
	}
	failed := make([]time.Time, o.phases)
	group, groupCtx := errgroup.WithContext(ctx)
	for i := range o.phases {
		group.Go(func() (err error) {
			failed[i], err = play(groupCtx, conn, i, until, flush, received)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var delays []time.Duration
	tiers := map[string]int{}
	received.mu.Lock()
	defer received.mu.Unlock()
	for i := range o.phases {
		delays = append(delays, received.first[service(i)].at.Sub(failed[i]))
		tiers[received.first[service(i)].tier]++
	}
	slices.Sort(delays)
	fmt.Fprintf(out, "detect flush=%s phases=%d first_failure_to_webhook p50_s=%.1f p99_s=%.1f worst_s=%.1f arithmetic_minimum_s=12.0 tiers=%v\n",
		flush, o.phases, quantile(delays, 0.5).Seconds(), quantile(delays, 0.99).Seconds(), delays[len(delays)-1].Seconds(), tiers)
	return nil
}

func service(i int) string { return fmt.Sprintf("detect-%d", i) }

// steady is healthy traffic, one request every detectInterval in [from, to).
func steady(service string, from, to time.Time) ptrace.Traces {
	n := int(to.Sub(from) / detectInterval)
	td := traces(service, from, n, false)
	clear200(td)
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	for i := range n {
		end := from.Add(time.Duration(i) * detectInterval)
		spans.At(i).Attributes().Clear() // An hour must fit into one request.
		spans.At(i).SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-20 * time.Millisecond)))
		spans.At(i).SetEndTimestamp(pcommon.NewTimestampFromTime(end))
	}
	return td
}

// play is one service: what passed since the history, healthy traffic, then a
// total outage at a random phase of its exporter's flush and of the clock's
// grid. It returns the end of the first failed request, once the page has come.
func play(ctx context.Context, conn *grpc.ClientConn, i int, since time.Time, flush time.Duration, received *pages) (time.Time, error) {
	begin := time.Now()
	if err := send(ctx, conn, steady(service(i), since, begin)); err != nil {
		return time.Time{}, err
	}
	outage := begin.Add(2*flush + rand.N(20*time.Second)) //nolint:gosec // A phase, no secret.
	requests := time.NewTicker(detectInterval)
	defer requests.Stop()
	flushes := time.NewTicker(flush)
	defer flushes.Stop()
	var firstFailure time.Time
	buffer := ptrace.NewTraces()
	for {
		select {
		case <-ctx.Done():
			return firstFailure, fmt.Errorf("service %d was not paged for: %w", i, ctx.Err())
		case at := <-requests.C:
			failing := at.After(outage)
			if failing && firstFailure.IsZero() {
				firstFailure = at
			}
			one := traces(service(i), at, 1, failing)
			if !failing {
				clear200(one)
			}
			one.ResourceSpans().MoveAndAppendTo(buffer.ResourceSpans())
		case <-flushes.C:
			if err := send(ctx, conn, buffer); err != nil {
				return firstFailure, err
			}
			buffer = ptrace.NewTraces()
			if received.has(service(i)) {
				return firstFailure, nil
			}
		}
	}
}

func (p *pages) has(service string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.first[service]
	return ok
}

// clear200 makes every span a success.
func clear200(td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				s.Status().SetCode(ptrace.StatusCodeUnset)
			}
		}
	}
}

func send(ctx context.Context, conn *grpc.ClientConn, td ptrace.Traces) error {
	if td.SpanCount() == 0 {
		return nil
	}
	body, err := encode(td)
	if err != nil {
		return err
	}
	return export(ctx, conn, body)
}
