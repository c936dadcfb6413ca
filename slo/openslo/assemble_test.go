package openslo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// aSet is an SLO with a threshold, and all that it refers to, in the order of
// its references.
const aSet = `apiVersion: openslo/v1
kind: SLO
metadata: {name: a}
spec:
  service: shop
  indicatorRef: i
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  alertPolicies: [{alertPolicyRef: p}]
  objectives: [{op: lte, value: 0.3, target: 0.99}]
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: i}
spec: {thresholdMetric: {metricSource: {metricSourceRef: d, spec: {condition: 'true', value: duration}}}}
---
apiVersion: openslo/v1
kind: DataSource
metadata: {name: d}
spec: {type: Spans, connectionDetails: {}}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: p}
spec:
  alertWhenBreaching: true
  conditions: [{conditionRef: c}]
  notificationTargets: [{targetRef: t}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: c}
spec: {severity: page, condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h}}
---
apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata: {name: t}
spec: {target: mail}
`

// TestFaultsOfReadingAndOfAssemblingComeTogether holds that what cannot be read
// hides no other fault, and is the cause of none.
func TestFaultsOfReadingAndOfAssemblingComeTogether(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edits []string
		want  []string
	}{
		"nothing is wrong": {nil, []string{}},
		"a target, and a reference to nothing": {
			[]string{"target: 0.99", "target: 1.5", "indicatorRef: i", "indicatorRef: j"},
			[]string{"1 spec.indicatorRef: SLO a refers to SLI j, which is not there", "1 spec.objectives[0].target: target 1.5"},
		},
		"a document that is no YAML, and a look-back that is too long": {
			[]string{"spec: {target: mail}", "spec: {target: [mail}", "lookbackWindow: 1h", "lookbackWindow: 40d"},
			[]string{"5 spec.condition.lookbackWindow: 40d is longer", "6 : is not valid YAML"},
		},
		"a field of each document": {
			[]string{
				"service: shop", "service: [shop]", "value: duration", "value: [duration]", "connectionDetails: {}", "description: x",
				"alertWhenBreaching: true", "alertWhenBreaching: 1", "severity: page", "severity: []", "target: mail", "target: 3",
			},
			[]string{
				"1 spec.service: must be text", "2 spec.thresholdMetric.metricSource.spec.value: must be text",
				"3 spec.connectionDetails: is required", "4 spec.alertWhenBreaching: must be true or false", "5 spec.severity: must be text", "6 spec.target: must be text",
			},
		},
		"a window, on which a look-back and slices depend": {
			[]string{
				"duration: 28d", "duration: 28", "lookbackWindow: 1h", "lookbackWindow: 40d", "Occurrences", "RatioTimeslices",
				"target: 0.99", "target: 0.99, timeSliceWindow: 12h",
			},
			[]string{"1 spec.timeWindow[0].duration: must be text"},
		},
		"a window, and a slice that is too short": {
			[]string{"duration: 28d", "duration: 28", "Occurrences", "RatioTimeslices", "target: 0.99", "target: 0.99, timeSliceWindow: 2d"},
			[]string{"1 spec.objectives[0].timeSliceWindow: 2d is not measured here", "1 spec.timeWindow[0].duration: must be text"},
		},
		"a target, on which the highest burn rate depends": {
			[]string{"target: 0.99", "target: 2", "threshold: 2", "threshold: 200"},
			[]string{"1 spec.objectives[0].target: target 2 must be"},
		},
		"a target, and a threshold that always holds": {
			[]string{"target: 0.99", "target: 2", "threshold: 2", "threshold: 0"},
			[]string{"1 spec.objectives[0].target: target 2 must be", "5 spec.condition.threshold: a burn rate of gte 0 always is"},
		},
		"a threshold": {[]string{"threshold: 2", "threshold: two"}, []string{"5 spec.condition.threshold: must be a number"}},
		"an operator, on which the threshold depends": {
			[]string{"op: gte, threshold: 2", "op: more, threshold: 0"}, []string{"5 spec.condition.op: unknown operator"},
		},
		"what a condition is about": {
			[]string{"{name: c}", "{name: c, annotations: {slowburn.dev/condition: budget}}", "threshold: 2", "threshold: 5000"},
			[]string{`5 metadata.annotations.slowburn.dev/condition: unknown condition "budget"`},
		},
		"what the condition of a policy is about": {
			[]string{"{name: p}", "{name: p, annotations: {slowburn.dev/condition: budget}}", "threshold: 2", "threshold: 5000"},
			[]string{`4 metadata.annotations.slowburn.dev/condition: unknown condition "budget"`},
		},
		"op of a threshold": {[]string{"op: lte", "op: most"}, []string{"1 spec.objectives[0].op: unknown operator"}},
		"an objective that is no map": {
			[]string{"[{op: lte, value: 0.3, target: 0.99}]", "[0.99]"}, []string{"1 spec.objectives[0]: must be a map"},
		},
		"objectives that are no list": {
			[]string{"[{op: lte, value: 0.3, target: 0.99}]", "0.99"}, []string{"1 spec.objectives: must be a list"},
		},
		"objectives that are no list, which may have had the indicators": {
			[]string{"[{op: lte, value: 0.3, target: 0.99}]", "0.99", "  indicatorRef: i\n", ""}, []string{"1 spec.objectives: must be a list"},
		},
		"a spec that is no map": {
			[]string{"spec:\n  service: shop", "spec: 3\nother:\n  service: shop"},
			[]string{"1 spec: must be a map"},
		},
		"the type of a DataSource": {[]string{"type: Spans", "type: 3"}, []string{"3 spec.type: must be text"}},
		"the type of a DataSource that a source says as well": {
			[]string{"type: Spans", "type: 3", "metricSourceRef: d", "metricSourceRef: d, type: Spans"}, []string{"3 spec.type: must be text"},
		},
		"the type of a source": {[]string{"metricSourceRef: d", "type: 3"}, []string{"2 spec.thresholdMetric.metricSource.type: must be text"}},
		"the reference of a source": {
			[]string{"metricSourceRef: d", "metricSourceRef: ' d'"}, []string{`2 spec.thresholdMetric.metricSource.metricSourceRef: " d" must be`},
		},
		"a kind that nobody knows": {[]string{"kind: SLI", "kind: SIL"}, []string{`2 kind: unknown kind "SIL"`}},
		"a document without a name": {
			[]string{"{name: t}", "{}", "{name: p}", "{}"},
			[]string{"4 metadata.name: is required", "6 metadata.name: is required"},
		},
		"a document without a name, and a reference to another kind": {
			[]string{"{name: t}", "{}", "{conditionRef: c}", "{conditionRef: d}"},
			[]string{"4 spec.conditions[0].conditionRef: AlertPolicy p refers to AlertCondition d", "6 metadata.name: is required"},
		},
		"a name that two documents have": {
			[]string{"kind: AlertNotificationTarget\nmetadata: {name: t}\nspec: {target: mail}", "kind: SLI\nmetadata: {name: i}\nspec: {}", "{targetRef: t}", "{targetRef: u}"},
			[]string{
				"4 spec.notificationTargets[0].targetRef: AlertPolicy p refers to AlertNotificationTarget u",
				"6 metadata.name: the name is taken", "6 spec: needs ratioMetric or thresholdMetric",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := aSet
			for i := 0; i < len(c.edits); i += 2 {
				require.Contains(t, file, c.edits[i])
				file = strings.Replace(file, c.edits[i], c.edits[i+1], 1)
			}
			requireFaults(t, c.want, together(t, file))
		})
	}
}

