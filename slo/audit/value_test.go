package audit_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/audit"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

// TestTheAuditAgreesWithTheLedgerOnValues lets the real ledger judge spans by
// thresholds and raw ratios, sound and unsound ones, at the numbers where an
// operator turns over, and audits what it counted.
func TestTheAuditAgreesWithTheLedgerOnValues(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	compiler, err := indicator.NewCompiler()
	require.NoError(t, err)
	conditions := indicator.NewConditions(compiler)
	rapid.Check(t, func(t *rapid.T) {
		var set []slo.Series
		for range rapid.IntRange(1, 8).Draw(t, "series") {
			set = append(set, drawValued(t).Series())
		}
		w := judged(t, compiler, set, rapid.IntRange(1, 20).Draw(t, "spans"))
		a := auditorOf(t, w, dir, func(s *audit.Settings) { s.Conditions = conditions })
		report, err := a.Whole(t.Context())
		require.NoError(t, err)
		require.Empty(t, report.Differences)
		require.EqualValues(t, len(w.buckets), report.Buckets)
	})
	requireClean(t, dir)
}

// judged is a world whose ledger is the real one.
func judged(t *rapid.T, compiler *indicator.Compiler, set []slo.Series, spans int) *world {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	definitions, err := slo.EncodeSeries(set)
	require.NoError(t, err)
	w := newWorld()
	w.records = []slo.Record{{Offset: 1, Arrival: begin, Kind: slo.RecordDefinitions, Payload: definitions}}
	compiled, _ := compiler.Compile(set) // What does not compile is judged, too.
	tally := indicator.NewTally(indicator.Limits{Late: late, Future: future})
	for n := range spans {
		r := slo.Record{Offset: slo.Offset(n + 2), Arrival: begin.Add(time.Duration(n) * time.Second), Kind: slo.RecordTraces}
		r.Payload = drawNumbered(t, n, r.Arrival)
		require.NoError(t, compiled.Judge(r, tally))
		w.records = append(w.records, r)
	}
	w.cursor = slo.Cursor{
		Sequence: 1, Offset: slo.Offset(len(w.records)), MeasuredUntil: w.records[len(w.records)-1].Arrival, Definitions: definitions,
	}
	for _, s := range set {
		w.stretches[s.ID] = []slo.Stretch{{After: 1}}
	}
	var commit slo.Commit
	tally.Drain(&commit)
	for _, d := range commit.Deltas {
		w.buckets[bucket{d.Series, d.Slice}] = d.Counts
	}
	return w
}

func drawValued(t *rapid.T) slo.Indicator {
	texts := []string{
		"duration", " duration", `span.attributes["v"]`, `span.attributes["v"] / 2`, `Int(span.attributes["v"])`, `Double(span.attributes["v"])`,
		"", "?",
	}
	value := &slo.Value{Of: rapid.SampledFrom(texts).Draw(t, "of")}
	if rapid.Bool().Draw(t, "raw") {
		value.Raw = rapid.SampledFrom([]slo.RawType{slo.RawSuccess, slo.RawFailure, "part"}).Draw(t, "type")
	}
	if value.Raw == "" || rapid.IntRange(0, 9).Draw(t, "both") == 0 {
		value.Threshold = slo.Threshold{
			Op: rapid.SampledFrom([]slo.Operator{slo.LTE, slo.GTE, slo.LT, slo.GT, "eq", ""}).Draw(t, "operator"),
			Limit: rapid.SampledFrom([]slo.Decimal{
				"", "0", "1", "-1", "0.5", "-0.5", "0.1", "0.3", "2", "0.100000000000000001", "9007199254740993", "9007199254740992.5", "999999999999999999", "-999999999999999999",
				"0.0000002", "0.00000020000000001", "0.000000199999999999", "much", "1e999999999",
			}).Draw(t, "limit"),
		}
	}
	i := slo.Indicator{Value: value}
	switch rapid.IntRange(0, 9).Draw(t, "beside the value") {
	case 0:
		i.Good = &slo.SpanSource{}
	case 1:
		i.Bad = &slo.SpanSource{}
	case 2:
		i.Total.Condition = `Len(span.attributes["v"]) > 0`
	case 3:
		i.Total.MaxDuration = 200
	}
	return i
}

// drawNumbered makes a record of one span with a number, on and around limits.
func drawNumbered(t *rapid.T, n int, end time.Time) []byte {
	traces := ptrace.NewTraces()
	span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(pcommon.TraceID{15: byte(n + 1)})
	span.SetSpanID(pcommon.SpanID{1})
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
	took := rapid.SampledFrom([]time.Duration{-1, 0, 199, 200, 201, 300 * time.Millisecond, time.Hour}).Draw(t, "took")
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-took)))
	switch rapid.IntRange(0, 9).Draw(t, "start") {
	case 0:
		span.SetStartTimestamp(0)
	case 1:
		span.SetStartTimestamp(1)
	}
	v := rapid.OneOf(
		rapid.SampledFrom([]any{
			nil, "1", "0.5", "x", true,
			[]any{1},
			int64(0), int64(1), int64(-1), int64(2), int64(9007199254740992), int64(9007199254740993),
			int64(math.MaxInt64), int64(math.MinInt64), 0.0, math.Copysign(0, -1), 0.1, 0.5, 1.0, 0.3, math.Nextafter(0.3, 1), math.Nextafter(0.3, 0),
			math.Nextafter(1, 2), math.Nextafter(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 0.5e-9, 1.5e-9, 0.4999999999e-9,
			9007199254740992.0, 9007199254740994.0, 1e18, -1e18, 1e19,
		}),
		rapid.Map(rapid.Float64Range(0, 1), func(f float64) any { return f }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }),
	).Draw(t, "number")
	if v != nil {
		if err := span.Attributes().FromRaw(map[string]any{"v": v}); err != nil {
			t.Fatal(err)
		}
	}
	payload, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	require.NoError(t, err)
	return payload
}
