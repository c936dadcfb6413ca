package otlpreceiver

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/slowburn-slo/slowburn/collector/decode"
	"github.com/slowburn-slo/slowburn/collector/request"
	"github.com/slowburn-slo/slowburn/collector/shape"
	"github.com/slowburn-slo/slowburn/internal/failpoint"
)

// incoming is a request that was read. Findings say whether it was checked, too.
type incoming struct {
	format   format
	body     []byte
	findings shape.Findings
}

// checked is the request after the check that comes before decoding.
func (r *otlpReceiver) checked(of shape.Kind, in incoming) (incoming, error) {
	if in.findings.Checked {
		return in, nil
	}
	var err error
	if in.format == jsonText {
		in.findings, err = shape.JSON(in.body)
	} else {
		in.findings, err = r.schema.Protobuf(of, in.body)
	}
	if err != nil {
		return in, badRequestError{err}
	}
	return in, nil
}

// partial says how many items were refused for good, and why; zero if none.
type partial struct {
	rejected int64
	message  string
}

// encoded is an answer, ready to send.
type encoded []byte

// take hands a request to its pipeline and returns the answer, once the end of
// the pipeline has answered.
func (r *otlpReceiver) take(ctx context.Context, s signal, in incoming) (encoded, error) {
	live, done := r.live(ctx)
	defer done()
	refused, err := s.take(live, in)
	if err == nil {
		failpoint.Here(failpoint.Acknowledged)
	}
	switch {
	case err != nil && ctx.Err() == nil && r.stopping.Err() != nil:
		return nil, errStopping
	case err != nil:
		return nil, err
	case refused.rejected > 0:
		answer, err := s.answer(refused, in.format)
		if err != nil {
			return nil, fmt.Errorf("write the answer: %w", err)
		}
		return answer, nil
	case in.format == jsonText:
		return encoded("{}"), nil
	default:
		return nil, nil // An answer without fields: partial_success is not set.
	}
}

// decodeWith reads a body. What is read was sent by anybody: a decoder that panics
// refuses this request and does not end the process.
func decodeWith(in incoming, fromProtobuf, fromJSON func([]byte) error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = badRequestError{fmt.Errorf("the request cannot be decoded: %v", fault)}
		}
	}()
	read := fromProtobuf
	if in.format == jsonText {
		read = fromJSON
	}
	if err := read(in.body); err != nil {
		return badRequestError{fmt.Errorf("the request cannot be decoded: %w", err)}
	}
	failpoint.Here(failpoint.Decoded)
	return nil
}

// decodeTraces decodes usual requests at once, and others after the check.
func (r *otlpReceiver) decodeTraces(in incoming) (ptrace.Traces, shape.Findings, error) {
	if in.format == protobuf {
		if td, findings, ok := decode.Traces(in.body); ok {
			failpoint.Here(failpoint.Decoded)
			return td, findings, nil
		}
	}
	in, err := r.checked(shape.Traces, in)
	if err != nil {
		return ptrace.Traces{}, in.findings, err
	}
	if in.findings.WrongIDs && in.format == protobuf {
		r.schema.HideWrongIDs(in.body)
	}
	td, err := decodeChecked(in)
	if err != nil && in.format == jsonText {
		// The check of JSON does not look at identities, since they are rarely wrong.
		in.body = shape.HideWrongIDsJSON(in.body)
		td, err = decodeChecked(in)
	}
	return td, in.findings, err
}

func decodeChecked(in incoming) (ptrace.Traces, error) {
	req := ptraceotlp.NewExportRequest()
	err := decodeWith(in, req.UnmarshalProto, req.UnmarshalJSON)
	return req.Traces(), err
}

func (r *otlpReceiver) takeTraces(ctx context.Context, in incoming) (partial, error) {
	td, findings, err := r.decodeTraces(in)
	if err != nil {
		return partial{}, err
	}
	sent := td.SpanCount()
	if sent == 0 {
		return partial{}, nil
	}
	b := r.bounds(findings.Oversized)
	tally := b.refuseSpans(td)
	handover := request.New(tally.Refusals("traces"))
	if in.format == protobuf && tally.Total() == 0 && !r.nextTraces.Capabilities().MutatesData {
		handover.SetTraces(td, in.body)
	}
	if err := r.nextTraces.ConsumeTraces(request.With(ctx, handover), td); err != nil {
		return partial{}, err
	}
	return b.explain(tally, "spans", sent), nil
}

func (r *otlpReceiver) takeMetrics(ctx context.Context, in incoming) (partial, error) {
	in, err := r.checked(shape.Metrics, in)
	if err != nil {
		return partial{}, err
	}
	req := pmetricotlp.NewExportRequest()
	if err := decodeWith(in, req.UnmarshalProto, req.UnmarshalJSON); err != nil {
		return partial{}, err
	}
	md := req.Metrics()
	sent := md.DataPointCount()
	if sent == 0 {
		return partial{}, nil
	}
	b := r.bounds(in.findings.Oversized)
	tally := b.refuseMetrics(md)
	handover := request.New(tally.Refusals("metrics"))
	if in.format == protobuf && tally.Total() == 0 && !r.nextMetrics.Capabilities().MutatesData {
		handover.SetMetrics(md, in.body)
	}
	if err := r.nextMetrics.ConsumeMetrics(request.With(ctx, handover), md); err != nil {
		return partial{}, err
	}
	return b.explain(tally, "data points", sent), nil
}

// takeLogs refuses nothing by itself: who stands at the end of the pipeline says.
func (r *otlpReceiver) takeLogs(ctx context.Context, in incoming) (partial, error) {
	in, err := r.checked(shape.Logs, in)
	if err != nil {
		return partial{}, err
	}
	req := plogotlp.NewExportRequest()
	if err := decodeWith(in, req.UnmarshalProto, req.UnmarshalJSON); err != nil {
		return partial{}, err
	}
	sent := req.Logs().LogRecordCount()
	if sent == 0 {
		return partial{}, nil
	}
	handover := request.New(nil)
	if err := r.nextLogs.ConsumeLogs(request.With(ctx, handover), req.Logs()); err != nil {
		return partial{}, err
	}
	var tally request.Tally
	for _, refused := range handover.Reported() {
		tally.Add(refused.Reason, refused.Service, refused.Items)
	}
	return r.bounds(false).explain(tally, "log records", sent), nil
}

func answerTraces(p partial, f format) ([]byte, error) {
	a := ptraceotlp.NewExportResponse()
	a.PartialSuccess().SetRejectedSpans(p.rejected)
	a.PartialSuccess().SetErrorMessage(p.message)
	if f == jsonText {
		return a.MarshalJSON()
	}
	return a.MarshalProto()
}

func answerMetrics(p partial, f format) ([]byte, error) {
	a := pmetricotlp.NewExportResponse()
	a.PartialSuccess().SetRejectedDataPoints(p.rejected)
	a.PartialSuccess().SetErrorMessage(p.message)
	if f == jsonText {
		return a.MarshalJSON()
	}
	return a.MarshalProto()
}

func answerLogs(p partial, f format) ([]byte, error) {
	a := plogotlp.NewExportResponse()
	a.PartialSuccess().SetRejectedLogRecords(p.rejected)
	a.PartialSuccess().SetErrorMessage(p.message)
	if f == jsonText {
		return a.MarshalJSON()
	}
	return a.MarshalProto()
}
