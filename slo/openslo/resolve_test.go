package openslo_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

func libraryFile(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "library.yaml"))
	require.NoError(t, err)
	return string(data)
}

func sliceTarget(t testing.TB, text string) slo.Target {
	t.Helper()
	parsed, err := slo.ParseSliceTarget(text)
	require.NoError(t, err)
	return parsed
}

// librarySLO is the SLO of the library.
func librarySLO(t testing.TB) slo.SLO {
	t.Helper()
	return slo.SLO{
		Name: "checkout", Service: "shop", Method: slo.Timeslices,
		Indicator: slo.Indicator{
			Total: slo.SpanSource{Service: "checkout", Condition: "span.kind == SPAN_KIND_SERVER"},
			Value: &slo.Value{Of: slo.DurationValue},
		},
		Window: slo.Window{
			Duration: 30 * 24 * time.Hour, Calendar: slo.Calendar{Count: 1, Unit: 'M', Start: "2026-01-01 00:00", Zone: "Europe/Berlin"},
		},
		Objectives: []slo.Objective{{
			Target: target(t, "0.99"), Threshold: slo.Threshold{Op: slo.LTE, Limit: "0.3"},
			SliceTarget: sliceTarget(t, "0.95"), SliceWindow: 5 * time.Minute,
		}},
		Policies: []slo.AlertPolicy{{
			Name: "page", DisplayName: "Page", Description: "Wakes somebody.", WhenBreaching: true, WhenResolved: true,
			Condition: slo.AlertCondition{
				Name: "fast-burn", Severity: slo.Page, Kind: slo.BurnRate, Op: slo.GTE, Threshold: "14.4",
				LookBack: time.Hour, ShortLookBack: 30 * time.Second, After: 2 * time.Minute, MinBad: 10,
			},
			Targets: []slo.NotificationTarget{{Name: "on-call", Description: "The pager.", Target: "pager"}},
		}},
		References: []slo.ObjectRef{
			{Kind: slo.KindAlertCondition, Name: "fast-burn"},
			{Kind: slo.KindAlertNotificationTarget, Name: "on-call"},
			{Kind: slo.KindAlertPolicy, Name: "page"},
			{Kind: slo.KindDataSource, Name: "telemetry"},
			{Kind: slo.KindSLI, Name: "checkout-fast"},
		},
	}
}

func TestReferencesResolveInAnyOrder(t *testing.T) {
	t.Parallel()
	objects, warnings := parse(t, libraryFile(t), openslo.Strict)
	require.Empty(t, warnings)
	require.Len(t, objects, 7)
	slices.Reverse(objects)
	definition, warnings, err := openslo.Resolve(firstSLO(t, objects), library(objects))
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Equal(t, librarySLO(t), definition)
}

func TestAnObjectKnowsItsPlaceAndWhatItNames(t *testing.T) {
	t.Parallel()
	objects, _ := parse(t, libraryFile(t), openslo.Strict)
	definition := objects[0]
	require.Equal(t, []openslo.Reference{
		{ObjectRef: slo.ObjectRef{Kind: slo.KindSLI, Name: "checkout-fast"}, Field: "spec.indicatorRef"},
		{ObjectRef: slo.ObjectRef{Kind: slo.KindAlertPolicy, Name: "page"}, Field: "spec.alertPolicies[0].alertPolicyRef"},
	}, definition.References)
	require.Equal(t, 8, definition.Lines["spec.indicatorRef"])
	require.Equal(t, slo.ObjectRef{Kind: slo.KindSLI, Name: "checkout-fast"}, objects[2].ObjectRef)
	require.Equal(t, []openslo.Reference{
		{ObjectRef: slo.ObjectRef{Kind: slo.KindDataSource, Name: "telemetry"}, Field: "spec.thresholdMetric.metricSource.metricSourceRef"},
	}, objects[2].References)
	require.Equal(t, 3, objects[2].Document)
	require.Equal(t, 31, objects[2].Lines["spec.thresholdMetric.metricSource.spec.value"])
}

func TestInlineAndByReferenceAreTheSame(t *testing.T) {
	t.Parallel()
	written, err := openslo.Format(librarySLO(t))
	require.NoError(t, err)
	require.NotContains(t, string(written), "Ref:")
	definition, warnings := resolved(t, string(written), openslo.Strict)
	require.Empty(t, warnings)
	want := librarySLO(t)
	want.References = nil
	require.Equal(t, want, definition)
}

// without drops the document of an object from the library.
func without(t *testing.T, name string) string {
	t.Helper()
	objects, _ := parse(t, libraryFile(t), openslo.Strict)
	var texts []string
	for _, o := range objects {
		if o.Name != name {
			texts = append(texts, string(o.Source))
		}
	}
	require.Len(t, texts, len(objects)-1)
	return strings.Join(texts, "---\n")
}

