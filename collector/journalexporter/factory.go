// Package journalexporter is the Collector exporter that hands accepted OTLP
// to Slowburn's journal and answers when it is durable.
package journalexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"

	"github.com/slowburn-slo/slowburn/slo"
)

// TypeName is the type of the component in a Collector configuration.
const TypeName = "journal"

// Journal keeps what was accepted. Append MUST return only when the record is
// durable, or an error when it may not be; the sender then sends it again. It
// MUST be safe for concurrent use. It MAY keep the record after it returned.
type Journal interface {
	Append(ctx context.Context, r slo.Record) (slo.Offset, error)
}

// Config is empty: a queue, a retry or a timeout before the journal would
// answer OK for what is not on disk.
type Config struct{}

// NewFactory makes exporters that append to the one extension of the running
// Collector that implements Journal. It is for distributions made by the
// Collector builder, which can hand nothing to a factory; such a distribution
// brings its own journal as an extension.
func NewFactory() exporter.Factory { return NewFactoryFor(nil) }

// NewFactoryFor makes exporters that append to journal.
func NewFactoryFor(journal Journal) exporter.Factory {
	return exporter.NewFactory(
		component.MustNewType(TypeName),
		func() component.Config { return &Config{} },
		exporter.WithTraces(func(_ context.Context, set exporter.Settings, _ component.Config) (exporter.Traces, error) {
			return newJournalExporter(set, journal), nil
		}, component.StabilityLevelBeta),
		exporter.WithMetrics(func(_ context.Context, set exporter.Settings, _ component.Config) (exporter.Metrics, error) {
			return newJournalExporter(set, journal), nil
		}, component.StabilityLevelBeta),
		exporter.WithLogs(func(_ context.Context, set exporter.Settings, _ component.Config) (exporter.Logs, error) {
			return refuser{newJournalExporter(set, journal)}, nil
		}, component.StabilityLevelBeta),
	)
}
