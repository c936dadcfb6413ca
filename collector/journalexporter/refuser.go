package journalexporter

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/slo"
)

// refuser answers logs by name, so that a sender reads why instead of finding
// an unknown path. What it refused is in the journal.
type refuser struct{ *journalExporter }

// ConsumeLogs refuses all records. The receiver of this distribution is told
// how many, and answers OK with a partial success; any other is told
// InvalidArgument, 400 over HTTP, which makes a sender drop the request instead
// of sending it again for ever.
func (r refuser) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	var tally request.Tally
	for _, resource := range ld.ResourceLogs().All() {
		service := request.ServiceOf(resource.Resource())
		for _, scope := range resource.ScopeLogs().All() {
			tally.Add(slo.RefusedSignal, service, int64(scope.LogRecords().Len()))
		}
	}
	refused := tally.Refusals("logs")
	if err := r.appendRefusals(ctx, refused); err != nil {
		return err
	}
	if handover := request.Of(ctx); handover != nil {
		handover.Report(refused)
		return nil
	}
	return status.Error(codes.InvalidArgument,
		"logs are not accepted: Slowburn takes traces and metrics; set OTEL_LOGS_EXPORTER=none or send logs elsewhere")
}
