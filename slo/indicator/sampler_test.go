package indicator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

func TestTheSamplerKeepsTheNewestOfEachVerdict(t *testing.T) {
	t.Parallel()
	compiler, err := indicator.NewCompiler()
	require.NoError(t, err)
	arrival := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	sampler, err := compiler.Sampler(slo.Indicator{
		Total: slo.SpanSource{Service: "shop"}, Good: &slo.SpanSource{Condition: "span.status.code != STATUS_CODE_ERROR"},
	}, indicator.Limits{})
	require.NoError(t, err)
	traces := ptrace.NewTraces()
	for _, service := range []string{"shop", "other"} {
		resource := traces.ResourceSpans().AppendEmpty()
		resource.Resource().Attributes().PutStr("service.name", service)
		spans := resource.ScopeSpans().AppendEmpty().Spans()
		for i := range 20 {
			span := spans.AppendEmpty()
			span.SetName("op")
			span.SetStartTimestamp(pcommon.NewTimestampFromTime(arrival.Add(-time.Duration(i+1) * time.Second)))
			span.SetEndTimestamp(pcommon.NewTimestampFromTime(arrival.Add(-time.Duration(i) * time.Second)))
			span.Attributes().PutStr("b", "2")
			span.Attributes().PutInt("a", 1)
			if i%2 == 1 {
				span.Status().SetCode(ptrace.StatusCodeError)
			}
		}
	}
	require.NoError(t, sampler.Judge(slo.Record{Kind: slo.RecordTraces, Arrival: arrival, Decoded: traces}))
	preview := sampler.Preview()
	require.Equal(t, slo.Counts{Good: 10, Bad: 10}, preview.Counts)
	require.EqualValues(t, 40, preview.Spans)
	require.Len(t, preview.Good, 5)
	require.Len(t, preview.Bad, 5)
	require.Empty(t, preview.Unknown)
	require.Equal(t, "ok or unset", map[string]string{"unset": "ok or unset", "ok": "ok or unset"}[preview.Good[0].Status])
	require.Equal(t, "error", preview.Bad[0].Status)
	require.Equal(t, []slo.Attribute{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}, preview.Bad[0].Attributes)
	for i, sample := range preview.Bad {
		require.Equal(t, arrival.Add(-time.Duration(2*i+1)*time.Second), sample.Start.Add(sample.Duration), "the newest first")
	}
	_, err = compiler.Sampler(slo.Indicator{Total: slo.SpanSource{Condition: "span.nothing == 1"}, Good: &slo.SpanSource{}}, indicator.Limits{})
	require.ErrorContains(t, err, "span.nothing")
}

func TestTheSamplerShowsSpansByTheirValue(t *testing.T) {
	t.Parallel()
	arrived := record(t, traces(with(0.25), with(0.5), with(0.75), with("text")))
	for name, test := range map[string]struct {
		indicator          slo.Indicator
		counts             slo.Counts
		good, bad, unknown int
	}{
		"a threshold":              {valued(ofN, slo.LT, "0.5"), slo.Counts{Good: 1, Bad: 2, Unknown: 1}, 1, 2, 1},
		"a raw share, by its half": {raw(ofN, slo.RawSuccess), slo.Counts{Good: 15e8, Bad: 15e8, Unknown: 1e9}, 2, 1, 1},
		"a raw share of bad":       {raw(ofN, slo.RawFailure), slo.Counts{Good: 15e8, Bad: 15e8, Unknown: 1e9}, 2, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sampler, err := compiler(t).Sampler(test.indicator, indicator.Limits{})
			require.NoError(t, err)
			require.NoError(t, sampler.Judge(arrived))
			preview := sampler.Preview()
			require.Equal(t, test.counts, preview.Counts)
			require.Len(t, preview.Good, test.good)
			require.Len(t, preview.Bad, test.bad)
			require.Len(t, preview.Unknown, test.unknown)
		})
	}
	_, err := compiler(t).Sampler(valued(ofN, "", ""), indicator.Limits{})
	require.ErrorContains(t, err, "threshold is missing")
}

// TestDraftsCompile draws hostile names of operations: what is drafted must
// compile, and select spans of just that name.
func TestDraftsCompile(t *testing.T) {
	t.Parallel()
	compiler, err := indicator.NewCompiler()
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		name := slo.CleanName(rapid.String().Draw(t, "name"))
		if name == "" {
			return
		}
		draft := slo.DraftIndicator(slo.Traffic{Operation: slo.Operation{Service: "s", Name: name, Kind: slo.ServerSpan}})
		sampler, err := compiler.Sampler(draft, indicator.Limits{})
		require.NoError(t, err, draft.Total.Condition)
		traces := ptrace.NewTraces()
		resource := traces.ResourceSpans().AppendEmpty()
		resource.Resource().Attributes().PutStr("service.name", "s")
		for _, other := range []string{name, name + "x"} {
			span := resource.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
			span.SetName(other)
			span.SetKind(ptrace.SpanKindServer)
			span.SetStartTimestamp(1)
			span.SetEndTimestamp(2)
		}
		require.NoError(t, sampler.Judge(slo.Record{Kind: slo.RecordTraces, Arrival: time.Unix(0, 3), Decoded: traces}))
		require.Equal(t, slo.Counts{Good: 1}, sampler.Preview().Counts, draft.Total.Condition)
	})
}
