package traffic_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/traffic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal gives prepared records and then waits.
type journal struct {
	records []slo.Record
	failing int // reads that fail before the next works
	opened  []slo.Offset
}

func (j *journal) Oldest() slo.Offset  { return 1 }
func (j *journal) Durable() slo.Offset { return slo.Offset(len(j.records)) }

func (j *journal) open(after slo.Offset) (traffic.Reader, error) {
	j.opened = append(j.opened, after)
	return &reader{j: j, next: int(after)}, nil
}

type reader struct {
	j    *journal
	next int
}

func (r *reader) Next(ctx context.Context) (slo.Record, error) {
	if r.j.failing > 0 {
		r.j.failing--
		return slo.Record{}, errors.New("trimmed away")
	}
	if r.next < len(r.j.records) {
		r.next++
		return r.j.records[r.next-1], nil
	}
	<-ctx.Done()
	return slo.Record{}, ctx.Err()
}

func (r *reader) Close() error { return nil }

// span is one span of a record.
type span struct {
	service, name string
	kind          ptrace.SpanKind
	end           time.Time
	took          time.Duration
	failed        bool
}

func record(t testing.TB, arrival time.Time, decoded bool, spans ...span) slo.Record {
	t.Helper()
	traces := ptrace.NewTraces()
	for _, s := range spans {
		resource := traces.ResourceSpans().AppendEmpty()
		if s.service != "" {
			resource.Resource().Attributes().PutStr("service.name", s.service)
		}
		out := resource.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		out.SetName(s.name)
		out.SetKind(s.kind)
		out.SetStartTimestamp(pcommon.NewTimestampFromTime(s.end.Add(-s.took)))
		out.SetEndTimestamp(pcommon.NewTimestampFromTime(s.end))
		if s.failed {
			out.Status().SetCode(ptrace.StatusCodeError)
		}
	}
	payload, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	require.NoError(t, err)
	r := slo.Record{Kind: slo.RecordTraces, Arrival: arrival, Payload: payload}
	if decoded {
		r.Decoded = traces
	}
	return r
}

// project runs a projection over the records and hands it over.
func project(t *testing.T, j *journal, use func(*traffic.Projection)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p, err := traffic.New(traffic.Settings{Journal: j, OpenReader: j.open, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		time.Sleep(time.Minute) // Of the bubble.
		synctest.Wait()
		use(p)
		cancel()
		require.NoError(t, <-done)
	})
}

var noon = time.Date(2026, 3, 14, 12, 0, 30, 0, time.UTC)

func TestTrafficIsCountedByOperation(t *testing.T) {
	t.Parallel()
	server, consumer := ptrace.SpanKindServer, ptrace.SpanKindConsumer
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	j := &journal{records: []slo.Record{
		record(t, noon, true,
			span{"shop", "GET /", server, ago(time.Minute), 10 * time.Millisecond, false},
			span{"shop", "GET /", server, ago(2 * time.Minute), 20 * time.Millisecond, true},
			span{"shop", "POST /", server, ago(time.Minute), time.Second, false},
			span{"shop", "call", ptrace.SpanKindClient, ago(time.Minute), time.Second, false}),
		record(t, noon, false,
			span{"mail", "process", consumer, ago(3 * time.Hour), time.Second, true},
			span{"", strings.Repeat("é", 200) + "\x00", server, ago(time.Minute), time.Second, false},
			span{"late", "x", server, ago(25 * time.Hour), time.Second, false},
			span{"early", "x", server, noon.Add(11 * time.Minute), time.Second, false}),
		{Kind: slo.RecordTraces, Payload: []byte("nonsense")},
		{Kind: slo.RecordHeartbeat},
	}}
	project(t, j, func(p *traffic.Projection) {
		shop := p.Operations("shop", time.Hour)
		require.Len(t, shop, 2)
		require.Equal(t, slo.Operation{Service: "shop", Name: "GET /", Kind: slo.ServerSpan}, shop[0].Operation)
		require.EqualValues(t, 2, shop[0].Spans)
		require.EqualValues(t, 1, shop[0].Errors)
		require.Equal(t, ago(time.Minute), shop[0].LastSeen)
		require.InEpsilon(t, float64(20*time.Millisecond), float64(shop[0].P99), 0.1)

		hour, day := p.Services(time.Hour), p.Services(24*time.Hour)
		require.Equal(t, []string{"mail", "shop", "unknown_service"}, services(hour))
		require.Zero(t, hour[0].Spans, "it is known, and did nothing in the last hour")
		require.EqualValues(t, 1, day[0].Errors)
		require.EqualValues(t, 3, hour[1].Spans)
		unnamed := p.Operations("unknown_service", time.Hour)
		require.LessOrEqual(t, len(unnamed[0].Name), 255)
		require.Len(t, p.Operations("", time.Hour), 4)
	})
}

func services(list []slo.Traffic) []string {
	var names []string
	for _, t := range list {
		names = append(names, t.Service)
	}
	return names
}

// TestSumsAndQuantilesAreThoseOfTheSpans compares with a list of all spans.
func TestSumsAndQuantilesAreThoseOfTheSpans(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	var spans []span
	for range 5000 {
		took := time.Duration(math.Exp(random.NormFloat64()*1.5) * float64(30*time.Millisecond))
		age := time.Duration(random.Int64N(int64(23 * time.Hour)))
		if random.IntN(2) == 0 {
			age /= 30
		}
		spans = append(spans, span{"a", "op", ptrace.SpanKindServer, noon.Add(-age), took, random.IntN(10) == 0})
	}
	project(t, &journal{records: []slo.Record{record(t, noon, true, spans...)}}, func(p *traffic.Projection) {
		for _, over := range []time.Duration{5 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour} {
			got := p.Operations("a", over)[0]
			var durations []time.Duration
			var failed, inSteps int64
			for _, s := range spans {
				if !s.end.Before(got.From) {
					durations = append(durations, s.took)
					if s.failed {
						failed++
					}
				}
			}
			for _, step := range got.Steps {
				inSteps += step.Spans
			}
			require.EqualValues(t, len(durations), got.Spans, "%s", over)
			require.Equal(t, got.Spans, inSteps)
			require.Equal(t, failed, got.Errors)
			slices.Sort(durations)
			for q, value := range map[float64]time.Duration{0.5: got.P50, 0.95: got.P95, 0.99: got.P99} {
				want := durations[int(math.Ceil(q*float64(len(durations))))-1]
				require.InEpsilon(t, float64(want), float64(value), 0.1, "%s of %s", over, want)
			}
		}
	})
}

func TestAJournalThatFailsIsFollowedFromItsEnd(t *testing.T) {
	t.Parallel()
	j := &journal{failing: 1, records: []slo.Record{record(t, noon, true, span{"a", "op", ptrace.SpanKindServer, noon, 1, false})}}
	project(t, j, func(p *traffic.Projection) {
		require.Empty(t, p.Services(time.Hour))
		require.Equal(t, []slo.Offset{0, 1}, j.opened)
	})
}

func TestNamesWithoutEndAreSummedUp(t *testing.T) {
	t.Parallel()
	var spans []span
	for i := range 3000 {
		spans = append(spans, span{"a", strings.Repeat("x", i%1500) + "/" + string(rune('a'+i/1500)), ptrace.SpanKindServer, noon, 1, false})
	}
	project(t, &journal{records: []slo.Record{record(t, noon, true, spans...)}}, func(p *traffic.Projection) {
		require.Less(t, len(p.Operations("", time.Hour)), 2000)
		require.EqualValues(t, 3000, p.Services(time.Hour)[0].Spans, "none is lost")
	})
}
