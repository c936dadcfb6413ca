package indicator_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

// fails is a condition whose evaluation fails on a span without attribute "n".
const fails = `Len(span.attributes["n"]) > 0`

func TestASpanIsJudged(t *testing.T) {
	t.Parallel()
	good, bad, unknown, none := slo.Counts{Good: 1}, slo.Counts{Bad: 1}, slo.Counts{Unknown: 1}, slo.Counts{}
	ms := time.Millisecond
	all := slo.SpanSource{}
	for name, test := range map[string]struct {
		indicator slo.Indicator
		span      span
		want      slo.Counts
	}{
		"a fast span without error is good":              {checkout(), span{}, good},
		"a span of exactly the longest duration is good": {checkout(), span{took: 300 * ms}, good},
		"a nanosecond more is bad":                       {checkout(), span{took: 300*ms + 1}, bad},
		"an error is bad":                                {checkout(), span{status: ptrace.StatusCodeError}, bad},
		"a slow error is bad once":                       {checkout(), span{took: time.Hour, status: ptrace.StatusCodeError}, bad},
		"another kind is no event":                       {checkout(), span{kind: ptrace.SpanKindClient}, none},
		"another service is no event":                    {checkout(), span{service: "cart"}, none},
		"a service's name is compared as a whole":        {checkout(), span{service: "checkout2"}, none},
		"a span without a service is no event":           {checkout(), span{noService: true}, none},
		"an end before the start is no duration":         {checkout(), span{took: -time.Hour}, unknown},
		"without a start the duration is unknown":        {checkout(), span{noStart: true}, unknown},
		"without a start an error is bad all the same":   {checkout(), span{noStart: true, status: ptrace.StatusCodeError}, bad},
		"without a limit no start is needed": {
			slo.Indicator{Total: all, Good: &slo.SpanSource{Condition: `span.name == ""`}}, span{noStart: true}, good,
		},
		"without a service in total every service counts": {
			slo.Indicator{Total: all, Good: &all}, span{service: "cart"}, good,
		},
		"without a service in total a nameless one counts": {
			slo.Indicator{Total: all, Good: &all}, span{noService: true}, good,
		},
		"total may limit the duration: within": {
			slo.Indicator{Total: slo.SpanSource{MaxDuration: 100 * ms}, Good: &all}, span{}, good,
		},
		"total may limit the duration: beyond": {
			slo.Indicator{Total: slo.SpanSource{MaxDuration: 100*ms - 1}, Good: &all}, span{}, none,
		},
		"good of another service is bad": {
			slo.Indicator{Total: all, Good: &slo.SpanSource{Service: "cart"}}, span{}, bad,
		},
		"good of the same service is good": {
			slo.Indicator{Total: all, Good: &slo.SpanSource{Service: "checkout"}}, span{}, good,
		},
		"what bad selects is bad": {
			slo.Indicator{Total: all, Bad: &slo.SpanSource{Condition: "span.status.code == STATUS_CODE_ERROR"}},
			span{status: ptrace.StatusCodeError},
			bad,
		},
		"what bad leaves is good": {
			slo.Indicator{Total: all, Bad: &slo.SpanSource{Condition: "span.status.code == STATUS_CODE_ERROR"}}, span{}, good,
		},
		"a failing condition of total is unknown": {
			slo.Indicator{Total: slo.SpanSource{Condition: fails}, Good: &all}, span{}, unknown,
		},
		"a failing condition of good is unknown": {
			slo.Indicator{Total: all, Good: &slo.SpanSource{Condition: fails}}, span{}, unknown,
		},
		"a failing condition of bad is unknown": {
			slo.Indicator{Total: all, Bad: &slo.SpanSource{Condition: fails}}, span{}, unknown,
		},
		"a failing condition of total does not matter beyond its duration": {
			slo.Indicator{Total: slo.SpanSource{Condition: fails, MaxDuration: 1}, Good: &all}, span{}, none,
		},
		"a failing condition of good does not matter beyond its duration": {
			slo.Indicator{Total: all, Good: &slo.SpanSource{Condition: fails, MaxDuration: 1}}, span{}, bad,
		},
		"a condition that does not fail on this span counts": {
			slo.Indicator{Total: all, Good: &slo.SpanSource{Condition: fails}},
			span{attributes: map[string]any{"n": "x"}},
			good,
		},
		"the resource can be asked": {
			slo.Indicator{Total: slo.SpanSource{Condition: `resource.attributes["service.name"] == "checkout"`}, Good: &all},
			span{},
			good,
		},
		"a root span can be told": {
			slo.Indicator{Total: slo.SpanSource{Condition: "IsRootSpan()"}, Good: &all}, span{}, good,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := compile(t, test.indicator)
			c := drained(t, set, record(t, traces(test.span)))
			require.Equal(t, test.want, total(c, test.indicator.Series().ID))
			require.Empty(t, c.Refused)
		})
	}
}

func TestADurationBeyondAllTimeIsBad(t *testing.T) {
	t.Parallel()
	all := traces(span{})
	all.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetStartTimestamp(math.MaxUint64)
	c := drained(t, compile(t, checkout()), record(t, all))
	require.Equal(t, slo.Counts{Unknown: 1}, total(c, checkout().Series().ID), "a start after the end is no duration")
	all.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetStartTimestamp(1)
	c = drained(t, compile(t, checkout()), record(t, all))
	require.Equal(t, slo.Counts{Bad: 1}, total(c, checkout().Series().ID))
}

