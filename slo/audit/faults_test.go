package audit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/audit"
)

// steady is a world with a batch each second: one span each for services a and
// b that ended just then, and a definition in its first record.
func steady(t *testing.T, seconds int) *world {
	t.Helper()
	w := newWorld()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var set []slo.Series
	for _, i := range indicators() {
		set = append(set, i.Series())
		w.stretches[i.Series().ID] = []slo.Stretch{{After: 1}}
	}
	payload, err := slo.EncodeSeries(set)
	require.NoError(t, err)
	w.records = []slo.Record{{Offset: 1, Arrival: begin, Kind: slo.RecordDefinitions, Payload: payload}}
	for n := range seconds {
		at := begin.Add(time.Duration(n+1) * time.Second)
		w.records = append(w.records, slo.Record{
			Offset: slo.Offset(n + 2), Arrival: at, Kind: slo.RecordTraces, Payload: batch(t, n, at),
		})
	}
	w.cursor = slo.Cursor{Sequence: 1, Definitions: payload}
	w.reach(slo.Offset(len(w.records)))
	return w
}

func batch(t *testing.T, n int, at time.Time) []byte {
	t.Helper()
	traces := ptrace.NewTraces()
	for _, service := range []string{"a", "b"} {
		resource := traces.ResourceSpans().AppendEmpty()
		resource.Resource().Attributes().PutStr("service.name", service)
		span := resource.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetTraceID(pcommon.TraceID{0: 1, 14: byte(n >> 8), 15: byte(n)})
		span.SetSpanID(pcommon.SpanID{1})
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(at.Add(-200)))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(at))
	}
	payload, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	require.NoError(t, err)
	return payload
}

// reach lets the ledger count up to a record.
func (w *world) reach(offset slo.Offset) {
	w.cursor.Offset, w.cursor.MeasuredUntil = offset, w.records[offset-1].Arrival
	clear(w.buckets)
	clear(w.repeated)
	w.count()
}

func TestTheLedgerMayGoOnWhileItIsAudited(t *testing.T) {
	t.Parallel()
	w := steady(t, 300)
	w.reach(100)
	w.between = func() { w.reach(200) }
	report, err := auditorOf(t, w, t.TempDir(), nil).Whole(t.Context())
	require.NoError(t, err)
	require.Zero(t, report.Differing)
	require.Positive(t, report.Buckets)
}

func TestADifferenceThatIsGoneTheSecondTimeRaisesNoAlarm(t *testing.T) {
	t.Parallel()
	w := steady(t, 100)
	at := bucket{indicators()[0].Series().ID, slo.SliceOf(w.records[50].Arrival)}
	right := w.buckets[at]
	w.buckets[at] = right.Plus(slo.Counts{Bad: 1})
	var log bytes.Buffer
	a := auditorOf(t, w, t.TempDir(), func(s *audit.Settings) {
		s.Alarm = func(context.Context, slo.Audit) { t.Error("an alarm was raised") }
		s.Logger = slog.New(slog.NewTextHandler(&log, nil))
		passes := 0
		s.Walk = func(ctx context.Context, after slo.Offset, visit func(slo.Record) error) error {
			if passes++; passes > 3 { // Two looks where the journal begins, and the first recount.
				w.buckets[at] = right
			}
			return w.Walk(ctx, after, visit)
		}
	})
	report, err := a.Whole(t.Context())
	require.NoError(t, err)
	require.Zero(t, report.Differing)
	require.Contains(t, log.String(), "it is repeated to be sure")
	require.Contains(t, log.String(), "buckets_first=1 buckets_now=0")
}

func TestAJournalWithAHoleIsAuditedBehindIt(t *testing.T) {
	t.Parallel()
	w := steady(t, 600)
	w.records = append(w.records[:200:200], w.records[250:]...)
	report, err := auditorOf(t, w, t.TempDir(), nil).Whole(t.Context())
	require.NoError(t, err)
	require.Zero(t, report.Differing)
	require.Equal(t, slo.SliceOf(w.records[200].Arrival.Add(horizon+future))+1, report.From)
	require.Positive(t, report.Buckets)
}

