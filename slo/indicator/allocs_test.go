package indicator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

// The tests of this file count allocations, which testing refuses to do while
// other tests run: they are not parallel.

func TestCompilingAgainReusesConditions(t *testing.T) {
	c := compiler(t)
	set := seriesOf(checkout())
	_, err := c.Compile(set)
	require.NoError(t, err)
	const few = 50 // a condition alone takes hundreds of allocations to parse
	require.Less(t, testing.AllocsPerRun(10, func() { _, _ = c.Compile(set) }), float64(few))
}

func TestCompilingAgainReusesExpressions(t *testing.T) {
	c := compiler(t)
	set := seriesOf(valued(ofN+" + Len(span.name)", slo.LTE, "1"))
	_, err := c.Compile(set)
	require.NoError(t, err)
	const few = 100 // Parsing takes hundreds; under the race detector the rest takes some more.
	require.Less(t, testing.AllocsPerRun(10, func() { _, _ = c.Compile(set) }), float64(few))
}

func TestADurationAllocatesNothing(t *testing.T) {
	require.LessOrEqual(t, allocations(t, compile(t, valued("duration", slo.LTE, "0.1"))), 2.0, "for the record, none for its 1000 spans")
}

func TestASpanThatNothingSelectsAllocatesNothing(t *testing.T) {
	perRecord := allocations(t, compile(t,
		slo.Indicator{Total: slo.SpanSource{Service: "cart"}, Good: &slo.SpanSource{}},
		slo.Indicator{Total: slo.SpanSource{Service: "checkout", MaxDuration: time.Nanosecond}, Good: &slo.SpanSource{}},
		slo.Indicator{Total: slo.SpanSource{MaxDuration: time.Nanosecond, Condition: `span.name == "a"`}, Good: &slo.SpanSource{}},
	))
	require.LessOrEqual(t, perRecord, 2.0, "for the record, none for its 1000 spans")
}

func TestAConditionIsEvaluatedOnceForAllSeries(t *testing.T) {
	var series []slo.Indicator
	for i := range 10 {
		series = append(series, slo.Indicator{
			Total: slo.SpanSource{Condition: `span.name == "a"`}, // reading a name allocates
			Good:  &slo.SpanSource{MaxDuration: time.Duration(i + 1)},
		})
	}
	one, ten := allocations(t, compile(t, series[0])), allocations(t, compile(t, series...))
	require.Greater(t, one, 500.0)
	require.Less(t, ten, 2*one)
}

func TestAnExpressionIsEvaluatedOnceForAllSeries(t *testing.T) {
	var series []slo.Indicator
	for _, limit := range []slo.Decimal{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"} {
		series = append(series, valued("Len(span.name)", slo.LTE, limit))
	}
	one, ten := allocations(t, compile(t, series[0])), allocations(t, compile(t, series...))
	require.Greater(t, one, 500.0)
	require.Less(t, ten, 2*one)
}

// allocations counts those of judging a record of 1000 spans once more.
func allocations(t *testing.T, set *indicator.Set) float64 {
	t.Helper()
	all := ptrace.NewTraces()
	resource := all.ResourceSpans().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "checkout")
	spans := resource.ScopeSpans().AppendEmpty().Spans()
	for range 1000 {
		span{name: "pay"}.fill(spans.AppendEmpty())
	}
	r := slo.Record{Kind: slo.RecordTraces, Arrival: noon(), Decoded: all}
	tally := indicator.NewTally(indicator.Limits{})
	require.NoError(t, set.Judge(r, tally)) // the service is new
	return testing.AllocsPerRun(10, func() {
		if err := set.Judge(r, tally); err != nil {
			t.Error(err)
		}
	})
}
