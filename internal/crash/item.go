package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// item is one span as its sender knows it. It is encoded anew for every
// sending, to the same content, in whichever batch it travels.
type item struct {
	trace    [16]byte
	span     [8]byte
	service  string
	plan     string
	kind     ptrace.SpanKind
	end      time.Time // Zero: the span has no end.
	duration time.Duration
	failed   bool
	// refused says that it can never be accepted, so it counts for nothing.
	refused bool
	// changed items carry other content under the identity of an item that was
	// acknowledged before: the first wins, so they count for nothing either.
	changed bool
	// booked is set when it is about to be sent for the first time, sent when it
	// has left; only its client touches them.
	booked, sent bool
}

// maker makes the items of one client.
type maker struct {
	random *rand.Rand
	// exact says that items which cannot be accepted are refused with
	// partial_success; without it only those are made that the ledger refuses.
	exact bool
	begun time.Time
}

const (
	// slow and quick are durations on both sides of the bound of the objective gold.
	slow, quick = 700 * time.Millisecond, 20 * time.Millisecond
	// burnPeriod is how often a burning service burns, burnFor how long.
	burnPeriod, burnFor = 40 * time.Second, 15 * time.Second
	// burners is how many of them there are, each at another time.
	burners = 8
)

// batch makes up to n items that one application would send at once: mostly
// of one service.
func (m *maker) batch(n int, now time.Time) []*item {
	items := make([]*item, 0, n)
	service := m.service()
	for range n {
		if m.random.IntN(20) == 0 {
			service = m.service()
		}
		items = append(items, m.item(service, now))
	}
	return items
}

func (m *maker) service() string {
	switch r := m.random.IntN(10); {
	case r < 3:
		return "steady"
	case r < 6:
		return "mixed"
	default:
		return burnerName(m.random.IntN(burners))
	}
}

func burnerName(i int) string { return fmt.Sprintf("burning-%d", i) }

func (m *maker) item(service string, now time.Time) *item {
	it := &item{service: service, plan: "free", kind: ptrace.SpanKindServer, end: now, duration: quick}
	binary.BigEndian.PutUint64(it.trace[:], m.random.Uint64()|1)
	binary.BigEndian.PutUint64(it.trace[8:], m.random.Uint64())
	binary.BigEndian.PutUint64(it.span[:], m.random.Uint64()|1)
	if m.random.IntN(8) == 0 {
		it.kind = ptrace.SpanKindClient // No event of any objective.
	}
	switch service {
	case "steady":
		m.shift(it)
	case "mixed":
		m.shift(it)
		it.failed = m.random.IntN(4) == 0
		if m.random.IntN(2) == 0 {
			it.plan = "gold"
		}
		if m.random.IntN(5) == 0 {
			it.duration = slow
		}
	default:
		var i int
		_, _ = fmt.Sscanf(service, "burning-%d", &i)
		phase := (now.Sub(m.begun) + time.Duration(i)*burnPeriod/burners) % burnPeriod
		it.failed = phase < burnFor
	}
	if m.random.IntN(100) == 0 {
		m.spoil(it, now)
	}
	return it
}

// shift moves the end of an item: out of order, late, or a little ahead.
func (m *maker) shift(it *item) {
	switch r := m.random.IntN(100); {
	case r < 20:
		it.end = it.end.Add(-time.Duration(m.random.Int64N(int64(40 * time.Second))))
	case r < 23:
		late := []time.Duration{5 * time.Minute, time.Hour, 6 * time.Hour, 23 * time.Hour}[m.random.IntN(4)]
		it.end = it.end.Add(-late)
	case r < 24:
		it.end = it.end.Add(5 * time.Minute)
	}
}

// spoil makes an item that can never be accepted.
func (m *maker) spoil(it *item, now time.Time) {
	it.refused = true
	kinds := 3
	if m.exact {
		kinds = 5
	}
	switch m.random.IntN(kinds) {
	case 0:
		it.end = time.Time{}
	case 1:
		it.end = now.Add(-25 * time.Hour)
	case 2:
		it.end = now.Add(20 * time.Minute)
	case 3:
		it.trace = [16]byte{}
	default:
		it.span = [8]byte{}
	}
}

// otherwise is the same item with other content: a conflict.
func (it *item) otherwise() *item {
	changed := *it
	changed.failed, changed.changed = !it.failed, true
	return &changed
}

// encode makes one export request of items, a resource for each service.
func encode(items []*item) ptrace.Traces {
	td := ptrace.NewTraces()
	byService := map[string]ptrace.SpanSlice{}
	for _, it := range items {
		spans, known := byService[it.service]
		if !known {
			rs := td.ResourceSpans().AppendEmpty()
			rs.Resource().Attributes().PutStr("service.name", it.service)
			spans = rs.ScopeSpans().AppendEmpty().Spans()
			byService[it.service] = spans
		}
		it.put(spans.AppendEmpty())
	}
	return td
}

func (it *item) put(s ptrace.Span) {
	s.SetTraceID(pcommon.TraceID(it.trace))
	s.SetSpanID(pcommon.SpanID(it.span))
	s.SetKind(it.kind)
	s.SetName("GET /pay")
	if !it.end.IsZero() {
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(it.end.Add(-it.duration)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(it.end))
	}
	s.Attributes().PutStr("plan", it.plan)
	s.Attributes().PutInt("http.response.status_code", 200)
	if it.failed {
		s.Status().SetCode(ptrace.StatusCodeError)
	}
}

// pick takes up to n items out of a list, anywhere, and returns the rest.
func pick(random *rand.Rand, from []*item, n int) (picked, rest []*item) {
	rest = slices.Clone(from)
	random.Shuffle(len(rest), func(i, k int) { rest[i], rest[k] = rest[k], rest[i] })
	n = min(n, len(rest))
	return rest[:n:n], rest[n:]
}
