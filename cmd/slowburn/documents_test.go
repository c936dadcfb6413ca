package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

// memory is a store and a journal that forget nothing while the test runs.
type memory struct{ change slo.Change }

func (m *memory) Definitions(context.Context) ([]slo.Definition, error) {
	return m.change.Definitions, nil
}

func (m *memory) Objects(context.Context) ([]slo.Object, error) { return m.change.Objects, nil }

func (m *memory) SaveDefinitions(_ context.Context, change slo.Change, at time.Time) (slo.Change, error) {
	for i := range change.Definitions {
		change.Definitions[i].Revision++
		change.Definitions[i].AppliedAt = at
	}
	for i := range change.Objects {
		change.Objects[i].Revision++
	}
	return change, nil
}

func (m *memory) Append(context.Context, slo.Record) (slo.Offset, error) { return 1, nil }

// newCatalog gives a catalog of the real language and compiler.
func newCatalog(t *testing.T) *catalog.Catalog {
	t.Helper()
	compiler, err := indicator.NewCompiler()
	require.NoError(t, err)
	m := &memory{}
	set, err := catalog.New(catalog.Settings{Store: m, Language: language{}, Compiler: compiler, Journal: m})
	require.NoError(t, err)
	return set
}

const (
	checkoutSLO = `apiVersion: openslo/v1
kind: SLO
metadata: {name: checkout}
spec:
  service: checkout
  indicatorRef: checkout-fast
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
  alertPolicies: [{alertPolicyRef: page}]
`
	checkoutSLI = `apiVersion: openslo/v1
kind: SLI
metadata: {name: checkout-fast}
spec:
  ratioMetric:
    counter: true
    total: {metricSource: {metricSourceRef: spans, spec: {service: checkout}}}
    good:
      metricSource:
        metricSourceRef: spans
        spec:
          condition: 'span.status.code != STATUS_CODE_ERROR'
`
	pagePolicy = `apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: page}
spec:
  alertWhenBreaching: true
  conditions: [{conditionRef: burns}]
  notificationTargets: [{targetRef: team}]
`
	burnsCondition = `apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burns}
spec:
  severity: page
  condition: {kind: burnrate, op: gte, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}
`
	teamTarget = `apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata: {name: team}
spec: {target: slack}
`
	spansSource = `apiVersion: openslo/v1
kind: DataSource
metadata: {name: spans}
spec: {type: Spans, connectionDetails: {password: s3cret}}
`
)

// apply applies documents as one request.
func apply(t *testing.T, set *catalog.Catalog, documents ...string) (slo.Applied, error) {
	t.Helper()
	return set.Apply(t.Context(), slo.Documents{File: "request", Data: []byte(strings.Join(documents, "---\n"))})
}

func TestAllKindsOfOpenSLOAreKept(t *testing.T) {
	t.Parallel()
	set := newCatalog(t)
	_, err := apply(t, set, checkoutSLI)
	require.ErrorContains(t, err, "SLI checkout-fast: spec.ratioMetric.total.metricSource.metricSourceRef: refers to DataSource spans")
	_, err = apply(t, set, spansSource)
	require.NoError(t, err)
	applied, err := apply(t, set, checkoutSLO, checkoutSLI, pagePolicy, burnsCondition, teamTarget)
	require.NoError(t, err)
	require.Empty(t, applied.Warnings)
	require.Len(t, applied.Changes, 5)
	require.Len(t, set.Objects(), 5)
	d, found := set.Definition("checkout")
	require.True(t, found)
	require.Equal(t, "span.status.code != STATUS_CODE_ERROR", d.SLO.Indicator.Good.Condition)
	require.Equal(t, time.Hour, d.SLO.Policies[0].Condition.LookBack)
	require.Len(t, d.SLO.References, 5)

	applied, err = apply(t, set, strings.Replace(burnsCondition, "14.4", "10", 1))
	require.NoError(t, err)
	require.Len(t, applied.Changes, 2)
	require.Equal(t, slo.ObjectRef{Kind: slo.KindSLO, Name: "checkout"}, applied.Changes[1].ObjectRef)
	require.False(t, applied.Changes[1].Recounts)
	d, _ = set.Definition("checkout")
	require.Equal(t, slo.Decimal("10"), d.SLO.Policies[0].Condition.Threshold)

	applied, err = apply(t, set, checkoutSLO)
	require.NoError(t, err)
	require.Equal(t, slo.Unchanged, applied.Changes[0].Effect)
	require.ErrorIs(t, set.Delete(t.Context(), slo.ObjectRef{Kind: slo.KindDataSource, Name: "spans"}), slo.ErrInUse)
}

func TestFaultsOfReferencesNameBothObjects(t *testing.T) {
	t.Parallel()
	set := newCatalog(t)
	all := []string{checkoutSLO, checkoutSLI, pagePolicy, burnsCondition, teamTarget, spansSource}
	_, err := apply(t, set, all...)
	require.NoError(t, err)
	before, _ := set.Definition("checkout")
	for name, c := range map[string]struct {
		documents []string
		want      []string
	}{
		"a condition that does not compile, of an SLI that is given": {
			[]string{strings.Replace(checkoutSLI, "span.status", "span.stauts", 1)},
			[]string{"request:12: document 1: SLI checkout-fast: spec.ratioMetric.good.metricSource.spec.condition:"},
		},
		"a source of another type": {
			[]string{strings.Replace(spansSource, "Spans", "Prometheus", 1)},
			[]string{"in force: SLI checkout-fast: spec.ratioMetric", "SLO checkout refers to DataSource spans, which this changes"},
		},
		"an SLI that asks for more": {
			[]string{`apiVersion: openslo/v1
kind: SLI
metadata: {name: checkout-fast}
spec: {thresholdMetric: {metricSource: {type: Spans, spec: {service: checkout, value: duration}}}}
`},
			[]string{"in force: SLO checkout: spec.objectives[0]: needs op and value", "SLO checkout refers to SLI checkout-fast, which this changes"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := apply(t, set, c.documents...)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "s3cret")
			after, _ := set.Definition("checkout")
			require.Equal(t, before, after)
		})
	}
}

