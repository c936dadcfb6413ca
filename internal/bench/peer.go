package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

// peerConfig is a stock Collector: receive, and either drop or make metrics of
// spans for every service and name and write them to Prometheus. Nothing of it
// is durable, and no objective is judged.
const peerConfig = `
receivers:
  otlp:
    protocols:
      grpc: {endpoint: %q, max_recv_msg_size_mib: 32}
connectors:
  spanmetrics: {metrics_flush_interval: 5s}
exporters:
  nop: {}
  prometheusremotewrite: {endpoint: %q}
service:
  telemetry: {metrics: {level: none}, logs: {level: error}}
  pipelines:
    traces: {receivers: [otlp], exporters: [%s]}
`

// peerMetrics is the second pipeline of span metrics.
const peerMetrics = `    metrics: {receivers: [spanmetrics], exporters: [prometheusremotewrite]}
`

// benchPeer measures the Collector in the same run and under the same load as
// Slowburn, so that figures of machines of different speed can be compared.
func benchPeer(ctx context.Context, o options, out io.Writer) error {
	if o.peer == "" {
		return errors.New("SLOWBURN_PEER_BIN names the Collector to measure; make bench sets it")
	}
	for _, exporter := range []string{"nop", "spanmetrics"} {
		if err := peer(ctx, o, exporter, out); err != nil {
			return fmt.Errorf("collector with %s: %w", exporter, err)
		}
	}
	return nil
}

func peer(ctx context.Context, o options, exporter string, out io.Writer) (err error) {
	var written atomic.Int64
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		written.Add(n)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer sink.Close()
	cmd, address, err := startPeer(ctx, o.peer, exporter, sink.URL)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
	}()
	l, err := newLoad(address, 0)
	if err != nil {
		return err
	}
	if err := listening(ctx, address, 30*time.Second); err != nil {
		return err
	}
	if _, err := l.run(ctx, 3*time.Second); err != nil { // Warm up.
		return err
	}
	warm := l.sent.Load()
	before, err := cpu(cmd.Process.Pid)
	if err != nil {
		return err
	}
	took, err := l.run(ctx, o.duration)
	if err != nil {
		return err
	}
	after, err := cpu(cmd.Process.Pid)
	if err != nil {
		return err
	}
	if exporter == "spanmetrics" && written.Load() == 0 {
		return errors.New("no span metrics were written: it did not do its work")
	}
	spans := l.sent.Load() - warm
	fmt.Fprintf(out, "peer collector=0.158.0 exporter=%s durable=no batch=%d span_bytes=%d spans=%d spans_per_second=%.0f program_cpu_us_per_span=%.2f load_average=%s\n",
		exporter, batchSize, l.spanBytes, spans, float64(spans)/took.Seconds(), micros(after-before, spans), loadAverage())
	return nil
}

// startPeer runs the Collector with one exporter of traces.
func startPeer(ctx context.Context, binary, exporter, sink string) (*exec.Cmd, string, error) {
	address, err := freePort(ctx)
	if err != nil {
		return nil, "", err
	}
	config := fmt.Sprintf(peerConfig, address, sink, exporter)
	if exporter == "spanmetrics" {
		config += peerMetrics
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), binary, "--config", "yaml:"+config) //nolint:gosec // The binary under test.
	cmd.Stderr = os.Stderr
	return cmd, address, cmd.Start()
}

// listening waits until somebody accepts connections there.
func listening(ctx context.Context, address string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		var dialer net.Dialer
		if conn, err := dialer.DialContext(ctx, "tcp", address); err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nobody listens on %s after %s", address, limit)
		case <-ticker.C:
		}
	}
}
