package otlpreceiver

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/slo"
)

// noon is now in these tests.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func at(offset time.Duration) pcommon.Timestamp {
	return pcommon.NewTimestampFromTime(noon().Add(offset))
}

// sink is the end of a pipeline. It keeps what comes and fails if told so.
type sink struct {
	mu      sync.Mutex
	err     error
	mutates bool
	traces  []ptrace.Traces
	metrics []pmetric.Metrics
	payload [][]byte
	refused []slo.Refusal
}

// Capabilities is as told.
func (s *sink) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: s.mutates}
}

// ConsumeTraces keeps them.
func (s *sink) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.traces = append(s.traces, td)
	s.payload = append(s.payload, request.Of(ctx).PayloadOfTraces(td))
	s.refused = append(s.refused, request.Of(ctx).TakeRefused()...)
	return s.err
}

// ConsumeMetrics keeps them.
func (s *sink) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metrics = append(s.metrics, md)
	s.payload = append(s.payload, request.Of(ctx).PayloadOfMetrics(md))
	s.refused = append(s.refused, request.Of(ctx).TakeRefused()...)
	return s.err
}

// ConsumeLogs drops them.
func (s *sink) ConsumeLogs(context.Context, plog.Logs) error { return s.err }

func receiverSettings() receiver.Settings {
	return receivertest.NewNopSettings(component.MustNewType(TypeName))
}

// receiverTo makes a receiver that is not started and hands to s.
func receiverTo(tb testing.TB, s *sink) *otlpReceiver {
	tb.Helper()
	r := newReceiver(defaultConfig(), receiverSettings(), noon)
	tb.Cleanup(r.hurry)
	r.nextTraces, r.nextMetrics, r.nextLogs = s, s, s
	return r
}
