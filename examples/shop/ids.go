package shop

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"

	"go.opentelemetry.io/otel/trace"
)

// ids draws the identities of traces and spans from the shop's own random
// numbers, so that a seed makes the same telemetry again.
type ids struct {
	mu     sync.Mutex
	random *rand.Rand
}

// NewIDs implements sdktrace.IDGenerator.
func (g *ids) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var id trace.TraceID
	binary.BigEndian.PutUint64(id[:8], g.random.Uint64()|1)
	binary.BigEndian.PutUint64(id[8:], g.random.Uint64())
	return id, g.span()
}

// NewSpanID implements sdktrace.IDGenerator.
func (g *ids) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.span()
}

func (g *ids) span() (id trace.SpanID) {
	binary.BigEndian.PutUint64(id[:], g.random.Uint64()|1)
	return id
}