// requireFaults compares faults with how each begins.
func requireFaults(t *testing.T, want, got []string) {
	t.Helper()
	require.Len(t, got, len(want), strings.Join(got, "\n"))
	for i := range want {
		require.True(t, strings.HasPrefix(got[i], want[i]), "want %s\ngot %s", want[i], got[i])
	}
}

// together reads a file and assembles its SLOs, and returns all faults as
// "document field: reason".
func together(t *testing.T, file string) []string {
	t.Helper()
	objects, _, err := openslo.Read("f.yaml", []byte(file), openslo.Lenient)
	all := faultsIn(t, err)
	find := firstOf(objects)
	for _, o := range objects {
		if o.Kind != slo.KindSLO {
			continue
		}
		_, warnings, err := openslo.Assemble(o, find)
		all = append(all, faultsIn(t, err)...)
		if len(all) > 0 {
			require.Empty(t, warnings)
			_, _, err := openslo.Parse("f.yaml", []byte(file), openslo.Lenient)
			if err == nil {
				_, _, err = openslo.Resolve(o, find)
			}
			require.Error(t, err, "what is not whole is not resolved")
		}
	}
	list := []string{}
	for _, f := range all {
		list = append(list, fmt.Sprintf("%d %s: %s", f.Document, f.Field, f.Reason))
	}
	slices.Sort(list)
	return list
}

