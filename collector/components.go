package collector

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/service/telemetry"

	"github.com/slowburn-slo/slowburn/collector/decompressextension"
	"github.com/slowburn-slo/slowburn/collector/journalexporter"
	"github.com/slowburn-slo/slowburn/collector/otlpreceiver"
	"github.com/slowburn-slo/slowburn/collector/tokenauthextension"
)

// Components is everything that a configuration may name; builder-config.yaml
// lists the same. What is not here cannot be attacked here.
func Components(journal journalexporter.Journal, now func() time.Time, internal telemetry.Factory) (otelcol.Factories, error) {
	receivers, err1 := otelcol.MakeFactoryMap[receiver.Factory](
		otlpreceiver.NewFactoryAt(now),
	)
	processors, err2 := otelcol.MakeFactoryMap[processor.Factory](
		memorylimiterprocessor.NewFactory(),
	)
	exporters, err3 := otelcol.MakeFactoryMap[exporter.Factory](
		journalexporter.NewFactoryFor(journal),
	)
	extensions, err4 := otelcol.MakeFactoryMap[extension.Factory](
		decompressextension.NewFactory(),
		tokenauthextension.NewFactory(),
	)
	return otelcol.Factories{
		Receivers:  receivers,
		Processors: processors,
		Exporters:  exporters,
		Extensions: extensions,
		Telemetry:  internal,
	}, errors.Join(err1, err2, err3, err4)
}
