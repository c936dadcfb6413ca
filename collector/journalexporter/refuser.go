package journalexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// refuser answers logs by name, so that a sender reads why instead of finding
// an unknown path.
type refuser struct {
	component.StartFunc
	component.ShutdownFunc
}

// Capabilities says that the data is not changed.
func (refuser) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: false} }

// ConsumeLogs refuses for good: InvalidArgument, 400 over HTTP, makes a sender
// drop the request instead of sending it again for ever.
func (refuser) ConsumeLogs(context.Context, plog.Logs) error {
	return status.Error(codes.InvalidArgument,
		"logs are not accepted: Slowburn takes traces and metrics; set OTEL_LOGS_EXPORTER=none or send logs elsewhere")
}