// firstOf finds the first object of a kind and name, and what could not be read
// and may be it.
func firstOf(objects []openslo.Object) func(slo.ObjectRef) (openslo.Object, bool) {
	return func(ref slo.ObjectRef) (openslo.Object, bool) {
		for _, o := range objects {
			if o.ObjectRef == ref || o.MayBe(ref) {
				return o, true
			}
		}
		return openslo.Object{}, false
	}
}

func faultsIn(t *testing.T, err error) slo.DocumentErrors {
	t.Helper()
	if err == nil {
		return nil
	}
	var faults slo.DocumentErrors
	require.ErrorAs(t, err, &faults)
	return faults
}

func TestWhatIsKnownOfABrokenSLOCanBeCompiled(t *testing.T) {
	t.Parallel()
	const ratio = `apiVersion: openslo/v1
kind: SLO
metadata: {name: a}
spec:
  service: shop
  indicator: {metadata: {name: i}, spec: {ratioMetric: {
    total: {metricSource: {type: Spans, spec: {condition: 'one'}}},
    good: {metricSource: {type: Spans, spec: {condition: 'two'}}}}}}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 2}]
`
	const threshold = `{thresholdMetric: {metricSource: {type: Spans, spec: {condition: one, value: two}}}}`
	every := &slo.SpanSource{}
	for name, c := range map[string]struct {
		old, edit string
		want      slo.Indicator
	}{
		"all of it":               {"two", "two", slo.Indicator{Total: slo.SpanSource{Condition: "one"}, Good: &slo.SpanSource{Condition: "two"}}},
		"without what is good":    {"good: {", "goods: {", slo.Indicator{Total: slo.SpanSource{Condition: "one"}, Good: every}},
		"a condition that is not": {"'two'", "[two]", slo.Indicator{Total: slo.SpanSource{Condition: "one"}, Good: every}},
		"a condition of nothing":  {"'two'", "' '", slo.Indicator{Total: slo.SpanSource{Condition: "one"}, Good: every}},
		"a total without a type":  {"total: {metricSource: {type: Spans", "total: {metricSource: {type: 3", slo.Indicator{Good: &slo.SpanSource{Condition: "two"}}},
		"a duration below zero":   {"condition: 'two'", "maxDuration: -3s", slo.Indicator{Total: slo.SpanSource{Condition: "one"}, Good: every}},
		"no metric":               {"ratioMetric:", "ratio:", slo.Indicator{}},
		"a reference to nothing":  {"indicator: {", "indicatorRef: none\n  labels: {", slo.Indicator{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, indicatorOf(t, strings.Replace(ratio, c.old, c.edit, 1)))
		})
	}
	before, rest, _ := strings.Cut(ratio, "{ratioMetric")
	_, after, _ := strings.Cut(rest, "\n  timeWindow")
	value := before + threshold + "}\n  timeWindow" + after
	t.Run("a value that is not", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, slo.Indicator{Total: slo.SpanSource{Condition: "one"}, Value: &slo.Value{Of: "duration"}}, indicatorOf(t, strings.Replace(value, "value: two", "value: 3", 1)))
	})
	t.Run("a raw share of something", func(t *testing.T) {
		t.Parallel()
		raw := strings.Replace(strings.Replace(value, "thresholdMetric: {", "ratioMetric: {rawType: some, raw: {", 1), "two}}}}", "two}}}}}", 1)
		require.Equal(t, slo.Indicator{Total: slo.SpanSource{Condition: "one"}, Value: &slo.Value{Of: "two", Raw: slo.RawSuccess}}, indicatorOf(t, raw))
	})
}

// indicatorOf assembles the broken SLO of a file.
func indicatorOf(t *testing.T, file string) slo.Indicator {
	t.Helper()
	objects, _, err := openslo.Read("f.yaml", []byte(file), openslo.Lenient)
	require.Error(t, err)
	require.Len(t, objects, 1)
	require.True(t, objects[0].Broken)
	definition, _, err := openslo.Assemble(objects[0], firstOf(objects))
	require.Error(t, err, "it is not whole")
	return definition.Indicator
}

