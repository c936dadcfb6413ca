package openslo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo/openslo"
)

const merging = `- apiVersion: openslo/v1
  kind: SLO
  metadata: &common
    name: a
    labels: &labels {team: shop, tier: "1"}
    annotations: {example.com/note: x}
  spec: &spec
    service: shop
    indicatorRef: i
    timeWindow: [{duration: 28d, isRolling: true}]
    budgetingMethod: Occurrences
    objectives: [{target: 0.99, op: lte, value: 1}]
- apiVersion: openslo/v1
  kind: SLO
  metadata:
    # As the first one.
    <<: *common
    name: b
    labels: {<<: [*labels, {team: nobody, region: eu}], tier: "2"}
  spec: {<<: *spec, timeWindow: [{duration: 7d, isRolling: true}]}
- {apiVersion: openslo/v1, kind: SLI, metadata: {name: i}, spec: {thresholdMetric: {metricSource: {metricSourceRef: d, spec: {<<: {service: s}, value: duration}}}}}
`

func TestMergeKeysAreWhatTheyStandFor(t *testing.T) {
	t.Parallel()
	objects, warnings := parse(t, merging, openslo.Strict)
	require.Empty(t, warnings)
	second := objects[1]
	require.Equal(t, "b", second.Name)
	require.Equal(t, 8, second.Lines["spec.service"])
	source := string(second.Source) + "---\n" + string(objects[2].Source) + "---\n" +
		"apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: d}\nspec: {type: Spans, connectionDetails: ~}\n"
	require.NotContains(t, source, "<<")
	require.Contains(t, canonical(t, merging), "# As the first one.")
	require.NotContains(t, canonical(t, merging), "<<")
	objects, _ = parse(t, source, openslo.Strict)
	definition, _, err := openslo.Resolve(objects[0], library(objects))
	require.NoError(t, err)
	require.Equal(t, 7*day, definition.Window.Duration)
	require.Equal(t, map[string][]string{"team": {"shop"}, "tier": {"2"}, "region": {"eu"}}, definition.Labels)
	require.Equal(t, "s", definition.Indicator.Total.Service)
}
