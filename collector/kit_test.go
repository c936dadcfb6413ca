package collector_test

import (
	"context"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/slowburn-slo/slowburn/collector"
	"github.com/slowburn-slo/slowburn/slo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a fake that can be told to fail and to hold every append back.
type journal struct {
	mu      sync.Mutex
	records []slo.Record
	err     error
	// entered gets a value when an append begins, hold keeps it until closed.
	entered chan struct{}
	hold    chan struct{}
}

func newJournal() *journal { return &journal{} }

func heldJournal() *journal {
	return &journal{entered: make(chan struct{}, 16), hold: make(chan struct{})}
}

// Append keeps the record.
func (j *journal) Append(ctx context.Context, r slo.Record) (slo.Offset, error) {
	if j.hold != nil {
		j.entered <- struct{}{}
		select {
		case <-j.hold:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return 0, j.err
	}
	j.records = append(j.records, r)
	return slo.Offset(len(j.records)), nil
}

func (j *journal) all() []slo.Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]slo.Record(nil), j.records...)
}

// refusals are those of all records, in their order.
func (j *journal) refusals(t *testing.T) []slo.Refusal {
	t.Helper()
	var all []slo.Refusal
	for _, r := range j.all() {
		if r.Kind == slo.RecordRefusals {
			list, err := slo.DecodeRefusals(r.Payload)
			require.NoError(t, err)
			all = append(all, list...)
		}
	}
	return all
}

// running is a started collector.
type running struct {
	*collector.Collector
	grpc, http string
	journal    *journal
	// stop ends Run and returns its error. At the end of a test that did not
	// call it, it is called and must return none.
	stop func() error
}

// start starts a collector on free ports. Another program may take a port
// between the search and the start; then there is another try.
func start(t testing.TB, s collector.Settings) *running {
	t.Helper()
	j, _ := s.Journal.(*journal)
	if s.Journal == nil {
		j = newJournal()
		s.Journal = j
	}
	for {
		s.GRPCEndpoint, s.HTTPEndpoint = freeAddress(t), freeAddress(t)
		c, err := collector.New(s)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		select {
		case <-c.Ready():
			stopped := false
			stop := func() error {
				stopped = true
				cancel()
				return <-done
			}
			t.Cleanup(func() {
				if !stopped {
					require.NoError(t, stop())
				}
			})
			return &running{Collector: c, grpc: s.GRPCEndpoint, http: "http://" + s.HTTPEndpoint, journal: j, stop: stop}
		case err := <-done:
			cancel()
			require.ErrorIs(t, err, syscall.EADDRINUSE)
		}
	}
}

// freeAddress is a loopback address that nobody uses.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// dial opens a gRPC connection without TLS, unless options say otherwise.
func dial(t *testing.T, address string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	options = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, options...)
	conn, err := grpc.NewClient("passthrough:///"+address, options...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

// spans has n spans of service checkout.
func spans(n int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "checkout")
	ss := rs.ScopeSpans().AppendEmpty()
	now := pcommon.NewTimestampFromTime(time.Now())
	for i := range n {
		span := ss.Spans().AppendEmpty()
		span.SetName("GET /pay")
		span.SetTraceID(pcommon.TraceID{1, byte(i)})
		span.SetSpanID(pcommon.SpanID{2, byte(i)})
		span.SetStartTimestamp(now - 1)
		span.SetEndTimestamp(now)
	}
	return td
}

// points has one metric with n points.
func points(n int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("requests")
	sum := m.SetEmptySum()
	for i := range n {
		point := sum.DataPoints().AppendEmpty()
		point.SetIntValue(int64(i))
		point.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	}
	return md
}
