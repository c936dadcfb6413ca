package journalexporter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/pref"
	"go.uber.org/zap"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/slo"
)

// retryDelay is how long a refused sender is told to wait.
const retryDelay = time.Second

// journalExporter is synchronous and has no queue: its caller, and so the
// sender, waits until the journal has answered.
type journalExporter struct {
	journal Journal
	logger  *zap.Logger
	// refusing remembers that the last append was refused, so that a full
	// disk is one line in the log and not one per request.
	refusing atomic.Bool
}

func newJournalExporter(set exporter.Settings, journal Journal) *journalExporter {
	return &journalExporter{journal: journal, logger: set.Logger}
}

// Start looks for the journal among the extensions if none was handed in.
func (e *journalExporter) Start(_ context.Context, host component.Host) error {
	if e.journal != nil {
		return nil
	}
	for id, extension := range host.GetExtensions() {
		journal, ok := extension.(Journal)
		if !ok {
			continue
		}
		if e.journal != nil {
			return fmt.Errorf("more than one extension is a journal, %s among them: enable one", id)
		}
		e.journal = journal
	}
	if e.journal == nil {
		return errors.New("no extension is a journal: enable one in service::extensions")
	}
	return nil
}

// Shutdown has nothing to do: the journal belongs to whoever made it.
func (e *journalExporter) Shutdown(context.Context) error { return nil }

// Capabilities says that the data is only read.
func (e *journalExporter) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

// ConsumeTraces returns when the spans are durable, and what the receiver
// refused of them. The journal keeps td, so it becomes read-only and is taken
// out of the Collector's pool of reused memory.
func (e *journalExporter) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	handover := request.Of(ctx)
	if td.SpanCount() > 0 {
		payload := handover.PayloadOfTraces(td)
		if payload == nil {
			var err error
			if payload, err = (&ptrace.ProtoMarshaler{}).MarshalTraces(td); err != nil {
				return consumererror.NewPermanent(fmt.Errorf("encode spans: %w", err))
			}
			td.MarkReadOnly()
		}
		pref.RefTraces(td)
		if err := e.append(ctx, slo.Record{Kind: slo.RecordTraces, Payload: payload, Decoded: td}); err != nil {
			return err
		}
	}
	return e.appendRefused(ctx, handover)
}

// ConsumeMetrics returns when the metrics are durable, as ConsumeTraces does.
func (e *journalExporter) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	handover := request.Of(ctx)
	if md.DataPointCount() > 0 {
		payload := handover.PayloadOfMetrics(md)
		if payload == nil {
			var err error
			if payload, err = (&pmetric.ProtoMarshaler{}).MarshalMetrics(md); err != nil {
				return consumererror.NewPermanent(fmt.Errorf("encode metrics: %w", err))
			}
			md.MarkReadOnly()
		}
		pref.RefMetrics(md)
		if err := e.append(ctx, slo.Record{Kind: slo.RecordMetrics, Payload: payload, Decoded: md}); err != nil {
			return err
		}
	}
	return e.appendRefused(ctx, handover)
}

// appendRefused stores what the receiver refused, behind what was accepted: if
// only this fails, the request is sent again, its spans are known as repeats,
// and what was refused is counted once.
func (e *journalExporter) appendRefused(ctx context.Context, handover *request.Handover) error {
	return e.appendRefusals(ctx, handover.TakeRefused())
}

func (e *journalExporter) appendRefusals(ctx context.Context, refused []slo.Refusal) error {
	if len(refused) == 0 {
		return nil
	}
	payload, err := slo.EncodeRefusals(refused)
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	return e.append(ctx, slo.Record{Kind: slo.RecordRefusals, Payload: payload})
}

// append answers every refusal of the journal with a status that makes the
// sender send again: OTLP clients drop data on any other. The cause is for our
// log, not for the sender.
func (e *journalExporter) append(ctx context.Context, r slo.Record) error {
	_, err := e.journal.Append(ctx, r)
	if err == nil {
		if e.refusing.Load() && e.refusing.CompareAndSwap(true, false) {
			e.logger.Info("the journal accepts telemetry again")
		}
		return nil
	}
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	if !e.refusing.Swap(true) {
		e.logger.Error("the journal refuses telemetry; senders are told to retry", zap.Error(err))
	}
	return errNotStored()
}

// errNotStored is Unavailable with a delay, which the OTLP receiver turns into
// 503 with Retry-After over HTTP.
func errNotStored() error {
	s := status.New(codes.Unavailable, "not stored: the journal cannot take telemetry now; send it again")
	if detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryDelay)}); err == nil {
		s = detailed
	}
	return s.Err()
}
