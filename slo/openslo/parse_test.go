package openslo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// example is the document of the design, on which other tests make one change.
func example(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "checkout-fast.yaml"))
	require.NoError(t, err)
	return string(data)
}

func target(t testing.TB, text string) slo.Target {
	t.Helper()
	parsed, err := slo.ParseTarget(text, false)
	require.NoError(t, err)
	return parsed
}

func exampleSLO(t testing.TB) slo.SLO {
	t.Helper()
	return slo.SLO{
		Name: "checkout-fast", DisplayName: "Checkout answers within 300 ms", Service: "checkout",
		Indicator: slo.Indicator{
			Total: slo.SpanSource{Service: "checkout", Condition: "span.kind == SPAN_KIND_SERVER"},
			Good:  &slo.SpanSource{Condition: "span.status.code != STATUS_CODE_ERROR", MaxDuration: 300 * time.Millisecond},
		},
		Window:     slo.Window{Duration: 28 * 24 * time.Hour},
		Objectives: []slo.Objective{{Target: target(t, "0.999")}},
	}
}

func TestTheExampleOfTheDesign(t *testing.T) {
	t.Parallel()
	documents, warnings := parse(t, example(t), openslo.Strict)
	require.Empty(t, warnings)
	require.Len(t, documents, 1)
	definition, warnings := resolved(t, example(t), openslo.Strict)
	require.Empty(t, warnings)
	require.Equal(t, exampleSLO(t), definition)
	require.Equal(t, slo.ObjectRef{Kind: slo.KindSLO, Name: "checkout-fast"}, documents[0].ObjectRef)
	require.Equal(t, "f.yaml", documents[0].File)
	require.Equal(t, 1, documents[0].Document)
	require.Equal(t, example(t), string(documents[0].Source))
	require.Equal(t, 1, documents[0].Line)
	require.Equal(t, 16, documents[0].Lines["spec.indicator.spec.ratioMetric.total.metricSource.spec.condition"])
	require.Equal(t, 4, documents[0].Lines["metadata.name"])
}

func TestEveryField(t *testing.T) {
	t.Parallel()
	definition, warnings := resolved(t, `
apiVersion: openslo/v1
kind: SLO
metadata:
  name: pay-1
  displayName: Zahlung geht, 99,5 %
  labels: {team: pay, region: [eu, us], Tier_1.x-y: [], on: "1"}
  annotations:
    slowburn.dev/runbook: |
      see
      there
    plain: ""
spec:
  description: "two\nlines"
  service: pay
  indicator:
    metadata: {name: pay, displayName: Pay, labels: {a: b}, annotations: {c: d}}
    spec:
      description: inner
      ratioMetric:
        total: {metricSource: {type: Spans, spec: {maxDuration: 1h30m}}}
        bad: {metricSource: {type: Spans, spec: {service: pay, condition: "a\nor b", maxDuration: 1.5s}}}
  timeWindow: [{duration: 1Q, isRolling: True}]
  budgetingMethod: Occurrences
  objectives:
    - {displayName: low, target: 0}
    - {targetPercent: 99.95}
    - {target: .5, targetPercent: ~}
`, openslo.Strict)
	require.Empty(t, warnings)
	require.Equal(t, slo.SLO{
		Name: "pay-1", DisplayName: "Zahlung geht, 99,5 %", Description: "two\nlines", Service: "pay",
		Labels:      map[string][]string{"team": {"pay"}, "region": {"eu", "us"}, "Tier_1.x-y": {}, "on": {"1"}},
		Annotations: map[string]string{"slowburn.dev/runbook": "see\nthere\n", "plain": ""},
		Indicator: slo.Indicator{
			Total: slo.SpanSource{MaxDuration: 90 * time.Minute},
			Bad:   &slo.SpanSource{Service: "pay", Condition: "a\nor b", MaxDuration: 1500 * time.Millisecond},
		},
		Window: slo.Window{Duration: 90 * 24 * time.Hour},
		Objectives: []slo.Objective{
			{DisplayName: "low", Target: target(t, "0")}, {Target: target(t, "0.9995")}, {Target: target(t, "0.5")},
		},
	}, definition)
}

