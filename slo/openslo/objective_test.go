package openslo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// someSLIs are what composites refer to.
const someSLIs = `---
apiVersion: openslo/v1
kind: SLI
metadata: {name: x}
spec: {ratioMetric: {good: {metricSource: {type: Spans, spec: {condition: good}}}, total: {metricSource: {type: Spans, spec: {service: x}}}}}
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: y}
spec: {thresholdMetric: {metricSource: {type: Spans, spec: {service: y, value: duration}}}}
`

func compositeOf(method, objectives string) string {
	file := strings.Replace(aComposite, "Occurrences", method, 1)
	before, _, _ := strings.Cut(file, "  objectives:")
	return before + "  objectives: [" + objectives + "]\n" + someSLIs
}

func TestComposites(t *testing.T) {
	t.Parallel()
	definition, warnings := resolved(t, compositeOf("Occurrences",
		`{displayName: first, target: 0.99, indicatorRef: x, compositeWeight: 0.5}, {target: 0.9, indicatorRef: y, op: lt, value: 2, compositeWeight: 100},
  {target: 0.5, indicator: {metadata: {name: z}, spec: {ratioMetric: {bad: {metricSource: {type: Spans, spec: {condition: bad}}}, total: {metricSource: {type: Spans, spec: {service: z}}}}}}}`),
		openslo.Strict)
	require.Empty(t, warnings)
	require.True(t, definition.Composite())
	require.Zero(t, definition.Indicator)
	require.Equal(t, []slo.Objective{
		{
			DisplayName: "first", Target: target(t, "0.99"), Weight: "0.5",
			Indicator: &slo.Indicator{Total: slo.SpanSource{Service: "x"}, Good: &slo.SpanSource{Condition: "good"}},
		},
		{
			Target: target(t, "0.9"), Weight: "100", Threshold: slo.Threshold{Op: slo.LT, Limit: "2"},
			Indicator: &slo.Indicator{Total: slo.SpanSource{Service: "y"}, Value: &slo.Value{Of: slo.DurationValue}},
		},
		{
			Target:    target(t, "0.5"),
			Indicator: &slo.Indicator{Total: slo.SpanSource{Service: "z"}, Bad: &slo.SpanSource{Condition: "bad"}},
		},
	}, definition.Objectives)
	require.Equal(t, []slo.ObjectRef{{Kind: slo.KindSLI, Name: "x"}, {Kind: slo.KindSLI, Name: "y"}}, definition.References)
}

func TestThePartsOfACompositeHaveTheSameSlices(t *testing.T) {
	t.Parallel()
	same := "{target: 0.99, indicatorRef: x, timeSliceWindow: 60m, timeSliceTarget: 1}, {target: 0.9, indicatorRef: x, timeSliceWindow: 1h, timeSliceTarget: 0.5}"
	definition, warnings := resolved(t, compositeOf("Timeslices", same), openslo.Strict)
	require.Empty(t, warnings)
	require.Equal(t, sliceTarget(t, "1"), definition.Objectives[0].SliceTarget)
	for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
		faults := unresolved(t, compositeOf("Timeslices", strings.Replace(same, "1h", "2h", 1)), mode)
		require.Len(t, faults, 1)
		require.Equal(t, "is 2h, but 1h of spec.objectives[0]: only parts of a composite with the same slices are measured here", faults[0].Reason)
		require.Equal(t, "spec.objectives[1].timeSliceWindow", faults[0].Field)
		require.True(t, faults[0].Note)
	}
}

func TestAnObjectiveWithoutAnIndicatorIsLeftOutOfAComposite(t *testing.T) {
	t.Parallel()
	definition, warnings := resolved(t, compositeOf("Occurrences", "{target: 0.5}, {target: 0.9, indicatorRef: x}"), openslo.Strict)
	require.Len(t, definition.Objectives, 1)
	require.Equal(t, target(t, "0.9"), definition.Objectives[0].Target)
	require.Len(t, warnings, 1)
	require.Equal(t, "spec.objectives[0]", warnings[0].Field)
}

func TestFieldsWithoutEffectAreTold(t *testing.T) {
	t.Parallel()
	for edit, want := range map[string]struct{ field, reason string }{
		"timeSliceTarget: 0.9": {"spec.objectives[0].timeSliceTarget", "has no effect: only Timeslices have it"},
		"timeSliceWindow: 5m":  {"spec.objectives[0].timeSliceWindow", "has no effect: only Timeslices and RatioTimeslices have it"},
		"compositeWeight: 3":   {"spec.objectives[0].compositeWeight", "has no effect: only an objective with an indicator of its own has a weight"},
	} {
		for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
			definition, warnings := resolved(t, strings.Replace(example(t), "{target: 0.999}", "{target: 0.999, "+edit+"}", 1), mode)
			require.Equal(t, []slo.Objective{{Target: target(t, "0.999")}}, definition.Objectives)
			require.Len(t, warnings, 1)
			require.Equal(t, want.field, warnings[0].Field)
			require.Equal(t, want.reason, warnings[0].Reason)
		}
	}
	rawType := strings.Replace(example(t), "counter: true", "rawType: success", 1)
	_, warnings := resolved(t, rawType, openslo.Strict)
	require.Len(t, warnings, 1)
	require.Equal(t, "has no effect without raw", warnings[0].Reason)
}

func TestOnlyACompositeWithSlicesHasATargetOfItsOwn(t *testing.T) {
	t.Parallel()
	annotated := strings.NewReplacer("name: a}", `name: a, annotations: {slowburn.dev/composite-target: "0.9"}}`)
	_, warnings := resolved(t, annotated.Replace(compositeOf("RatioTimeslices", "{target: 0.9, indicatorRef: x, timeSliceWindow: 5m}")), openslo.Strict)
	require.Empty(t, warnings)
	_, warnings = resolved(t, annotated.Replace(compositeOf("Occurrences", "{target: 0.9, indicatorRef: x}")), openslo.Strict)
	require.Len(t, warnings, 1)
	require.Equal(t, "has no effect: only a composite with slices has a target of its own", warnings[0].Reason)
	require.Equal(t, 3, warnings[0].Line)
}

func TestRatioTimeslicesHaveNoTargetOfASlice(t *testing.T) {
	t.Parallel()
	file := strings.Replace(example(t), "Occurrences", "RatioTimeslices", 1)
	definition, warnings := resolved(t, strings.Replace(file, "{target: 0.999}", "{target: 0.999, timeSliceWindow: 5m, timeSliceTarget: 1}", 1), openslo.Strict)
	require.Equal(t, slo.RatioTimeslices, definition.Method)
	require.Zero(t, definition.Objectives[0].SliceTarget)
	require.Equal(t, "has no effect: only Timeslices have it", warnings[0].Reason)
}

func TestAnSLOWithoutObjectivesIsNotMeasured(t *testing.T) {
	t.Parallel()
	for _, objectives := range []string{"  objectives: []\n", "  objectives: ~\n", ""} {
		file := strings.Replace(example(t), "  objectives: [{target: 0.999}]\n", objectives, 1)
		_, warnings := parse(t, file, openslo.Strict)
		require.Len(t, warnings, 1)
		faults := unresolved(t, file, openslo.Strict)
		require.True(t, faults[0].Note)
		require.Equal(t, "has no objective: nothing would be measured", faults[0].Reason)
	}
}
