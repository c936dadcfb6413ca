// Package traffic is a best-effort projection of the journal: the rate, errors
// and latency of what services do for others, by operation, in memory. It may
// lag, forgets after a day, and is made anew after a restart from the newest
// part of the journal.
package traffic

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// maxOperations bounds the operations that are kept apart in all,
	// maxOfService those of one service. Further ones are summed up.
	maxOperations = 2000
	maxOfService  = 500
	// newestRecords is how far back the journal is read at a start.
	newestRecords = 20_000
	// retryAfter is how long a reader that failed is left alone.
	retryAfter = time.Second
	// The bounds of the ledger: what it does not count is no traffic.
	late, future = 24 * time.Hour, 10 * time.Minute
)

// Reader reads the records of a journal in order (see slo/ledger).
type Reader interface {
	Next(ctx context.Context) (slo.Record, error)
	Close() error
}

// Journal says which records there are.
type Journal interface {
	Oldest() slo.Offset
	Durable() slo.Offset
}

// Settings are what a Projection works with; all but Now are required.
type Settings struct {
	Journal    Journal
	OpenReader func(after slo.Offset) (Reader, error)
	Logger     *slog.Logger
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Projection knows the traffic. Its methods are safe for concurrent use.
type Projection struct {
	settings Settings

	mu         sync.RWMutex
	operations map[slo.Operation]*operation
	byService  map[string]int
}

// New returns a projection that knows nothing until it runs.
func New(settings Settings) (*Projection, error) {
	if settings.Journal == nil || settings.OpenReader == nil || settings.Logger == nil {
		return nil, errors.New("traffic needs a journal, a reader and a logger")
	}
	if settings.Now == nil {
		settings.Now = time.Now
	}
	return &Projection{settings: settings, operations: map[slo.Operation]*operation{}, byService: map[string]int{}}, nil
}

// Run follows the journal until ctx ends, then returns nil. Trouble with the
// journal is logged; what was missed is skipped, since nothing depends on it.
func (p *Projection) Run(ctx context.Context) error {
	after := p.beginning()
	for {
		err := p.follow(ctx, after)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // It was told to stop.
		}
		after = p.settings.Journal.Durable()
		p.settings.Logger.Warn("the traffic of a stretch of the journal is not known", "until", after, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
}

// beginning is the record after which the first reader starts.
func (p *Projection) beginning() slo.Offset {
	oldest, durable := p.settings.Journal.Oldest(), p.settings.Journal.Durable()
	after := slo.Offset(0)
	if oldest > 0 {
		after = oldest - 1
	}
	if durable > newestRecords {
		after = max(after, durable-newestRecords)
	}
	return after
}

func (p *Projection) follow(ctx context.Context, after slo.Offset) error {
	reader, err := p.settings.OpenReader(after)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	for {
		record, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		if record.Kind == slo.RecordTraces {
			p.take(record)
		}
	}
}

// take adds the spans of a record. One that cannot be decoded is the ledger's
// to report.
func (p *Projection) take(r slo.Record) {
	traces, ok := r.Decoded.(ptrace.Traces)
	if !ok {
		var err error
		if traces, err = (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(r.Payload); err != nil {
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	resources := traces.ResourceSpans()
	for i := range resources.Len() {
		resource := resources.At(i)
		service := ""
		if name, ok := resource.Resource().Attributes().Get("service.name"); ok {
			service = name.Str()
		}
		scopes := resource.ScopeSpans()
		for k := range scopes.Len() {
			spans := scopes.At(k).Spans()
			for n := range spans.Len() {
				p.add(service, spans.At(n), r.Arrival.UnixNano())
			}
		}
	}
}

func (p *Projection) add(service string, span ptrace.Span, arrival int64) {
	kind, answers := kindOf(span.Kind())
	if !answers {
		return
	}
	start, end := int64(span.StartTimestamp()), int64(span.EndTimestamp())
	if end <= 0 || end < arrival-int64(late) || end > arrival+int64(future) {
		return
	}
	p.find(slo.Operation{Service: service, Name: span.Name(), Kind: kind}).
		add(end, time.Duration(max(end-start, 0)), span.Status().Code() == ptrace.StatusCodeError)
}

// kindOf is the kind of a span that answers somebody.
func kindOf(kind ptrace.SpanKind) (slo.SpanKind, bool) {
	switch kind {
	case ptrace.SpanKindServer:
		return slo.ServerSpan, true
	case ptrace.SpanKindConsumer:
		return slo.ConsumerSpan, true
	case ptrace.SpanKindUnspecified, ptrace.SpanKindInternal, ptrace.SpanKindClient, ptrace.SpanKindProducer:
	}
	return "", false
}

// find is the operation as it is called in the telemetry, or under a name that
// can be shown.
func (p *Projection) find(key slo.Operation) *operation {
	if found := p.operations[key]; found != nil {
		return found
	}
	key.Service, key.Name = slo.CleanService(key.Service), slo.CleanName(key.Name)
	if key.Name == "" {
		key.Name = "(unnamed)"
	}
	if p.operations[key] == nil && (len(p.operations) >= maxOperations || p.byService[key.Service] >= maxOfService) {
		key.Name = slo.OtherNames
		if len(p.operations) >= 2*maxOperations {
			key.Service = slo.OtherNames
		}
	}
	if found := p.operations[key]; found != nil {
		return found
	}
	made := newOperation()
	p.operations[key] = made
	p.byService[key.Service]++
	return made
}

// Operations returns the traffic of each operation of a service, of every
// service if it is empty, over the time up to now (at most a day): sorted by
// service, the busiest first within each.
func (p *Projection) Operations(service string, over time.Duration) []slo.Traffic {
	sums := p.sums(over, func(o slo.Operation) (slo.Operation, bool) { return o, service == "" || o.Service == service })
	slices.SortFunc(sums, func(a, b slo.Traffic) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(b.Spans, a.Spans), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	return sums
}

// Services returns the traffic of each service by kind, without operations,
// sorted by name, what it answers before what it consumes.
func (p *Projection) Services(over time.Duration) []slo.Traffic {
	sums := p.sums(over, func(o slo.Operation) (slo.Operation, bool) {
		o.Name = ""
		return o, true
	})
	slices.SortFunc(sums, func(a, b slo.Traffic) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(b.Kind, a.Kind))
	})
	return sums
}

// sums adds up the operations that are selected, under the name that each is
// given.
func (p *Projection) sums(over time.Duration, name func(slo.Operation) (slo.Operation, bool)) []slo.Traffic {
	now := p.settings.Now()
	p.mu.RLock()
	defer p.mu.RUnlock()
	byName := map[slo.Operation]*sum{}
	for key, o := range p.operations {
		as, selected := name(key)
		if !selected {
			continue
		}
		if byName[as] == nil {
			byName[as] = newSum(as, over, now)
		}
		byName[as].add(o)
	}
	sums := make([]slo.Traffic, 0, len(byName))
	for _, s := range byName {
		sums = append(sums, s.finish())
	}
	return sums
}
