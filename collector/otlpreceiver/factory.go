// Package otlpreceiver is the Collector receiver for OTLP of this distribution.
// It differs from the stock one in what its answers mean: OK is what the end of
// the pipeline said, data that can never be accepted is refused item by item
// and reported as a partial success, and the bytes of a request go with it, so
// that the journal need not encode it again.
package otlpreceiver

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
)

// TypeName is the type of the component in a Collector configuration.
const TypeName = "otlp"

// NewFactory makes receivers that go by the clock of the machine.
func NewFactory() receiver.Factory { return NewFactoryAt(time.Now) }

// NewFactoryAt makes receivers that go by the given clock.
func NewFactoryAt(now func() time.Time) receiver.Factory {
	s := &shared{now: now, receivers: map[*Config]*otlpReceiver{}}
	return receiver.NewFactory(
		component.MustNewType(TypeName),
		func() component.Config { return defaultConfig() },
		receiver.WithTraces(func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Traces) (receiver.Traces, error) {
			r := s.of(cfg.(*Config), set)
			r.nextTraces = next
			return r, nil
		}, component.StabilityLevelBeta),
		receiver.WithMetrics(func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
			r := s.of(cfg.(*Config), set)
			r.nextMetrics = next
			return r, nil
		}, component.StabilityLevelBeta),
		receiver.WithLogs(func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
			r := s.of(cfg.(*Config), set)
			r.nextLogs = next
			return r, nil
		}, component.StabilityLevelBeta),
	)
}

// shared keeps one receiver for each configuration: a factory is asked for
// each signal, and all of them arrive at the same ports.
type shared struct {
	now       func() time.Time
	mu        sync.Mutex
	receivers map[*Config]*otlpReceiver
}

func (s *shared) of(c *Config, set receiver.Settings) *otlpReceiver {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.receivers[c]
	if !ok {
		r = newReceiver(c, set, s.now)
		r.forget = func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.receivers, c)
		}
		s.receivers[c] = r
	}
	return r
}