func TestMinutesAreNotComparedWithSlices(t *testing.T) {
	t.Parallel()
	w := steady(t, 600)
	w.fine = slo.SliceOf(w.records[300].Arrival)
	report, err := auditorOf(t, w, t.TempDir(), func(s *audit.Settings) { s.MaxBuckets = 20 }).Whole(t.Context())
	require.NoError(t, err)
	require.Zero(t, report.Differing)
	require.Equal(t, w.fine, report.From)
	require.Positive(t, report.Buckets)

	w.fine = slo.SliceOf(w.records[600].Arrival) + 100
	report, err = auditorOf(t, w, t.TempDir(), nil).Whole(t.Context())
	require.NoError(t, err)
	require.Zero(t, report.Buckets)
}

func TestAJournalThatEndsBeforeTheLedgerIsNoDifference(t *testing.T) {
	t.Parallel()
	w := steady(t, 100)
	w.records = w.records[:90]
	_, err := auditorOf(t, w, t.TempDir(), nil).Whole(t.Context())
	require.ErrorContains(t, err, "the journal ends with record 90, but the ledger has counted up to record 101")
	require.Empty(t, w.saved)
}

func TestAJournalWhoseTimeGoesBackIsNotAudited(t *testing.T) {
	t.Parallel()
	w := steady(t, 100)
	w.records[60].Arrival = w.records[40].Arrival
	_, err := auditorOf(t, w, t.TempDir(), nil).Whole(t.Context())
	require.ErrorContains(t, err, "record 61 arrived at")
}

func TestWhatCannotBeJudgedIsNamed(t *testing.T) {
	t.Parallel()
	series := indicators()[0].Series().ID
	tests := map[string]func(w *world){
		"a series whose meaning is not in the journal any more": func(w *world) {
			var rest []slo.Series
			for _, i := range indicators()[1:] {
				rest = append(rest, i.Series())
			}
			w.cursor.Definitions, _ = slo.EncodeSeries(rest)
			w.oldest = 2
			w.stretches[series][0].Through = 400
			w.reach(500)
		},
		"a series that was counted for nobody knows which records": func(w *world) {
			w.stretches[series] = []slo.Stretch{{Unplaced: true}}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := steady(t, 600)
			change(w)
			report, err := auditorOf(t, w, t.TempDir(), nil).Whole(t.Context())
			require.NoError(t, err)
			require.Equal(t, []slo.SeriesID{series}, report.Unknown)
			require.NotContains(t, report.Series, series)
			require.Positive(t, report.Buckets)
			require.Zero(t, report.Differing)
		})
	}
}

func TestAnAuditEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := steady(t, 100)
	ctx, cancel := context.WithCancelCause(t.Context())
	w.between = func() { cancel(errors.New("stopped")) }
	_, err := auditorOf(t, w, t.TempDir(), nil).Whole(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestTheBackgroundTakesItsShareAndNoMore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := steady(t, 1000)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		a := auditorOf(t, w, dir, func(s *audit.Settings) {
			s.Share = 0.1
			s.Walk = func(ctx context.Context, after slo.Offset, visit func(slo.Record) error) error {
				return w.Walk(ctx, after, func(r slo.Record) error {
					time.Sleep(10 * time.Millisecond) // The time of a bubble: each record costs that much work.
					return visit(r)
				})
			}
		})
		done := make(chan error)
		go func() { done <- a.Run(ctx) }()
		time.Sleep(2 * time.Hour)
		audits := a.Totals().Audits
		require.Positive(t, audits)
		// 1000 records are 10 s of work, so at most 100 s of time and the pause of a minute.
		require.Less(t, audits, int64(2*time.Hour/time.Minute))
		require.Zero(t, a.Totals().Differing)
		cancel()
		require.NoError(t, <-done)
	})
}