func TestAReferenceToNothingNamesBothObjects(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]slo.DocumentError{
		"checkout-fast": {Object: "SLO checkout", Field: "spec.indicatorRef", Reason: "SLO checkout refers to SLI checkout-fast, which is not there"},
		"page":          {Object: "SLO checkout", Field: "spec.alertPolicies[0].alertPolicyRef", Reason: "SLO checkout refers to AlertPolicy page, which is not there"},
		"fast-burn":     {Object: "AlertPolicy page", Field: "spec.conditions[0].conditionRef", Reason: "AlertPolicy page refers to AlertCondition fast-burn, which is not there"},
		"on-call":       {Object: "AlertPolicy page", Field: "spec.notificationTargets[0].targetRef", Reason: "AlertPolicy page refers to AlertNotificationTarget on-call, which is not there"},
		"telemetry":     {Object: "SLI checkout-fast", Field: "spec.thresholdMetric.metricSource.metricSourceRef", Reason: "SLI checkout-fast refers to DataSource telemetry, which is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := unresolved(t, without(t, name), openslo.Strict)
			require.Len(t, faults, 1)
			require.True(t, faults[0].Note)
			require.Positive(t, faults[0].Line)
			require.Equal(t, "f.yaml", faults[0].File)
			require.Equal(t, want, slo.DocumentError{Object: faults[0].Object, Field: faults[0].Field, Reason: faults[0].Reason})
		})
	}
	resolved(t, without(t, "shop"), openslo.Strict) // The service need not exist.
}

func TestOnlyAnSLOIsResolved(t *testing.T) {
	t.Parallel()
	objects, _ := parse(t, libraryFile(t), openslo.Strict)
	for _, o := range append(objects[1:], openslo.Object{}) {
		_, _, err := openslo.Resolve(o, library(objects))
		require.ErrorContains(t, err, "is no SLO")
	}
}

func TestAnObjectOfAnotherKindIsNotThere(t *testing.T) {
	t.Parallel()
	objects, _ := parse(t, libraryFile(t), openslo.Strict)
	_, _, err := openslo.Resolve(objects[0], func(slo.ObjectRef) (openslo.Object, bool) { return objects[1], true })
	require.ErrorContains(t, err, "refers to SLI checkout-fast, which is not there")
}

func TestTypesOfSources(t *testing.T) {
	t.Parallel()
	const dataSource = "---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: d}\nspec: {type: %T, connectionDetails: ~}\n"
	for name, c := range map[string]struct {
		source, dataSource string
		field, reason      string
		note               bool
	}{
		"a type that is not measured": {
			source: "type: Prometheus, spec: {query: up}", field: "type", note: true,
			reason: "metric source type Prometheus is not measured here; Spans is",
		},
		"no type": {source: "spec: {service: s}", field: "type", note: true, reason: "is missing, and no metricSourceRef says it: write Spans"},
		"a data source that is not measured": {
			source: "metricSourceRef: d, spec: {query: up}", dataSource: "Datadog", field: "metricSourceRef", note: true,
			reason: "metric source type Datadog is not measured here; Spans is",
		},
		"types that disagree": {
			source: "metricSourceRef: d, type: Spans, spec: {service: s}", dataSource: "Datadog", field: "type",
			reason: "is Spans, but DataSource d is of type Datadog: leave it out, or name another source",
		},
		"a field that spans do not have, where the type is that of the source": {
			source: "metricSourceRef: d, spec: {service: s, query: up}", dataSource: "Spans", field: "spec.query",
			reason: "unknown field: known are service, condition, maxDuration",
		},
		"another service, where the type is that of the source": {
			source: "metricSourceRef: d, spec: {service: t}", dataSource: "Spans", field: "spec.service",
			reason: `is "t", but total selects "s": no span would match; leave it out`,
		},
		"nothing wrong":  {source: "metricSourceRef: d, spec: {condition: x}", dataSource: "Spans"},
		"twice the type": {source: "metricSourceRef: d, type: Spans, spec: {condition: x}", dataSource: "Spans"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := strings.Replace(anSLO, "good: {metricSource: {type: Prometheus, spec: {query: up}}}, total: {metricSource: {type: Prometheus, spec: {query: up}}}",
				"good: {metricSource: {"+c.source+"}}, total: {metricSource: {type: Spans, spec: {service: s}}}", 1)
			file = strings.Replace(file, "  alertPolicies: [{alertPolicyRef: p}]\n", "", 1)
			if c.dataSource != "" {
				file += strings.Replace(dataSource, "%T", c.dataSource, 1)
			}
			if c.reason == "" {
				definition, _ := resolved(t, file, openslo.Strict)
				require.Equal(t, &slo.SpanSource{Condition: "x"}, definition.Indicator.Good)
				return
			}
			faults := unresolved(t, file, openslo.Strict)
			require.Equal(t, slo.DocumentErrors{{
				File: "f.yaml", Document: 1, Line: 9, Object: "SLO a", Field: "spec.indicator.spec.ratioMetric.good.metricSource." + c.field,
				Reason: c.reason, Note: c.note,
			}}, faults)
		})
	}
}

func TestIndicatorsOfEveryForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		metric, objective string
		want              slo.Indicator
		threshold         slo.Threshold
	}{
		"good of total": {
			metric: "ratioMetric: {good: {metricSource: {type: Spans, spec: {condition: x}}}, total: {metricSource: {type: Spans, spec: {service: s}}}}",
			want:   slo.Indicator{Total: slo.SpanSource{Service: "s"}, Good: &slo.SpanSource{Condition: "x"}},
		},
		"bad of total": {
			metric: "ratioMetric: {bad: {metricSource: {type: Spans, spec: {maxDuration: 1s}}}, total: {metricSource: {type: Spans, spec: {service: s}}}}",
			want:   slo.Indicator{Total: slo.SpanSource{Service: "s"}, Bad: &slo.SpanSource{MaxDuration: time.Second}},
		},
		"raw success": {
			metric: "ratioMetric: {counter: false, rawType: success, raw: {metricSource: {type: Spans, spec: {service: s, value: 'span.attributes[\"share\"]'}}}}",
			want:   slo.Indicator{Total: slo.SpanSource{Service: "s"}, Value: &slo.Value{Of: `span.attributes["share"]`, Raw: slo.RawSuccess}},
		},
		"raw failure": {
			metric: "ratioMetric: {rawType: failure, raw: {metricSource: {type: Spans, spec: {service: s, value: ' duration '}}}}",
			want:   slo.Indicator{Total: slo.SpanSource{Service: "s"}, Value: &slo.Value{Of: slo.DurationValue, Raw: slo.RawFailure}},
		},
		"a threshold": {
			metric: "thresholdMetric: {metricSource: {type: Spans, spec: {service: s, condition: y, maxDuration: 5s, value: duration}}}", objective: "op: gt, value: -1.50e1, ",
			want:      slo.Indicator{Total: slo.SpanSource{Service: "s", Condition: "y", MaxDuration: 5 * time.Second}, Value: &slo.Value{Of: slo.DurationValue}},
			threshold: slo.Threshold{Op: slo.GT, Limit: "-15"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := strings.Replace(aThreshold, "thresholdMetric: {metricSource: {type: Prometheus, spec: {query: up}}}", c.metric, 1)
			file = strings.Replace(file, "op: lte, value: 0.3, ", c.objective, 1)
			definition, warnings := resolved(t, file, openslo.Strict)
			require.Empty(t, warnings)
			require.Equal(t, c.want, definition.Indicator)
			require.Equal(t, c.threshold, definition.Objectives[0].Threshold)
		})
	}
}

func TestAValueIsNeededWhereOneIsCompared(t *testing.T) {
	t.Parallel()
	const spec = "{service: s, value: duration}"
	file := strings.Replace(aThreshold, "{type: Prometheus, spec: {query: up}}", "{type: Spans, spec: "+spec+"}", 1)
	for name, c := range map[string]struct{ old, edit, field, reason string }{
		"no value of spans":            {spec, "{service: s}", "spec.indicator.spec.thresholdMetric.metricSource.spec.value", "is required: an OTTL expression that gives a number, or duration for seconds"},
		"an empty value of spans":      {spec, "{service: s, value: ' '}", "spec.indicator.spec.thresholdMetric.metricSource.spec.value", "must not be empty: write an OTTL expression, or duration for seconds"},
		"a value that is a number":     {spec, "{service: s, value: 5}", "spec.indicator.spec.thresholdMetric.metricSource.spec.value", "must be text, found the number 5: put it in quotes"},
		"no limit":                     {"value: 0.3, ", "", "spec.objectives[0].value", "is required"},
		"a limit that is text":         {"value: 0.3", "value: fast", "spec.objectives[0].value", `must be a number, found the text "fast"`},
		"a limit that is infinite":     {"value: 0.3", "value: .inf", "spec.objectives[0].value", `".inf" is not a decimal number`},
		"a limit of nineteen decimals": {"value: 0.3", "value: 0.0000000000000000001", "spec.objectives[0].value", "0.0000000000000000001 has more than 18 digits before or after its point"},
		"no operator":                  {"op: lte, ", "", "spec.objectives[0].op", "is required"},
		"an unknown operator":          {"op: lte", "op: eq", "spec.objectives[0].op", `unknown operator "eq": write lte, gte, lt or gt`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
				_, _, err := openslo.Parse("f.yaml", []byte(strings.Replace(file, c.old, c.edit, 1)), mode)
				var faults slo.DocumentErrors
				require.ErrorAs(t, err, &faults)
				require.Len(t, faults, 1)
				require.Equal(t, c.field, faults[0].Field)
				require.Equal(t, c.reason, faults[0].Reason)
			}
		})
	}
	byReference := strings.Replace(strings.Replace(libraryFile(t), "op: lte, ", "", 1), "timeSliceWindow: 5m, value: 0.300", "timeSliceWindow: 5m", 1)
	byReference = strings.Replace(byReference, ", op: lte, value: 0.300", "", 1)
	faults := unresolved(t, byReference, openslo.Strict)
	require.Equal(t, "needs op and value: its indicator is a thresholdMetric", faults[0].Reason)
	require.False(t, faults[0].Note)
}