func TestASpanBelongsToTheSliceOfItsEnd(t *testing.T) {
	t.Parallel()
	edge := noon().Add(-time.Hour) // a slice begins
	c := drained(t, compile(t, checkout()), record(t, traces(span{end: edge.Add(-1)}, span{end: edge}, span{end: edge.Add(10*time.Second - 1)})))
	id := checkout().Series().ID
	require.Equal(t, []slo.Delta{
		{Series: id, Slice: slo.SliceOf(edge) - 1, Counts: slo.Counts{Good: 1}, Corrections: slo.Corrections{Late: 1}},
		{Series: id, Slice: slo.SliceOf(edge), Counts: slo.Counts{Good: 2}, Corrections: slo.Corrections{Late: 2}},
	}, c.Deltas, "an hour old, all are late")
	require.Equal(t, map[slo.SeriesID]time.Time{id: edge.Add(10*time.Second - 1)}, c.Watermarks)
}

func TestSpansOutsideTheLimitsAreRefusedOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		span   span
		reason string
	}{
		"a day late is counted":                   {span{end: noon().Add(-24 * time.Hour)}, ""},
		"a nanosecond later than a day is not":    {span{end: noon().Add(-24*time.Hour - 1)}, "late"},
		"ten minutes ahead are counted":           {span{end: noon().Add(10 * time.Minute)}, ""},
		"a nanosecond more than ten minutes not":  {span{end: noon().Add(10*time.Minute + 1)}, "future"},
		"a span of the first second of all times": {span{end: time.Unix(1, 0)}, "late"},
		"no end": {span{noEnd: true}, "no_end_time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := checkout()
			other.Good.MaxDuration++
			c := drained(t, compile(t, checkout(), other), record(t, traces(test.span)))
			if test.reason == "" {
				require.Empty(t, c.Refused)
				require.Len(t, c.Deltas, 2)
				return
			}
			require.Equal(t, map[string]int64{test.reason: 1}, c.Refused)
			require.Empty(t, c.Deltas)
			require.Empty(t, c.Watermarks)
			require.Empty(t, c.Services)
		})
	}
}

func TestAnEndBeyondAllTimeIsInTheFuture(t *testing.T) {
	t.Parallel()
	for _, end := range []pcommon.Timestamp{math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		all := traces(span{})
		all.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetEndTimestamp(end)
		c := drained(t, compile(t, checkout()), record(t, all))
		require.Equal(t, map[string]int64{"future": 1}, c.Refused)
	}
}

func TestLimitsCanBeSet(t *testing.T) {
	t.Parallel()
	tally := indicator.NewTally(indicator.Limits{Late: time.Second, Future: time.Second})
	all := traces(span{end: noon().Add(-2 * time.Second)}, span{end: noon()}, span{end: noon().Add(2 * time.Second)})
	require.NoError(t, compile(t, checkout()).Judge(record(t, all), tally))
	var c slo.Commit
	tally.Drain(&c)
	require.Equal(t, map[string]int64{"late": 1, "future": 1}, c.Refused)
	require.Equal(t, slo.Counts{Good: 1}, total(c, checkout().Series().ID))
}

func TestAWatermarkIsNotInTheFuture(t *testing.T) {
	t.Parallel()
	c := drained(t, compile(t, checkout()), record(t, traces(span{end: noon().Add(5 * time.Minute)})))
	require.Equal(t, map[slo.SeriesID]time.Time{checkout().Series().ID: noon()}, c.Watermarks)
	require.Equal(t, slo.SliceOf(noon().Add(5*time.Minute)), c.Deltas[0].Slice)
	require.Equal(t, []slo.Service{{Name: "checkout", Spans: 1, LastSeen: noon()}}, c.Services)
}

func TestAPayloadThatCannotBeDecodedCountsNothing(t *testing.T) {
	t.Parallel()
	whole := record(t, traces(span{}, span{}))
	whole.Payload = whole.Payload[:len(whole.Payload)-3]
	tally := indicator.NewTally(indicator.Limits{})
	require.ErrorContains(t, compile(t, checkout()).Judge(whole, tally), "traces record 1")
	require.Zero(t, tally.Pending())
}

func TestOtherRecordsHoldNoSpans(t *testing.T) {
	t.Parallel()
	r := record(t, traces(span{}))
	r.Kind = slo.RecordMetrics
	require.Empty(t, drained(t, compile(t, checkout()), r).Deltas)
}

func TestSpansOfOneResourceAreJudgedApart(t *testing.T) {
	t.Parallel()
	all := traces(span{})
	scopes := all.ResourceSpans().At(0).ScopeSpans()
	span{status: ptrace.StatusCodeError}.fill(scopes.At(0).Spans().AppendEmpty())
	span{took: time.Second}.fill(scopes.AppendEmpty().Spans().AppendEmpty())
	c := drained(t, compile(t, checkout()), record(t, all))
	require.Equal(t, slo.Counts{Good: 1, Bad: 2}, total(c, checkout().Series().ID))
	require.Equal(t, int64(3), c.Services[0].Spans)
}
