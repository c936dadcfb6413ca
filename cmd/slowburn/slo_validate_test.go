package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestValidateSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	all := strings.Join([]string{checkoutSLO, checkoutSLI, pagePolicy, burnsCondition, teamTarget, spansSource}, "---\n")
	inline := strings.Replace(readExample(t), "span.kind == SPAN_KIND_SERVER", "span.knid == 1", 1)
	for name, c := range map[string]struct {
		files  map[string]string
		args   []string
		status int
		says   []string
		not    string
	}{
		"sound documents in one file": {
			map[string]string{"a.yaml": all}, nil, 0, []string{"1 file, 6 objects: 0 errors, 0 warnings, 0 notes\n"}, "a.yaml",
		},
		"documents that refer across files": {
			map[string]string{"a.yaml": checkoutSLO, "b/c.yml": strings.TrimPrefix(all, checkoutSLO+"---\n")},
			nil, 0,
			[]string{"2 files, 6 objects: 0 errors, 0 warnings, 0 notes\n"},
			"yaml",
		},
		"a reference to nothing is a note": {
			map[string]string{"a.yaml": checkoutSLO, "b.yaml": pagePolicy},
			nil, 0,
			[]string{
				"a.yaml:6: note: document 1: SLO checkout: spec.indicatorRef: refers to SLI checkout-fast, which is in none of the files",
				"b.yaml:6: note: document 1: AlertPolicy page: spec.conditions[0].conditionRef: refers to AlertCondition burns",
				"2 files, 2 objects: 0 errors, 0 warnings, 3 notes\n",
			},
			"which is not there",
		},
		"a source of an unknown type is a note": {
			map[string]string{"a.yaml": checkoutSLI + "---\n" + strings.Replace(spansSource, "Spans", "Prometheus", 1)},
			nil, 0,
			[]string{"note: document 1: SLI checkout-fast: spec.ratioMetric", "Prometheus is not measured here", "0 errors, 0 warnings, 2 notes"},
			"",
		},
		"a condition of an SLI that nothing refers to": {
			map[string]string{"a.yaml": strings.Replace(checkoutSLI, "span.status", "span.stauts", 1)},
			nil, 1,
			[]string{"a.yaml:12: document 1: SLI checkout-fast: spec.ratioMetric.good.metricSource.spec.condition: condition", "1 error, 0 warnings, 2 notes"},
			"",
		},
		"a condition of an SLI whose DataSource is elsewhere and of its own type": {
			map[string]string{"a.yaml": strings.Replace(checkoutSLI, "metricSourceRef: spans,", "metricSourceRef: spans, type: Prometheus,", 1)},
			nil, 0,
			[]string{"0 errors"},
			"but DataSource",
		},
		"a condition within an SLO": {
			map[string]string{"a.yaml": inline},
			nil, 1,
			[]string{"document 1: SLO checkout-availability: spec.indicator.spec.ratioMetric.total.metricSource.spec.condition: condition"},
			"checkout-fast",
		},
		"an SLI with a threshold, alone": {
			map[string]string{"a.yaml": thresholdSLI("duration")}, nil, 0, []string{"1 file, 1 object: 0 errors, 0 warnings, 0 notes"}, "",
		},
		"a value that does not compile": {
			map[string]string{"a.yaml": thresholdSLI("span.atributes[\"n\"]")},
			nil, 1,
			[]string{"a.yaml:4: document 1: SLI slow: spec.thresholdMetric.metricSource.spec.value:", "1 error, 0 warnings, 0 notes"},
			"around",
		},
		"faults of several files, the documents that are sound beside them": {
			map[string]string{
				"a.yaml": strings.Replace(checkoutSLO, "target: 0.99", "target: 1.5", 1),
				"b.yaml": "kind: [\n", "c.yaml": strings.Replace(checkoutSLI, "span.status", "span.stauts", 1),
			},
			nil, 1,
			[]string{
				"a.yaml:9: document 1: SLO checkout: spec.objectives[0].target", "b.yaml:1: document 1: is not valid YAML", "c.yaml:12:",
				"a.yaml:10: note: document 1: SLO checkout: spec.alertPolicies[0].alertPolicyRef: refers to AlertPolicy page",
				"c.yaml:7: note: document 1: SLI checkout-fast: spec.ratioMetric.total.metricSource.metricSourceRef: refers to DataSource spans",
				"3 files, 1 object: 3 errors, 0 warnings, 3 notes",
			},
			"refers to SLI",
		},
		"a reference to what may be in a document that cannot be read": {
			map[string]string{"a.yaml": checkoutSLI, "b.yaml": strings.Replace(spansSource, "{type", "[type", 1)},
			nil, 1,
			[]string{"b.yaml:4: document 1: is not valid YAML", "2 files, 1 object: 1 error, 0 warnings, 0 notes"},
			"refers to",
		},
		"a name that two files have": {
			map[string]string{"a.yaml": teamTarget, "b.yaml": "\n" + teamTarget},
			nil, 1,
			[]string{"b.yaml:4: document 1: AlertNotificationTarget team: metadata.name: the name is taken by", "a.yaml:3: give each"},
			"",
		},
		"a name that a file has twice, and what is wrong with each": {
			map[string]string{"a.yaml": thresholdSLI("span.nme") + "---\n" + thresholdSLI("duration")},
			nil, 1,
			[]string{
				"a.yaml:4: document 1: SLI slow: spec.thresholdMetric.metricSource.spec.value:",
				"a.yaml:8: document 2: SLI slow: metadata.name: the name is taken by document 1, line 3", "2 errors",
			},
			"a.yaml:9:",
		},
		"a dialect is a warning": {
			map[string]string{"a.yaml": strings.Replace(teamTarget, "openslo/v1", "openslo.com/v1", 1)},
			nil, 0,
			[]string{"a.yaml:1: warning: document 1: AlertNotificationTarget team: apiVersion:", "0 errors, 1 warning, 0 notes"},
			"",
		},
		"a dialect is an error when strict": {
			map[string]string{"a.yaml": strings.Replace(teamTarget, "openslo/v1", "openslo.com/v1", 1)},
			[]string{"--strict"},
			1,
			[]string{"a.yaml:1: document 1: AlertNotificationTarget team: apiVersion:", "1 error, 0 warnings"},
			"warning:",
		},
		"files without documents": {
			map[string]string{"a.yaml": "# nothing\n"}, nil, 1, []string{"a.yaml: holds no document"}, "",
		},
		"a folder without files": {
			map[string]string{"a.txt": "x"}, nil, 1, []string{"the folder holds no file", "0 files, 0 objects: 1 error"}, "",
		},
		"characters that would command a terminal": {
			map[string]string{"a.yaml": "apiVersion: openslo/v1\nkind: \"\u202e[31m\"\n"}, nil, 1, []string{"U+202E"}, "\u202e",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runSLO(t, "", append([]string{"validate", folder(t, c.files)}, c.args...)...)
			require.Equal(t, c.status, got.status, got)
			require.Empty(t, got.stderr)
			for _, want := range c.says {
				require.Contains(t, got.stdout, want)
			}
			if c.not != "" {
				require.NotContains(t, got.stdout, c.not)
			}
			require.NotContains(t, got.stdout, "\x1b")
			require.NotContains(t, got.stdout, "s3cret")
		})
	}
}

