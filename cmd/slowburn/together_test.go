package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
)

// inlineSLO is an SLO with all within one document.
const inlineSLO = `apiVersion: openslo/v1
kind: SLO
metadata: {name: inline}
spec:
  service: checkout
  indicator:
    metadata: {name: inline}
    spec:
      ratioMetric:
        total: {metricSource: {type: Spans, spec: {condition: 'span.kind == 2'}}}
        good: {metricSource: {type: Spans, spec: {condition: 'span.status.code == 1'}}}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
  alertPolicies:
    - {alertPolicyRef: page}
`

// compositeSLO has two parts.
const compositeSLO = `apiVersion: openslo/v1
kind: SLO
metadata: {name: composite}
spec:
  service: checkout
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - {target: 0.9, indicatorRef: none}
    - target: 0.99
      indicator:
        metadata: {name: inline}
        spec:
          ratioMetric:
            good: {metricSource: {type: Spans, spec: {condition: 'span.status.code == 1'}}}
            total: {metricSource: {type: Spans, spec: {service: checkout}}}
`

// TestAllFaultsComeInOneAnswer holds that the command line, the API and the
// watched folder tell faults of every phase at once, sorted, and no other.
func TestAllFaultsComeInOneAnswer(t *testing.T) {
	t.Parallel()
	alerting := []string{pagePolicy, burnsCondition, teamTarget}
	for name, c := range map[string]struct {
		documents []string
		edits     []string
		want      []string
	}{
		"a document that is no YAML, a reference to nothing, a condition that does not compile": {
			[]string{teamTarget, checkoutSLO, inlineSLO, pagePolicy, burnsCondition},
			[]string{"{target: slack}", "[target: {slack}", "span.status", "span.stauts"},
			[]string{
				"1 4 : is not valid YAML", "2 11 spec.indicatorRef: refers to SLI checkout-fast",
				"3 27 spec.indicator.spec.ratioMetric.good.metricSource.spec.condition: condition",
			},
		},
		"a target, a reference to nothing and a condition that does not compile, each in a document": {
			append([]string{inlineSLO, checkoutSLO, checkoutSLI, spansSource}, alerting...),
			[]string{"target: 0.99", "target: 1.5", "{alertPolicyRef: page}]\n", "{alertPolicyRef: ticket}]\n", "span.status.code !=", "span.stauts.code !="},
			[]string{
				"1 14 spec.objectives[0].target: target 1.5", "2 27 spec.alertPolicies[0].alertPolicyRef: refers to AlertPolicy ticket",
				"3 40 spec.ratioMetric.good.metricSource.spec.condition: condition",
			},
		},
		"all within one document": {
			[]string{inlineSLO},
			[]string{"target: 0.99", "target: 1.5", "span.kind", "span.knid", "span.status", "span.stauts"},
			[]string{
				"1 10 spec.indicator.spec.ratioMetric.total.metricSource.spec.condition: condition",
				"1 11 spec.indicator.spec.ratioMetric.good.metricSource.spec.condition: condition",
				"1 14 spec.objectives[0].target: target 1.5", "1 16 spec.alertPolicies[0].alertPolicyRef: refers to AlertPolicy page",
			},
		},
		"a part of a composite behind one that cannot be read": {
			append([]string{compositeSLO}, alerting...),
			[]string{"{target: 0.9, indicatorRef: none}", "high", "span.status", "span.stauts"},
			[]string{
				"1 9 spec.objectives[0]: must be a map",
				"1 15 spec.objectives[1].indicator.spec.ratioMetric.good.metricSource.spec.condition: condition",
			},
		},
		"a broken document that others refer to": {
			append([]string{checkoutSLO, checkoutSLI, spansSource}, alerting...),
			[]string{"type: Spans", "type: [Spans]", "severity: page", "severity: 3"},
			[]string{"3 28 spec.type: must be text", "5 42 spec.severity: must be text"},
		},
		"a document that is no YAML, which others refer to": {
			append([]string{checkoutSLO, spansSource, checkoutSLI}, alerting...),
			[]string{"counter: true", "counter: [true"},
			[]string{"3 22 : is not valid YAML"},
		},
		"a field that could not be read, and what depends on it": {
			append([]string{inlineSLO}, alerting...),
			[]string{"duration: 28d", "duration: 28", "target: 0.99", "target: high", "'span.kind == 2'", "2"},
			[]string{
				"1 10 spec.indicator.spec.ratioMetric.total.metricSource.spec.condition: must be text",
				"1 12 spec.timeWindow[0].duration: must be text", "1 14 spec.objectives[0].target: must be a number",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Join(c.documents, "---\n")
			for i := 0; i < len(c.edits); i += 2 {
				require.Contains(t, text, c.edits[i])
				text = strings.Replace(text, c.edits[i], c.edits[i+1], 1)
			}
			for surface, told := range map[string][]documentFault{
				"validate": toldByValidate(t, text), "the API": toldByAPI(t, text), "a dry run": toldByTry(t, text), "a folder": toldByFolder(t, text),
				"apply": toldByApply(t, text),
			} {
				var got []string
				for _, f := range told {
					got = append(got, fmt.Sprintf("%d %d %s: %s", f.Document, f.Line, f.Field, f.Reason))
				}
				require.Len(t, got, len(c.want), "%s: %s", surface, strings.Join(got, "\n"))
				for i := range c.want {
					require.True(t, strings.HasPrefix(got[i], c.want[i]), "%s: want %s\ngot  %s", surface, c.want[i], got[i])
				}
			}
		})
	}
}

// toldByValidate are errors and notes: without a server a reference to nothing is
// a note.
func toldByValidate(t *testing.T, text string) []documentFault {
	t.Helper()
	got := runSLO(t, text, "validate", "-o", "json", "-")
	require.Equal(t, 1, got.status, got)
	var out checkedOutput
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &out))
	return byLine(append(out.Errors, out.Notes...))
}

func toldByApply(t *testing.T, text string) []documentFault {
	t.Helper()
	url, set := serveCatalog(t)
	got := runSLO(t, text, "apply", "--server", url, "-o", "json", "-")
	require.Equal(t, 1, got.status, got)
	var out appliedOutput
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &out))
	requireNothing(t, set)
	return byLine(append(out.Errors, out.Notes...))
}

func byLine(faults []documentFault) []documentFault {
	slices.SortStableFunc(faults, func(a, b documentFault) int { return a.Line - b.Line })
	return faults
}

func toldByAPI(t *testing.T, text string) []documentFault {
	t.Helper()
	url, set := serveCatalog(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/v1/slos", strings.NewReader(text))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	var problem struct{ Errors []documentFault }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&problem))
	requireNothing(t, set)
	return problem.Errors
}

func toldByTry(t *testing.T, text string) []documentFault {
	t.Helper()
	_, err := newCatalog(t).Try(t.Context(), slo.Documents{File: "request", Data: []byte(text)})
	return faultsOf(faultsIn(err, "request"))
}

func toldByFolder(t *testing.T, text string) []documentFault {
	t.Helper()
	set := newCatalog(t)
	err := catalog.NewFolder(filepath.Join(folder(t, map[string]string{"all.yaml": text}), "all.yaml"), set).Load(t.Context())
	require.Equal(t, err, set.Problems())
	requireNothing(t, set)
	return faultsOf(faultsIn(err, "all.yaml"))
}

func requireNothing(t *testing.T, set *catalog.Catalog) {
	t.Helper()
	require.Empty(t, set.Definitions())
	require.Empty(t, set.Objects())
}