func TestStrictRefusesWhatLenientWarnsOf(t *testing.T) {
	t.Parallel()
	set := newCatalog(t)
	dialect := slo.Documents{File: "request", Data: []byte(strings.Replace(teamTarget, "openslo/v1", "openslo.com/v1", 1))}
	applied, err := set.Try(t.Context(), dialect)
	require.NoError(t, err)
	require.Len(t, applied.Warnings, 1)
	dialect.Strict = true
	_, err = set.Try(t.Context(), dialect)
	require.ErrorContains(t, err, "AlertNotificationTarget team: apiVersion")
}

// threshold is an SLO over a value, with an indicator of its own or one by name.
func threshold(indicator, objectives string) string {
	return `apiVersion: openslo/v1
kind: SLO
metadata: {name: values}
spec:
  service: checkout
` + indicator + `
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: ` + objectives + "\n"
}

func TestFaultsOfIndicatorsStandWhereTheyWereWritten(t *testing.T) {
	t.Parallel()
	const (
		metric = `{metricSource: {type: Spans, spec: {service: checkout, value: duration}}}`
		broken = `{metricSource: {type: Spans, spec: {service: checkout, value: 'span.nothing'}}}`
		narrow = `{metricSource: {type: Spans, spec: {condition: 'span.nothing', value: duration}}}`
		sli    = "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: slow}\nspec: {thresholdMetric: " + broken + "}\n"
		below  = `[{target: 0.9, op: lte, value: 1}]`
	)
	for name, c := range map[string]struct{ document, want string }{
		"a value": {
			threshold("  indicator: {metadata: {name: x}, spec: {thresholdMetric: "+broken+"}}", below),
			"request:6: document 1: SLO values: spec.indicator.spec.thresholdMetric.metricSource.spec.value: ",
		},
		"what has the value": {
			threshold("  indicator: {metadata: {name: x}, spec: {thresholdMetric: "+narrow+"}}", below),
			"request:6: document 1: SLO values: spec.indicator.spec.thresholdMetric.metricSource.spec.condition: ",
		},
		"a raw ratio": {
			threshold("  indicator: {metadata: {name: x}, spec: {ratioMetric: {rawType: success, raw: "+broken+"}}}", "[{target: 0.9}]"),
			"request:6: document 1: SLO values: spec.indicator.spec.ratioMetric.raw.metricSource.spec.value: ",
		},
		"an SLI with several thresholds, once": {
			sli + "---\n" + threshold("  indicatorRef: slow", "[{target: 0.9, op: lte, value: 1}, {target: 0.9, op: lte, value: 2}]"),
			"request:4: document 1: SLI slow: spec.thresholdMetric.metricSource.spec.value: ",
		},
		"a member of a composite": {
			threshold("", `
  - {target: 0.9, op: lte, value: 1, indicator: {metadata: {name: x}, spec: {thresholdMetric: `+metric+`}}}
  - {target: 0.9, op: lte, value: 1, indicator: {metadata: {name: y}, spec: {thresholdMetric: `+broken+`}}}`),
			"request:11: document 1: SLO values: spec.objectives[1].indicator.spec.thresholdMetric.metricSource.spec.value: ",
		},
		"a member after one that is left out": {
			threshold("", `
  - {target: 0.9}
  - {target: 0.9, op: lte, value: 1, indicator: {metadata: {name: y}, spec: {thresholdMetric: `+broken+`}}}`),
			"request:11: document 1: SLO values: spec.objectives[1].indicator.spec.thresholdMetric.metricSource.spec.value: ",
		},
		"a member by name": {
			sli + "---\n" + threshold("", `
  - {target: 0.9, op: lte, value: 1, indicator: {metadata: {name: x}, spec: {thresholdMetric: `+metric+`}}}
  - {target: 0.9, op: lte, value: 1, indicatorRef: slow}`),
			"request:4: document 1: SLI slow: spec.thresholdMetric.metricSource.spec.value: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newCatalog(t).Try(t.Context(), slo.Documents{File: "request", Data: []byte(c.document)})
			faults, ok := errors.AsType[slo.DocumentErrors](err)
			require.True(t, ok, "%v", err)
			require.Len(t, faults, 1)
			require.Contains(t, err.Error(), c.want)
		})
	}
}

func TestEachObjectiveHasItsSeries(t *testing.T) {
	t.Parallel()
	set := newCatalog(t)
	document := threshold("  indicator: {metadata: {name: x}, spec: {thresholdMetric: {metricSource: {type: Spans, spec: {service: checkout, value: duration}}}}}",
		"[{target: 0.9, op: lte, value: 1}, {target: 0.99, op: lte, value: 2}, {target: 0.5, op: lte, value: 1}]")
	_, err := apply(t, set, document)
	require.NoError(t, err)
	d, _ := set.Definition("values")
	require.Len(t, d.SLO.Series(), 2)
	tried, err := set.Try(t.Context(), slo.Documents{Data: []byte(strings.Replace(document, "target: 0.99", "target: 0.98", 1))})
	require.NoError(t, err)
	require.False(t, tried.Changes[0].Recounts)
	tried, err = set.Try(t.Context(), slo.Documents{Data: []byte(strings.Replace(document, "value: 2", "value: 3", 1))})
	require.NoError(t, err)
	require.True(t, tried.Changes[0].Recounts)
}
