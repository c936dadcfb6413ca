package openslo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// fault is what a test expects of a slo.DocumentError.
type fault struct {
	line          int
	field, reason string
}

// refusals parses a file that is wrong.
func refusals(t *testing.T, file string) slo.DocumentErrors {
	t.Helper()
	documents, _, err := openslo.Parse("slos/f.yaml", []byte(file), openslo.Strict)
	require.Nil(t, documents)
	var faults slo.DocumentErrors
	require.ErrorAs(t, err, &faults)
	require.NotEmpty(t, faults)
	for _, f := range faults {
		require.Equal(t, "slos/f.yaml", f.File)
	}
	return faults
}

// change is one edit of the example, and what it is answered with.
type change struct {
	old, new string
	want     []fault
}

func refuse(t *testing.T, changes map[string]change) {
	t.Helper()
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(example(t), c.old), "the edit is ambiguous")
			var got []fault
			for _, f := range refusals(t, strings.Replace(example(t), c.old, c.new, 1)) {
				require.Equal(t, 1, f.Document)
				got = append(got, fault{f.Line, f.Field, f.Reason})
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestRefusedHeads(t *testing.T) {
	t.Parallel()
	const versionUnsupported = "apiVersion %s is not supported: write openslo/v1"
	const kinds = "DataSource, Service, SLI, SLO, AlertPolicy, AlertCondition or AlertNotificationTarget"
	changes := map[string]change{
		"a dialect's version":    {"openslo/v1", "openslo.com/v1", []fault{{1, "apiVersion", "is no version of OpenSLO: write openslo/v1"}}},
		"the next version":       {"openslo/v1", "openslo.com/v2alpha", []fault{{1, "apiVersion", fmt.Sprintf(versionUnsupported, "openslo.com/v2alpha")}}},
		"the version before":     {"openslo/v1", "openslo/v1alpha", []fault{{1, "apiVersion", fmt.Sprintf(versionUnsupported, "openslo/v1alpha")}}},
		"an unknown version":     {"openslo/v1", "v1", []fault{{1, "apiVersion", `unknown apiVersion "v1": write openslo/v1`}}},
		"no version":             {"apiVersion: openslo/v1\n", "", []fault{{1, "apiVersion", "is required"}}},
		"a kind in lower case":   {"kind: SLO", "kind: slo", []fault{{2, "kind", `unknown kind "slo": write ` + kinds}}},
		"a kind that is no text": {"kind: SLO", "kind: 7", []fault{{2, "kind", "must be text, found the number 7: put it in quotes"}}},
		"no metadata":            {"metadata:\n  name: checkout-fast\n  displayName: Checkout answers within 300 ms\n", "", []fault{{1, "metadata", "is required"}}},
		"metadata that is no map": {"metadata:\n  name: checkout-fast\n  displayName: Checkout answers within 300 ms\n", "metadata: [x]\n", []fault{
			{3, "metadata", "must be a map, found a list"},
		}},
		"an empty metadata":      {"metadata:\n  name: checkout-fast\n  displayName: Checkout answers within 300 ms\n", "metadata: {}\n", []fault{{3, "metadata.name", "is required"}}},
		"a field beside spec":    {"kind: SLO", "kind: SLO\nstatus: {}", []fault{{3, "status", "unknown field: known are apiVersion, kind, metadata, spec"}}},
		"a field one letter off": {"displayName", "displyName", []fault{{5, "metadata.displyName", "unknown field: do you mean displayName?"}}},
		"a name in upper case": {"name: checkout-fast\n  d", "name: Checkout\n  d", []fault{
			{4, "metadata.name", `"Checkout" should be 1 to 63 of a-z, 0-9 and -, and begin and end with a letter or digit`},
		}},
		"a name that is a number":     {"name: checkout-fast\n  d", "name: 12\n  d", []fault{{4, "metadata.name", "must be text, found the number 12: put it in quotes"}}},
		"a name that is a date":       {"name: checkout-fast\n  d", "name: 2026-01-01\n  d", []fault{{4, "metadata.name", "must be text, found the date 2026-01-01: put it in quotes"}}},
		"a name that is a list":       {"name: checkout-fast\n  d", "name: [a]\n  d", []fault{{4, "metadata.name", "must be text, found a list"}}},
		"a name of another type":      {"name: checkout-fast\n  d", "name: !secret a\n  d", []fault{{4, "metadata.name", `must be text, found a value tagged "!secret": put it in quotes`}}},
		"a display name of 64":        {"Checkout answers within 300 ms", strings.Repeat("ä", 64), []fault{{5, "metadata.displayName", "has 64 characters, more than the limit of 63"}}},
		"a display name of two lines": {"Checkout answers within 300 ms", `"a\nb"`, []fault{{5, "metadata.displayName", `must be one line without tabs, found the text "a\nb"`}}},
		"a display name with a bell":  {"Checkout answers within 300 ms", `"a\ab"`, []fault{{5, "metadata.displayName", "holds the control character U+0007"}}},
		"a field twice":               {"kind: SLO", "kind: SLO\nkind: SLO", []fault{{3, "kind", "is written twice, first on line 2: keep one"}}},
		"a merge key of text":         {"  name: checkout-fast\n", "  name: checkout-fast\n  <<: [{displayName: x}, y]\n", []fault{{5, "metadata", `the key must be text, found a value tagged "!!merge" (a merge key): it merges a map, or a list of maps`}}},
		"a key that is a list":        {"  name: checkout-fast\n", "  name: checkout-fast\n  [a]: b\n", []fault{{5, "metadata", "the key must be text, found a list"}}},
	}
	refuse(t, changes)
}

func TestRefusedLabelsAndAnnotations(t *testing.T) {
	t.Parallel()
	const labelKey = "a key of labels must be 1 to 63 letters, digits and -_., and begin and end with a letter or digit"
	const annotationKey = "a key of annotations must be 1 to 63 letters, digits and -_., and begin and end with a letter or digit; " +
		"a domain and a slash may stand before it, as in slowburn.dev/owner"
	many := "{"
	for i := range 65 {
		many += fmt.Sprintf("k%d: v, ", i)
	}
	many += "}"
	at := func(text string) (old, new string) { return "  displayName", "  " + text + "\n  displayName" }
	changes := map[string]change{}
	for name, c := range map[string]struct {
		text string
		want fault
	}{
		"labels that are a list":              {"labels: [a]", fault{5, "metadata.labels", "must be a map, found a list"}},
		"65 labels":                           {"labels: " + many, fault{5, "metadata.labels", "has 65 entries, more than the limit of 64"}},
		"a label that is a number":            {"labels: {a: 1}", fault{5, "metadata.labels.a", "must be text, found the number 1: put it in quotes"}},
		"a label that is a map":               {"labels: {a: {}}", fault{5, "metadata.labels.a", "must be text, found a map"}},
		"a label without a value":             {"labels: {a: }", fault{5, "metadata.labels.a", "is required"}},
		"a number in a list of a label":       {"labels: {a: [b, true]}", fault{5, "metadata.labels.a[1]", "must be text, found true: put it in quotes"}},
		"nothing in a list of a label":        {"labels: {a: [b, ~]}", fault{5, "metadata.labels.a[1]", "must not be empty"}},
		"a label of 256":                      {"labels: {a: " + strings.Repeat("x", 256) + "}", fault{5, "metadata.labels.a", "has 256 characters, more than the limit of 255"}},
		"a key of a label that is empty":      {`labels: {"": a}`, fault{5, `metadata.labels.""`, labelKey}},
		"a key of a label with a slash":       {"labels: {a/b: c}", fault{5, "metadata.labels.a/b", labelKey}},
		"a key of a label with a space":       {"labels: {a b: c}", fault{5, `metadata.labels."a b"`, labelKey}},
		"a key of a label of 64":              {"labels: {" + strings.Repeat("x", 64) + ": c}", fault{5, "metadata.labels." + strings.Repeat("x", 60) + "...", labelKey}},
		"a key of a label that ends badly":    {"labels: {a-: c}", fault{5, "metadata.labels.a-", labelKey}},
		"a label twice":                       {"labels: {a: b, a: c}", fault{5, "metadata.labels.a", "is written twice, first on line 5: keep one"}},
		"annotations that are text":           {"annotations: a", fault{5, "metadata.annotations", `must be a map, found the text "a"`}},
		"an annotation that is a list":        {"annotations: {a: [b]}", fault{5, "metadata.annotations.a", "must be text, found a list"}},
		"an annotation with two slashes":      {"annotations: {a/b/c: d}", fault{5, "metadata.annotations.a/b/c", annotationKey}},
		"an annotation with a bad domain":     {"annotations: {a..b/c: d}", fault{5, "metadata.annotations.a..b/c", annotationKey}},
		"an annotation with no domain":        {"annotations: {/c: d}", fault{5, "metadata.annotations./c", annotationKey}},
		"an annotation of 4097":               {"annotations: {c: " + strings.Repeat("x", 4097) + "}", fault{5, "metadata.annotations.c", "has 4097 characters, more than the limit of 4096"}},
		"an annotation that is a number":      {"annotations: {slowburn.dev/x: 5}", fault{5, "metadata.annotations.slowburn.dev/x", "must be text, found the number 5: put it in quotes"}},
		"an annotation whose key is a number": {"annotations: {5: x}", fault{5, "metadata.annotations", "the key must be text, found the number 5"}},
	} {
		old, edit := at(c.text)
		changes[name] = change{old, edit, []fault{c.want}}
	}
	refuse(t, changes)
}

func TestRefusedSpecs(t *testing.T) {
	t.Parallel()
	const noWindow = "must have one item, as in [{duration: 28d, isRolling: true}]"
	const window = "[{duration: 28d, isRolling: true}]"
	const noDuration = " is not a duration: write a positive whole number and one of m, h, d, w, M, Q, Y, as in 28d"
	refuse(t, map[string]change{
		"no service":               {"  service: checkout\n", "", []fault{{7, "spec.service", "is required"}}},
		"an empty service":         {"  service: checkout\n", "  service: ' '\n", []fault{{7, "spec.service", "must not be empty"}}},
		"a service of 256":         {"  service: checkout\n", "  service: " + strings.Repeat("s", 256) + "\n", []fault{{7, "spec.service", "has 256 characters, more than the limit of 255"}}},
		"a description of 1051":    {"  service: checkout\n", "  service: s\n  description: " + strings.Repeat("s", 1051) + "\n", []fault{{8, "spec.description", "has 1051 characters, more than the limit of 1050"}}},
		"a misspelled field":       {"timeWindow", "timewindow", []fault{{7, "spec.timeWindow", noWindow}, {21, "spec.timewindow", "unknown field: do you mean timeWindow?"}}},
		"two letters exchanged":    {"  service", "  sevrice", []fault{{7, "spec.sevrice", "unknown field: do you mean service?"}, {7, "spec.service", "is required"}}},
		"a later field misspelled": {"  service: checkout\n", "  service: s\n  indicatorref: x\n", []fault{{8, "spec.indicatorref", "unknown field: do you mean indicatorRef?"}}},
		"no budgeting method":      {"  budgetingMethod: Occurrences\n", "", []fault{{7, "spec.budgetingMethod", "is required"}}},
		"Timeslices":               {"Occurrences", "Timeslices", []fault{{23, "spec.objectives[0].timeSliceTarget", "is required"}, {23, "spec.objectives[0].timeSliceWindow", "is required"}}},
		"RatioTimeslices":          {"Occurrences", "RatioTimeslices", []fault{{23, "spec.objectives[0].timeSliceWindow", "is required"}}},
		"an unknown method":        {"Occurrences", "Periods", []fault{{22, "spec.budgetingMethod", `unknown budgetingMethod "Periods": write Occurrences, Timeslices or RatioTimeslices`}}},

		"no window":                   {"timeWindow: " + window, "timeWindow: ", []fault{{21, "spec.timeWindow", noWindow}}},
		"no window in the list":       {window, "[]", []fault{{21, "spec.timeWindow", noWindow}}},
		"two windows":                 {window, "[{duration: 28d, isRolling: true}, {duration: 7d, isRolling: true}]", []fault{{21, "spec.timeWindow", "has 2 items, more than the limit of 1"}}},
		"a window that is a map":      {window, "{duration: 28d}", []fault{{21, "spec.timeWindow", "must be a list, found a map"}}},
		"a window that is text":       {window, "[28d]", []fault{{21, "spec.timeWindow[0]", `must be a map, found the text "28d"`}}},
		"a window that rolls not":     {"isRolling: true", "isRolling: false", []fault{{21, "spec.timeWindow[0].isRolling", "must be true without a calendar"}}},
		"a window that says not":      {", isRolling: true", "", []fault{{21, "spec.timeWindow[0].isRolling", "must be true without a calendar"}}},
		"a rolling text":              {"isRolling: true", "isRolling: yes", []fault{{21, "spec.timeWindow[0].isRolling", `must be true or false, found the text "yes"`}}},
		"no duration":                 {"duration: 28d, ", "", []fault{{21, "spec.timeWindow[0].duration", "is required"}}},
		"a duration of 0":             {"28d", "0d", []fault{{21, "spec.timeWindow[0].duration", `"0d"` + noDuration}}},
		"a duration in Go's form":     {"28d", "1h30m", []fault{{21, "spec.timeWindow[0].duration", `"1h30m"` + noDuration}}},
		"a duration that is a number": {"28d", "28", []fault{{21, "spec.timeWindow[0].duration", "must be text, found the number 28: put it in quotes"}}},
	})
}

func TestRefusedObjectives(t *testing.T) {
	t.Parallel()
	const field = "spec.objectives[0]"
	changes := map[string]change{
		"65 of them": {"[{target: 0.999}]", "[" + strings.Repeat("{target: 0.9},", 65) + "]", []fault{{23, "spec.objectives", "has 65 items, more than the limit of 64"}}},
		"two that are wrong": {"[{target: 0.999}]", "\n    - target: 1\n    - target: 0.9\n    - target: 2", []fault{
			{24, "spec.objectives[0].target", "target 1 must be at least 0 and below 1: a budget must remain"},
			{26, "spec.objectives[2].target", "target 2 must be at least 0 and below 1: a budget must remain"},
		}},
	}
	for name, c := range map[string]struct {
		text string
		want fault
	}{
		"an objective that is a number":    {"0.999", fault{23, field, "must be a map, found the number 0.999"}},
		"an objective that is nothing":     {"~", fault{23, field, "must not be empty"}},
		"no target":                        {"{}", fault{23, field, "needs target (0.999) or targetPercent (99.9)"}},
		"both targets":                     {"{target: 0.9, targetPercent: 90}", fault{23, field, "has both target and targetPercent: keep one"}},
		"a target that is text":            {"{target: '0.999'}", fault{23, field + ".target", `must be a number, found the text "0.999"`}},
		"a target that is a list":          {"{target: [0.9]}", fault{23, field + ".target", "must be a number, found a list"}},
		"a target that is not a number":    {"{target: .nan}", fault{23, field + ".target", `target ".nan" is not a decimal number`}},
		"a target with an exponent":        {"{target: 1e-999999}", fault{23, field + ".target", `target "1e-999999" has too long an exponent: write its digits`}},
		"a target of 33 digits":            {"{target: 0.9999999999999999999999999999999}", fault{23, field + ".target", `target "0.999999999999999999999999999999"... is too long: write a number in at most 32 characters, this one has 33`}},
		"a negative target":                {"{target: -0.1}", fault{23, field + ".target", "target -0.1 must be at least 0 and below 1: a budget must remain"}},
		"a target percent of 100":          {"{targetPercent: 100}", fault{23, field + ".targetPercent", "targetPercent 100 must be at least 0 and below 100: a budget must remain"}},
		"a target of ten decimals":         {"{target: 0.9999999999}", fault{23, field + ".target", "target 0.9999999999 has more than nine decimals"}},
		"a display name that is a number":  {"{target: 0.9, displayName: 3}", fault{23, field + ".displayName", "must be text, found the number 3: put it in quotes"}},
		"an unknown field of an objective": {"{target: 0.9, goal: 1}", fault{23, field + ".goal", "unknown field: known are displayName, op, value, target, targetPercent, timeSliceTarget, timeSliceWindow, indicator, indicatorRef, compositeWeight"}},
	} {
		changes[name] = change{"[{target: 0.999}]", "[" + c.text + "]", []fault{c.want}}
	}
	refuse(t, changes)
}

func TestRefusedIndicators(t *testing.T) {
	t.Parallel()
	const ratio = "spec.indicator.spec.ratioMetric"
	const empty = "needs indicator or indicatorRef, here or in each of its objectives"
	const noDuration = "must be a duration above 0 such as 300ms, 1.5s or 2m, found "
	good := "        good:\n          metricSource:\n            type: Spans\n            spec: {condition: 'span.status.code != STATUS_CODE_ERROR', maxDuration: 300ms}\n"
	total := strings.NewReplacer("good:", "total:", "condition: 'span.status.code != STATUS_CODE_ERROR', maxDuration: 300ms", "service: checkout, condition: 'span.kind == SPAN_KIND_SERVER'").Replace(good)
	all := "    spec:\n      ratioMetric:\n        counter: true\n" + total + good
	refuse(t, map[string]change{
		"no indicator":              {"  indicator:\n    metadata: {name: checkout-fast}\n" + all, "", []fault{{7, "spec", empty}}},
		"no name":                   {"    metadata: {name: checkout-fast}\n", "", []fault{{9, "spec.indicator.metadata", "is required"}}},
		"a bad name":                {"{name: checkout-fast}", "{name: a.b}", []fault{{9, "spec.indicator.metadata.name", `"a.b" should be 1 to 63 of a-z, 0-9 and -, and begin and end with a letter or digit`}}},
		"no spec":                   {all, "", []fault{{9, "spec.indicator.spec", "is required"}}},
		"an empty spec":             {all, "    spec: {}\n", []fault{{10, "spec.indicator.spec", "needs ratioMetric or thresholdMetric"}}},
		"a counter that is text":    {"counter: true", "counter: 'true'", []fault{{12, ratio + ".counter", `must be true or false, found the text "true"`}}},
		"no total":                  {total, "", []fault{{12, ratio, "needs total beside good or bad, or raw alone"}}},
		"neither good nor bad":      {good, "", []fault{{12, ratio, "needs good or bad beside total"}}},
		"both good and bad":         {good, good + strings.Replace(good, "good", "bad", 1), []fault{{12, ratio, "has both good and bad: keep one"}}},
		"no source":                 {good, "        good: {}\n", []fault{{17, ratio + ".good.metricSource", "is required"}}},
		"no spec of a source":       {good, "        good: {metricSource: {type: Spans}}\n", []fault{{17, ratio + ".good.metricSource.spec", "is required"}}},
		"an empty spec of a source": {good, "        good: {metricSource: {type: Spans, spec: {}}}\n", []fault{{17, ratio + ".good.metricSource.spec", "needs at least one of service, condition and maxDuration; the condition 'true' selects every span"}}},
		"a query":                   {"maxDuration: 300ms", "query: up", []fault{{20, ratio + ".good.metricSource.spec.query", "unknown field: known are service, condition, maxDuration"}}},
		"an empty condition":        {"'span.status.code != STATUS_CODE_ERROR'", "' '", []fault{{20, ratio + ".good.metricSource.spec.condition", "must not be empty: leave it out to select every span"}}},
		"a condition that is true":  {"'span.status.code != STATUS_CODE_ERROR'", "true", []fault{{20, ratio + ".good.metricSource.spec.condition", "must be text, found true: put it in quotes"}}},
		"a condition of 4097":       {"'span.status.code != STATUS_CODE_ERROR'", strings.Repeat("x", 4097), []fault{{20, ratio + ".good.metricSource.spec.condition", "has 4097 characters, more than the limit of 4096"}}},
		"a duration of zero":        {"300ms", "0s", []fault{{20, ratio + ".good.metricSource.spec.maxDuration", noDuration + `"0s"`}}},
		"a duration without a unit": {"maxDuration: 300ms", "maxDuration: 300", []fault{{20, ratio + ".good.metricSource.spec.maxDuration", noDuration + "the number 300"}}},
		"a negative duration":       {"300ms", "-1s", []fault{{20, ratio + ".good.metricSource.spec.maxDuration", noDuration + `"-1s"`}}},
		"a duration of words":       {"300ms", "fast", []fault{{20, ratio + ".good.metricSource.spec.maxDuration", noDuration + `"fast"`}}},
		"a service apart":           {"maxDuration: 300ms", "service: cart", []fault{{20, ratio + ".good.metricSource.spec.service", `is "cart", but total selects "checkout": no span would match; leave it out`}}},
		"an empty service":          {"maxDuration: 300ms", "service: ''", []fault{{20, ratio + ".good.metricSource.spec.service", "must not be empty"}}},
	})
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	syntax := "is not valid YAML: "
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	for name, c := range map[string]struct {
		file     string
		document int
		fault
	}{
		"a file above 1 MiB": {file: strings.Repeat("#", 1<<20+1), fault: fault{0, "", "holds 1048577 bytes, more than the limit of 1048576 (1 MiB): divide it into several files"}},
		"10 001 documents":   {file: strings.Repeat("--- a\n", 10_001), fault: fault{0, "", "holds more than 10000 documents, the limit: divide it into several files"}},
		"Latin-1":            {file: "a: b\nc: \xe4\n", fault: fault{2, "", "is not UTF-8 text: save the file in UTF-8"}},
		"a zero byte":        {file: "a: b\n\n\x00\n", fault: fault{3, "", "holds the control character U+0000: remove it"}},

		"a line out of place":   {named("a") + "\n---\na:\n  b: c\n d: e\n", 2, fault{5, "", syntax + "did not find expected key"}},
		"an open bracket":       {named("a") + "\n---\na: b\nc: [1, 2\nd: e\n", 2, fault{4, "", syntax + "did not find expected ',' or ']'"}},
		"a colon too many":      {"a: b\nc: d\n  e: f\n", 1, fault{3, "", syntax + "mapping values are not allowed in this context"}},
		"a tab":                 {"a: b\n\tc: d\n", 1, fault{2, "", syntax + "found a tab character that violates indentation"}},
		"an unknown anchor":     {"a: b\nc: *x\n", 1, fault{2, "", syntax + "an alias (*) stands for an anchor (&) that is not there; text that begins with * needs quotes"}},
		"JSON cut short":        {"{\"a\": [\n1,\n", 1, fault{2, "", syntax + "did not find expected node content"}},
		"lone carriage returns": {"a: b\r---\rc: d", 1, fault{1, "", syntax + "a second document follows without --- on a line of its own"}},

		"a document of text":       {"a\n", 1, fault{1, "", `must be a map, found the text "a"`}},
		"a list in a list":         {"- []\n", 1, fault{1, "", "must be a map, found a list"}},
		"a JSON list of numbers":   {"[\n7]", 1, fault{2, "", "must be a map, found the number 7"}},
		"a deep document":          {"a: " + deep, 1, fault{1, "", "is nested deeper than 64 levels"}},
		"a deep document in JSON":  {deep, 1, fault{1, "", "is nested deeper than 64 levels"}},
		"an anchor within itself":  {"&a [*a]", 1, fault{1, "", "is nested deeper than 64 levels"}},
		"an alias bomb":            {bomb(), 1, fault{1, "", "its aliases expand to more than 10000 values: write them out"}},
		"a name twice in one file": {named("a") + "\n---\n" + named("b") + "\n---\n" + named("a"), 3, fault{5, "metadata.name", "the name is taken by document 1, line 1: give each SLO a name of its own"}},
		"a name twice in JSON": {"[" + jsonNamed("a") + "," + jsonNamed("a") + "]", 2, fault{
			5, "metadata.name", "the name is taken by document 1, line 1: give each SLO a name of its own",
		}},
		"a field twice in JSON": {strings.Replace(jsonNamed("a"), `"kind": "SLO"`, "\"kind\": \"SLO\",\n\"kind\": \"SLI\"", 1), 1, fault{2, "kind", "is written twice, first on line 1: keep one"}},
		"a zero byte in JSON":   {strings.Replace(jsonNamed("a"), `"service": "s", "i`, "\"service\": \"\\u0000\", \"i", 1), 1, fault{2, "spec.service", "holds the control character U+0000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			got := refusals(t, c.file)[0]
			require.Equal(t, c.document, got.Document)
			require.Equal(t, fault{got.Line, got.Field, got.Reason}, c.fault)
			require.Less(t, time.Since(begin), 20*time.Second)
		})
	}
}

// bomb stands for 10^9 values in a few lines.
func bomb() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		text += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return text
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	got := refusals(t, "kind: SLO\n---\na: [\n---\n- kind: SLI\n-\n- "+named("UPPER")+"\n---\n"+named("fine")+"\n---\n7\n")
	var lines []string
	for _, f := range got {
		lines = append(lines, f.Error())
	}
	require.Equal(t, []string{
		"slos/f.yaml:1: document 1: SLO: apiVersion: is required",
		"slos/f.yaml:1: document 1: SLO: metadata: is required",
		"slos/f.yaml:1: document 1: SLO: spec: is required",
		"slos/f.yaml:3: document 2: is not valid YAML: did not find expected node content",
		"slos/f.yaml:5: document 3: SLI: apiVersion: is required",
		"slos/f.yaml:5: document 3: SLI: metadata: is required",
		"slos/f.yaml:5: document 3: SLI: spec: is required",
		`slos/f.yaml:7: document 4: SLO UPPER: metadata.name: "UPPER" should be 1 to 63 of a-z, 0-9 and -, and begin and end with a letter or digit`,
		`slos/f.yaml:11: document 6: must be a map, found the number 7`,
	}, lines)
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	got := refusals(t, strings.Repeat("--- a\n", 5_000))
	require.Len(t, got, 1_000)
	require.Contains(t, got[999].Reason, "more faults follow")
}