func thresholdSLI(value string) string {
	return "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: slow}\n" +
		"spec: {thresholdMetric: {metricSource: {type: Spans, spec: {service: shop, value: '" + value + "'}}}}\n"
}

func readExample(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../examples/slos/checkout.yaml")
	require.NoError(t, err)
	return string(data)
}

// TestValidateFindsWhatApplyWould compares validate with a server that has
// nothing else.
func TestValidateFindsWhatApplyWould(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../slo/openslo/testdata/*.yaml")
	require.NoError(t, err)
	more, err := filepath.Glob("../../slo/openslo/testdata/*/*.yaml")
	require.NoError(t, err)
	files = append(append(files, more...), "../../examples/slos/checkout.yaml", "../../examples/slos/shop.yaml")
	compared := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, strict := range []bool{false, true} {
			d := readDocuments([]string{file}, nil, strict)
			require.NoError(t, d.check())
			_, tried := newCatalog(t).Try(t.Context(), slo.Documents{File: filepath.Clean(file), Data: data, Strict: strict})
			if len(d.notes) > 0 {
				require.Error(t, tried, "%s: the server has nothing else", file)
				continue
			}
			compared++
			if tried == nil {
				require.Empty(t, d.errors, file)
				continue
			}
			require.NotEmpty(t, d.errors, "%s: %v", file, tried)
			for _, fault := range d.errors {
				if fault.Document > 0 && fault.Object != "" {
					require.ErrorContains(t, tried, fault.Error())
				}
			}
		}
	}
	require.Greater(t, compared, 4)
}

func TestValidateReadsStandardInputAndPrintsJSON(t *testing.T) {
	t.Parallel()
	got := runSLO(t, strings.Replace(checkoutSLI, "span.status", "span.stauts", 1), "validate", "-o", "json", "-", "gone.yaml")
	require.Equal(t, 1, got.status)
	var out checkedOutput
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &out))
	require.Equal(t, 1, out.Files)
	require.Equal(t, 1, out.Objects)
	require.Len(t, out.Errors, 2)
	require.Equal(t, "gone.yaml", out.Errors[0].File)
	require.Contains(t, out.Errors[0].Reason, "does not exist")
	require.Equal(t, documentFault{
		File: "stdin", Document: 1, Line: 12, Object: "SLI checkout-fast",
		Field: "spec.ratioMetric.good.metricSource.spec.condition", Reason: out.Errors[1].Reason,
	}, out.Errors[1])
	require.Empty(t, out.Warnings)
	require.NotNil(t, out.Warnings)
	require.Empty(t, out.Notes, "what is referred to may be in the file that is gone")
}

func TestCallsOfSLOThatAreWrittenWronglyAreUsage(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"validate without files":       {"validate"},
		"an unknown subcommand":        {"check"},
		"an unknown format":            {"validate", "-o", "yaml", "x"},
		"fmt that looks and writes":    {"fmt", "--check", "--write", "x"},
		"standard input in place":      {"fmt", "-w", "-"},
		"an address without a scheme":  {"get", "--server", "localhost:8080"},
		"an address with a password":   {"get", "--server", "http://a:b@127.0.0.1:1"},
		"a token on the command line":  {"get", "--token", "x"},
		"get of two":                   {"get", "a", "b"},
		"an unknown kind":              {"delete", "sli/checkout"},
		"a kind without a name":        {"get", "SLI/"},
		"delete without names":         {"delete"},
		"an unknown format of a diff":  {"diff", "-o", "yaml", "x"},
		"an unknown format of a table": {"get", "-o", "text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runSLO(t, "", args...)
			require.Equal(t, 2, got.status, got)
			require.NotEmpty(t, got.stderr)
			require.Empty(t, got.stdout)
		})
	}
	require.Contains(t, runSLO(t, "").stdout, "validate", "alone it prints its help")
}