// named is a small valid document.
func named(name string) string {
	return fmt.Sprintf(`{apiVersion: openslo/v1, kind: SLO, metadata: {name: %s}, spec: {service: s, indicator: {metadata: {name: i}, `+
		`spec: {ratioMetric: {total: {metricSource: {type: Spans, spec: {service: s}}}, good: {metricSource: {type: Spans, spec: {maxDuration: 1s}}}}}}, `+
		`timeWindow: [{duration: 30d, isRolling: true}], budgetingMethod: Occurrences, objectives: [{target: 0.99}]}}`, name)
}

// jsonNamed is the same in JSON.
func jsonNamed(name string) string {
	return fmt.Sprintf(`{"apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": %q, "displayName": "\ud83d\ude00"},
	"spec": {"service": "s", "indicator": {"metadata": {"name": "i"}, "spec": {"ratioMetric": {"counter": true,
		"total": {"metricSource": {"type": "Spans", "spec": {"service": "s"}}},
		"good": {"metricSource": {"type": "Spans", "spec": {"maxDuration": "1s"}}}}}},
	"timeWindow": [{"duration": "30d", "isRolling": true}], "budgetingMethod": "Occurrences", "objectives": [{"target": 0.99, "displayName": null}]}}`, name)
}

func TestTheFormsOfAFile(t *testing.T) {
	t.Parallel()
	type found struct {
		name   string
		line   int
		source string
	}
	anchored := strings.Replace(named("a"), "{type: Spans, spec: {service: s}}", "&src {type: Spans, spec: {service: s}}", 1)
	aliased := strings.Replace(named("b"), "{type: Spans, spec: {service: s}}", "*src", 1)
	for name, c := range map[string]struct {
		file string
		want []found
	}{
		"an empty file holds nothing":            {file: ""},
		"comments and empty documents hold none": {file: "# a\n---\n---\n# b\n--- ~\n...\n---\n"},
		"one document":                           {file: named("a"), want: []found{{"a", 1, named("a") + "\n"}}},
		"a byte order mark is no text":           {file: "\ufeff" + named("a"), want: []found{{"a", 1, named("a") + "\n"}}},
		"documents divided by markers, with their comments": {
			file: "# first\n" + named("a") + "\n--- # second\n" + named("b") + "\n...\n\n" + named("c") + "\n---\n\n# fourth\n\n" + named("d") + "\n\n\n",
			want: []found{
				{"a", 2, "# first\n" + named("a") + "\n"},
				{"b", 4, "--- # second\n" + named("b") + "\n...\n"},
				{"c", 7, named("c") + "\n"},
				{"d", 12, "# fourth\n\n" + named("d") + "\n"},
			},
		},
		"lines that end as on Windows": {
			file: "---\r\n" + named("a") + "\r\n---\r\n" + named("b") + "\r\n",
			want: []found{{"a", 2, named("a") + "\n"}, {"b", 4, named("b") + "\n"}},
		},
		"a directive belongs to the document behind it": {
			file: "%YAML 1.1\n---\n" + named("a"), want: []found{{"a", 3, "%YAML 1.1\n---\n" + named("a") + "\n"}},
		},
		"a list on the top level": {file: "# list\n- " + named("a") + "\n-\n- " + named("b") + "\n---\n" + named("c"), want: []found{
			{name: "a", line: 2}, {name: "b", line: 4}, {"c", 6, named("c") + "\n"},
		}},
		"a list whose documents share a part": {file: "- " + anchored + "\n- " + aliased, want: []found{
			{name: "a", line: 1}, {name: "b", line: 2},
		}},
		"JSON": {file: "\n " + jsonNamed("a") + " \n", want: []found{{"a", 2, jsonNamed("a")}}},
		"a list in JSON": {file: "[" + jsonNamed("a") + ",\n\n null, " + jsonNamed("b") + "]", want: []found{
			{"a", 1, jsonNamed("a")}, {"b", 7, jsonNamed("b")},
		}},
		"an empty list in JSON": {file: "[ ]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			documents, _ := parse(t, c.file, openslo.Strict)
			require.Len(t, documents, len(c.want))
			for i, d := range documents {
				require.Equal(t, c.want[i].name, d.Name)
				require.Equal(t, c.want[i].line, d.Line)
				definition, _, err := openslo.Resolve(d, library(documents))
				require.NoError(t, err)
				require.Equal(t, "s", definition.Indicator.Total.Service)
				if c.want[i].source != "" {
					require.Equal(t, c.want[i].source, string(d.Source))
				}
				again, _ := parse(t, string(d.Source), openslo.Strict)
				require.Len(t, again, 1)
				require.Equal(t, d.Content(), again[0].Content())
			}
		})
	}
}

