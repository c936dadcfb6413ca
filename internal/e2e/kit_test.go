//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// platform is one `slowburn serve` with a data folder of its own.
type platform struct {
	t          *testing.T
	dataDir    string
	args       []string
	http       string
	grpc, otlp string
	cmd        *exec.Cmd
	log        *lockedBuffer
	exited     chan error
}

// lockedBuffer collects the output of a process while it runs.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("SLOWBURN_BIN")
	require.NotEmpty(t, path, "SLOWBURN_BIN names the binary under test")
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	return path
}

// folder is a temporary folder that the database's user can pass through.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "slowburn-e2e-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// newPlatform starts the binary and waits until it is ready.
func newPlatform(t *testing.T, args ...string) *platform {
	t.Helper()
	p := &platform{
		t: t, dataDir: filepath.Join(folder(t), "data"), args: args,
		http: freePort(t), grpc: freePort(t), otlp: freePort(t),
	}
	t.Cleanup(p.terminate)
	p.start()
	return p
}

func (p *platform) start() {
	p.t.Helper()
	args := append([]string{
		"serve", "--data-dir", p.dataDir, "--http", p.http, "--otlp-grpc", p.grpc, "--otlp-http", p.otlp,
	}, p.args...)
	p.cmd = exec.Command(binary(p.t), args...)
	p.log = &lockedBuffer{}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	require.NoError(p.t, p.cmd.Start())
	exited := make(chan error, 1)
	p.exited = exited
	go func(cmd *exec.Cmd) { exited <- cmd.Wait() }(p.cmd)
	p.eventually(60*time.Second, "ready", func() (bool, string) {
		select {
		case err := <-exited:
			require.FailNow(p.t, "slowburn ended", "%v\n%s", err, p.log)
		default:
		}
		status, body := p.get("/readyz")
		return status == http.StatusOK, body
	})
}

// kill ends the process with SIGKILL; its PostgreSQL survives, as in life.
func (p *platform) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGKILL))
	<-p.exited
	p.cmd = nil
}

// terminate drains the process and expects exit status 0.
func (p *platform) terminate() {
	p.t.Helper()
	if p.cmd == nil {
		return
	}
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-p.exited:
		require.NoError(p.t, err, "SIGTERM drains and exits 0\n%s", p.log)
	case <-time.After(60 * time.Second):
		_ = p.cmd.Process.Kill()
		require.FailNow(p.t, "SIGTERM did not end the process", "%s", p.log)
	}
	p.cmd = nil
}

// eventually polls until what is expected holds, or shows what was seen last.
func (p *platform) eventually(limit time.Duration, what string, holds func() (bool, string)) {
	p.t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(limit)
	for {
		ok, seen := holds()
		if ok {
			return
		}
		select {
		case <-deadline:
			require.FailNow(p.t, what+" did not come", "after %s; last seen: %s\n%s", limit, seen, p.log)
		case <-ticker.C:
		}
	}
}

func (p *platform) get(path string) (int, string) {
	res, err := http.Get("http://" + p.http + path)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(p.t, err)
	return res.StatusCode, string(body)
}

// apply sends OpenSLO documents to the API and expects them to be taken.
func (p *platform) apply(document string) {
	p.t.Helper()
	res, err := http.Post("http://"+p.http+"/api/v1/slos", "application/yaml", bytes.NewBufferString(document))
	require.NoError(p.t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(p.t, err)
	require.Less(p.t, res.StatusCode, 300, "%s", body)
}

type episode struct {
	ID    string `json:"id"`
	Tier  string `json:"tier"`
	State string `json:"state"`
}

// objective is the part of the status that these tests read.
type objective struct {
	Good, Bad, Unknown, Total int64
	SLI                       *float64 `json:"sli"`
	State                     string   `json:"state"`
	Budget                    struct {
		Total          float64  `json:"total"`
		Spent          int64    `json:"spent"`
		RemainingRatio *float64 `json:"remaining_ratio"`
	} `json:"budget"`
	Firing []episode `json:"firing"`
}

func (p *platform) objective(name string) (objective, string) {
	p.t.Helper()
	code, body := p.get("/api/v1/slos/" + name)
	if code != http.StatusOK {
		return objective{}, body
	}
	var status struct {
		Objectives []objective `json:"objectives"`
	}
	require.NoError(p.t, json.Unmarshal([]byte(body), &status), body)
	require.NotEmpty(p.t, status.Objectives, body)
	return status.Objectives[0], body
}

// counts waits until the objective counts exactly so many, and that it stays so.
func (p *platform) counts(name string, good, bad int64) objective {
	p.t.Helper()
	var got objective
	p.eventually(20*time.Second, fmt.Sprintf("%s with %d good and %d bad", name, good, bad), func() (bool, string) {
		var body string
		got, body = p.objective(name)
		require.LessOrEqual(p.t, got.Good, good, "never more than was sent")
		require.LessOrEqual(p.t, got.Bad, bad, "never more than was sent")
		return got.Good == good && got.Bad == bad, body
	})
	require.Zero(p.t, got.Unknown)
	require.Equal(p.t, good+bad, got.Total)
	return got
}

// exporter is an exporter of the real SDK, without retries, so that an
// acknowledgement belongs to one attempt.
func (p *platform) exporter(protocol string) *otlptrace.Exporter {
	p.t.Helper()
	ctx := context.Background()
	var exporter *otlptrace.Exporter
	var err error
	switch protocol {
	case "grpc":
		exporter, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(p.grpc), otlptracegrpc.WithInsecure(),
			otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}), otlptracegrpc.WithTimeout(5*time.Second))
	default:
		exporter, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(p.otlp), otlptracehttp.WithInsecure(),
			otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
			otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}), otlptracehttp.WithTimeout(5*time.Second))
	}
	require.NoError(p.t, err)
	p.t.Cleanup(func() { _ = exporter.Shutdown(context.Background()) })
	return exporter
}

func serviceResource(service string) *resource.Resource {
	return resource.NewSchemaless(attribute.String("service.name", service))
}

// spans makes server spans that end at an instant, so many good and bad ones.
func spans(service string, end time.Time, good, bad int) []sdktrace.ReadOnlySpan {
	stubs := make(tracetest.SpanStubs, 0, good+bad)
	for i := range good + bad {
		stub := tracetest.SpanStub{
			Name: "GET /pay", SpanKind: trace.SpanKindServer, Resource: serviceResource(service),
			StartTime: end.Add(-20 * time.Millisecond), EndTime: end,
			SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: randomTrace(), SpanID: randomSpan(), TraceFlags: trace.FlagsSampled}),
		}
		if i >= good {
			stub.Status = sdktrace.Status{Code: codes.Error, Description: "declined"}
		}
		stubs = append(stubs, stub)
	}
	return stubs.Snapshots()
}

// document is an availability objective of a service over 30 days.
func document(name, service, target string) string {
	return fmt.Sprintf(`apiVersion: openslo/v1
kind: SLO
metadata: {name: %s}
spec:
  service: %s
  indicator:
    metadata: {name: %s}
    spec:
      ratioMetric:
        counter: true
        total: {metricSource: {type: Spans, spec: {service: %s, condition: 'span.kind == SPAN_KIND_SERVER'}}}
        good: {metricSource: {type: Spans, spec: {condition: 'span.status.code != STATUS_CODE_ERROR'}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: %s}]
`, name, service, name, service, target)
}