func TestWhatCannotBeReadMayHaveTheNamesInIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"no YAML":             {"kind: SLI\nmetadata: {name: fast\nspec: [", []string{"fast"}},
		"no YAML, with names": {"metadata:\n  name: 'a.b'\n  displayName: X\nother: {name: !!str &n c/d, names: z}\n}", []string{"a.b", "c/d"}},
		"no JSON":             {`{"kind": "SLI", "metadata": {"name" : "fast"`, []string{"fast"}},
		"an unknown kind":     {"apiVersion: openslo/v1\nkind: SIL\nmetadata: {name: fast}", []string{"fast"}},
		"text that is not":    {"a: \xff\n---\nname:\n  x\n---\nname:", []string{"x"}},
		"too much":            {strings.Repeat("# more\n", 1<<18) + "name: x", []string{"x"}},
		"without a name":      {"kind: [\nsurname-of: x", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects, _, err := openslo.Read("f.yaml", []byte(c.file), openslo.Lenient)
			require.Error(t, err)
			require.Len(t, objects, 1)
			require.Zero(t, objects[0].ObjectRef)
			require.True(t, objects[0].Broken)
			require.Equal(t, c.want, objects[0].Names)
			_, _, err = openslo.Assemble(objects[0], firstOf(nil))
			require.Equal(t, slo.DocumentErrors{}, err)
		})
	}
}

// TestAFieldThatCannotBeReadIsTheOnlyFault breaks each value of sound sets, one at
// a time: nothing that depends on it is told.
func TestAFieldThatCannotBeReadIsTheOnlyFault(t *testing.T) {
	t.Parallel()
	spans := strings.NewReplacer("type: Prometheus", "type: Spans", "query: up", "condition: up", "query: down", "condition: down")
	spansSLO := strings.Replace(spans.Replace(anSLO), "Occurrences", "Timeslices", 1)
	spansSLO = strings.Replace(spansSLO, "target: 0.99", "target: 0.99, timeSliceTarget: 0.9, timeSliceWindow: 5m", 1)
	annotated := strings.Replace(aPolicy, "{name: p}", "{name: p, annotations: {slowburn.dev/condition: budget-drop, slowburn.dev/min-bad: '3'}}", 1)
	threshold := strings.Replace(spans.Replace(aThreshold), "condition: up", "condition: up, value: duration", 1)
	composite := compositeOf("Occurrences", "{target: 0.9, indicatorRef: i}, {target: 0.99, compositeWeight: 2, indicatorRef: i}")
	for name, documents := range map[string][]string{
		"a set of references": strings.Split(aSet, "---\n"),
		"an SLO with slices":  {spansSLO, annotated, aTarget},
		"a threshold":         {threshold},
		"a composite":         {composite, spans.Replace(anSLI), spans.Replace(aDataSource)},
		"a raw share":         {composite, strings.Replace(spans.Replace(aRaw), "condition: up", "condition: up, value: up", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, together(t, strings.Join(documents, "---\n")))
			broken := 0
			for i := range documents {
				for _, wrong := range []string{"[[odd]]", "3", "odd text"} {
					broken += breakEach(t, documents, i, wrong)
				}
			}
			require.Greater(t, broken, 20)
		})
	}
}

// breakEach puts something in the place of each value of a document, and says how
// many of those cannot be read.
func breakEach(t *testing.T, documents []string, which int, wrong string) (broken int) {
	t.Helper()
	for n := 0; ; n++ {
		var root, instead yaml.Node
		require.NoError(t, yaml.Unmarshal([]byte(documents[which]), &root))
		require.NoError(t, yaml.Unmarshal([]byte(wrong), &instead))
		values := valuesOf(root.Content[0])
		if n == len(values) {
			return broken
		}
		*values[n] = *instead.Content[0]
		text, err := yaml.Marshal(root.Content[0])
		require.NoError(t, err)
		edited := slices.Clone(documents)
		edited[which] = string(text)
		file := strings.Join(edited, "---\n")
		_, _, err = openslo.Read("f.yaml", []byte(file), openslo.Lenient)
		if read := faultsIn(t, err); len(read) > 0 {
			broken++
			all := together(t, file)
			require.Len(t, all, len(read), "%s\nof\n%s", strings.Join(all, "\n"), file)
		}
	}
}

// valuesOf are all values below a node, those of maps without their keys.
func valuesOf(node *yaml.Node) []*yaml.Node {
	var all []*yaml.Node
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		all = append(append(all, child), valuesOf(child)...)
	}
	return all
}
