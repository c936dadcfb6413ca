package request

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
)

// Handover goes with a request from the receiver to the journal exporter.
type Handover struct {
	payload []byte
	traces  ptrace.Traces
	metrics pmetric.Metrics

	mu       sync.Mutex
	refused  []slo.Refusal // By the receiver, not yet in the journal.
	reported []slo.Refusal // By who came later.
}

// New makes a handover with what the receiver refused.
func New(refused []slo.Refusal) *Handover { return &Handover{refused: refused} }

// SetTraces says that payload is what td was decoded from. It makes td
// read-only: a processor that changes spans changes a copy, which is another td.
func (h *Handover) SetTraces(td ptrace.Traces, payload []byte) {
	td.MarkReadOnly()
	h.traces, h.payload = td, payload
}

// SetMetrics is SetTraces for metrics.
func (h *Handover) SetMetrics(md pmetric.Metrics, payload []byte) {
	md.MarkReadOnly()
	h.metrics, h.payload = md, payload
}

type handoverKey struct{}

// With sends the handover along with a request.
func With(ctx context.Context, h *Handover) context.Context {
	return context.WithValue(ctx, handoverKey{}, h)
}

// Of is the handover of a request, nil if it has none: then it came through a
// receiver that is not this distribution's.
func Of(ctx context.Context) *Handover {
	h, _ := ctx.Value(handoverKey{}).(*Handover)
	return h
}

// PayloadOfTraces is what td was decoded from, if td is the very one that the
// receiver decoded; else nil.
func (h *Handover) PayloadOfTraces(td ptrace.Traces) []byte {
	if h == nil || h.payload == nil || h.traces != td || !td.IsReadOnly() {
		return nil
	}
	return h.payload
}

// PayloadOfMetrics is PayloadOfTraces for metrics.
func (h *Handover) PayloadOfMetrics(md pmetric.Metrics) []byte {
	if h == nil || h.payload == nil || h.metrics != md || !md.IsReadOnly() {
		return nil
	}
	return h.payload
}

// TakeRefused hands out once what the receiver refused, so that a pipeline with
// two exporters does not store it twice.
func (h *Handover) TakeRefused() []slo.Refusal {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := h.refused
	h.refused = nil
	return taken
}

// Report tells the receiver what was refused behind it and is in the journal.
func (h *Handover) Report(refused []slo.Refusal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reported = append(h.reported, refused...)
}

// Reported is what was refused behind the receiver.
func (h *Handover) Reported() []slo.Refusal {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reported
}