func TestTextOfAnyShapeSurvivesAList(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"\n  a\n b\n\n ", "a\n\tb", " a ", "a\r\nb\r", "# a", "- a: b", "null", "1", "\ta\n# b", "a\u2028b", "\n", "a\n\n", "'\"\\"} {
		item := strings.Replace(named("a"), "kind: SLO, metadata: {name: a", fmt.Sprintf("kind: SLO, metadata: {annotations: {a: %q}, name: a", text), 1)
		documents, _ := parse(t, "- "+item, openslo.Strict)
		definition, _ := resolved(t, "- "+item, openslo.Strict)
		require.Equal(t, text, definition.Annotations["a"])
		again, _ := parse(t, string(documents[0].Source), openslo.Strict)
		require.Equal(t, documents[0].Content(), again[0].Content())
	}
}

func TestJSONKeepsWhatYAMLWouldRefuse(t *testing.T) {
	t.Parallel()
	documents, _ := parse(t, jsonNamed("a"), openslo.Strict)
	definition, _ := resolved(t, jsonNamed("a"), openslo.Strict)
	require.Equal(t, "\U0001F600", definition.DisplayName)
	require.Equal(t, 5, documents[0].Lines["spec.objectives[0].target"])
}

func TestEveryExampleIsAccepted(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "examples", "slos")
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	names := map[slo.ObjectRef]string{}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		require.NoError(t, err)
		objects, warnings := parse(t, string(data), openslo.Strict)
		require.NotEmpty(t, objects)
		require.Empty(t, warnings)
		for _, o := range objects {
			require.Empty(t, names[o.ObjectRef], "%s is in two files", o)
			names[o.ObjectRef] = entry.Name()
		}
	}
}

func TestReadingLeavesTheFileAsItIs(t *testing.T) {
	t.Parallel()
	const file = "apiVersion: openslo/v1\r\nkind: Service\r\nmetadata: {name: s}\r\n---\r\n# b\r\n"
	data := []byte(file)
	_, _, err := openslo.Parse("f.yaml", data, openslo.Strict)
	require.NoError(t, err)
	_, err = openslo.Canonical("f.yaml", data, openslo.Strict)
	require.NoError(t, err)
	require.Equal(t, file, string(data))
}

func TestTheLinesAtTheEndOfATextAreItsOwn(t *testing.T) {
	t.Parallel()
	const file = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: s}\nspec:\n  description: |+\n    a\n\n\n"
	for _, text := range []string{file, file + "---\n" + aTarget, strings.ReplaceAll(file, "\n", "\r\n"), "---\n" + file + "...\n", strings.TrimRight(file, "\n"), strings.TrimRight(file, "\n") + "  "} {
		objects, _ := parse(t, text, openslo.Strict)
		again, _ := parse(t, string(objects[0].Source), openslo.Strict)
		require.Equal(t, objects[0].Content(), again[0].Content())
		canonical(t, text)
	}
}
