package collector

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/service/telemetry"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// noTelemetrySettings is the empty service::telemetry section: the process logs
// and measures itself in one place, and the Collector opens no port of its own.
type noTelemetrySettings struct{}

// internalTelemetry lets the Collector log to logger and measure nothing.
func internalTelemetry(logger *slog.Logger) telemetry.Factory {
	return telemetry.NewFactory(
		func() component.Config { return &noTelemetrySettings{} },
		telemetry.WithCreateLogger(func(context.Context, telemetry.LoggerSettings, component.Config) (*zap.Logger, component.ShutdownFunc, error) {
			return zap.New(slogCore{handler: logger.Handler()}), nil, nil
		}),
	)
}

// slogCore writes the lines of zap, which the Collector speaks, to a slog handler.
type slogCore struct{ handler slog.Handler }

// Enabled asks the handler.
func (c slogCore) Enabled(level zapcore.Level) bool {
	return c.handler.Enabled(context.Background(), slogLevel(level))
}

// With adds fields to every later line.
func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	return slogCore{handler: c.handler.WithAttrs(slogAttrs(fields))}
}

// Check adds the core to those that write the line.
func (c slogCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write writes one line.
func (c slogCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	record := slog.NewRecord(entry.Time, slogLevel(entry.Level), entry.Message, 0)
	record.AddAttrs(slogAttrs(fields)...)
	if err := c.handler.Handle(context.Background(), record); err != nil {
		return fmt.Errorf("write a log line of the collector: %w", err)
	}
	return nil
}

// Sync has nothing to flush.
func (slogCore) Sync() error { return nil }

func slogLevel(level zapcore.Level) slog.Level {
	switch {
	case level < zapcore.InfoLevel:
		return slog.LevelDebug
	case level == zapcore.InfoLevel:
		return slog.LevelInfo
	case level == zapcore.WarnLevel:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}

// slogAttrs keeps the names that the Collector gave its fields, sorted.
func slogAttrs(fields []zapcore.Field) []slog.Attr {
	object := zapcore.NewMapObjectEncoder()
	for _, field := range fields {
		field.AddTo(object)
	}
	attrs := make([]slog.Attr, 0, len(object.Fields))
	for _, key := range slices.Sorted(maps.Keys(object.Fields)) {
		attrs = append(attrs, slog.Any(key, object.Fields[key]))
	}
	return attrs
}
