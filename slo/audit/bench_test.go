package audit_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/audit"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

const (
	benchRecords = 2000
	benchSpans   = 500 // in each record
	benchSeries  = 20
)

// stream is a journal that is made while it is read: 500 spans of about 460
// bytes a record, two records a second, one span in a hundred sent again.
type stream struct {
	begin    time.Time
	payload  []byte
	marks    []int // where the trace ids are
	ends     []int // where the ends are
	snapshot slo.Snapshot
	peak     uint64
}

func newStream(b *testing.B) *stream {
	b.Helper()
	s := &stream{begin: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	marker, end := []byte("TRACE-ID"), uint64(0x1122334455667788)
	traces := ptrace.NewTraces()
	for n := range 10 {
		resource := traces.ResourceSpans().AppendEmpty()
		resource.Resource().Attributes().PutStr("service.name", fmt.Sprint("service-", n))
		spans := resource.ScopeSpans().AppendEmpty().Spans()
		for range benchSpans / 10 {
			span := spans.AppendEmpty()
			span.SetTraceID(pcommon.TraceID(append(append([]byte{}, marker...), 1, 1, 1, 1, 1, 1, 1, 1)))
			span.SetSpanID(pcommon.SpanID{1})
			span.SetKind(ptrace.SpanKindServer)
			span.SetName("POST /api/v1/checkout/{id}/confirm")
			span.SetEndTimestamp(pcommon.Timestamp(end))
			span.SetStartTimestamp(1)
			for k := range 8 {
				span.Attributes().PutStr(fmt.Sprint("http.attribute.", k), "a value of some length")
			}
		}
	}
	var err error
	s.payload, err = (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	require.NoError(b, err)
	find := func(what []byte) (found []int) {
		for at := 0; ; {
			next := bytes.Index(s.payload[at:], what)
			if next < 0 {
				return found
			}
			found = append(found, at+next)
			at += next + len(what)
		}
	}
	s.marks, s.ends = find(marker), find(binary.LittleEndian.AppendUint64(nil, end))
	require.Len(b, s.marks, benchSpans)
	require.Len(b, s.ends, benchSpans)
	var set []slo.Series
	s.snapshot.Stretches = map[slo.SeriesID][]slo.Stretch{}
	for n := range benchSeries {
		set = append(set, slo.Indicator{
			Total: slo.SpanSource{Service: fmt.Sprint("service-", n%10), Condition: "span.kind == SPAN_KIND_SERVER"},
			Good:  &slo.SpanSource{Condition: "span.status.code != STATUS_CODE_ERROR", MaxDuration: time.Duration(n+1) * time.Hour},
		}.Series())
		s.snapshot.Stretches[set[n].ID] = []slo.Stretch{{}}
	}
	definitions, err := slo.EncodeSeries(set)
	require.NoError(b, err)
	s.snapshot.Cursor = slo.Cursor{Offset: benchRecords, MeasuredUntil: s.arrival(benchRecords), Definitions: definitions}
	return s
}

func (s *stream) arrival(n int) time.Time { return s.begin.Add(time.Duration(n) * time.Second / 2) }

func (s *stream) Walk(_ context.Context, after slo.Offset, visit func(slo.Record) error) error {
	var stats runtime.MemStats
	for n := int(after) + 1; n <= benchRecords; n++ {
		at := s.arrival(n)
		for i := range s.marks {
			id := uint64(n*benchSpans + i)
			if i%100 == 0 {
				id -= benchSpans - 1 // Its neighbour in the record before.
			}
			binary.BigEndian.PutUint64(s.payload[s.marks[i]+8:], id)
			binary.LittleEndian.PutUint64(s.payload[s.ends[i]:], uint64(at.UnixNano()))
		}
		if err := visit(slo.Record{Offset: slo.Offset(n), Arrival: at, Kind: slo.RecordTraces, Payload: s.payload}); err != nil {
			return err
		}
		if n%50 == 0 {
			runtime.ReadMemStats(&stats)
			s.peak = max(s.peak, stats.HeapInuse)
		}
	}
	return nil
}

func (s *stream) Snapshot(context.Context, string, slo.Slice, slo.Slice) (slo.Snapshot, error) {
	return s.snapshot, nil
}

func (s *stream) SaveAudit(context.Context, slo.Audit, []slo.Notification) error { return nil }

// BenchmarkWhole audits a million spans in 20 series. The ledger is empty, so
// that everything differs and is recounted twice.
func BenchmarkWhole(b *testing.B) {
	s := newStream(b)
	compiler, err := indicator.NewCompiler()
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		a, err := audit.New(audit.Settings{
			Shard: shard, Walk: s.Walk, Ledger: s, Conditions: indicator.NewConditions(compiler),
			Logger: slog.New(slog.DiscardHandler), Scratch: b.TempDir(),
		})
		require.NoError(b, err)
		report, err := a.Whole(b.Context())
		require.NoError(b, err)
		require.EqualValues(b, benchRecords*benchSpans, report.Spans)
		require.Positive(b, report.Repeats)
	}
	b.ReportMetric(2*benchRecords*benchSpans*float64(b.N)/b.Elapsed().Seconds(), "spans/s")
	b.ReportMetric(float64(s.peak)/(1<<20), "peak-MiB")
}
