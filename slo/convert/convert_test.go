package convert_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/convert"
)

var update = flag.Bool("update", false, "rewrite the golden files")

type converter func(file string, data []byte) ([]byte, []string, error)

func TestExamplesAreConverted(t *testing.T) {
	t.Parallel()
	for name, conversion := range map[string]converter{
		"sloth": convert.Sloth, "sloth-kubernetes": convert.Sloth, "pyrra": convert.Pyrra,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
			require.NoError(t, err)
			out, notes, err := conversion(name+".yaml", data)
			require.NoError(t, err)
			requireOpenSLO(t, out)
			golden(t, name+".openslo.golden.yaml", out)
			golden(t, name+".notes.golden.txt", []byte(strings.Join(notes, "\n")+"\n"))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

const (
	slothHead = "version: prometheus/v1\nservice: s\nslos:\n"
	events    = "sli: {events: {error_query: 'a[{{.window}}]', total_query: 'b[{{.window}}]'}}"
	pyrraHead = "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: n}\n"
	ratio     = "indicator: {ratio: {errors: {metric: a}, total: {metric: b}}}"
)

func TestFaultsAreNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		convert converter
		text    string
		fault   string // one of the faults
	}{
		"nothing at all":         {convert.Sloth, "", "f.yaml: holds no objective"},
		"empty documents":        {convert.Pyrra, "---\n---\nnull\n", "f.yaml: holds no objective"},
		"no YAML":                {convert.Sloth, "a: [", "f.yaml:1: document 1: cannot be read as YAML: did not find expected node content"},
		"too much":               {convert.Sloth, strings.Repeat("#", 1<<20+1), "f.yaml: has 1048577 bytes, of which at most 1048576 are read"},
		"too many documents":     {convert.Sloth, strings.Repeat("---\nnull\n", 1001), "document 1001: is one of more than 1000 documents"},
		"something else":         {convert.Sloth, "a: 1", "f.yaml:1: document 1: is not of Sloth"},
		"a list":                 {convert.Sloth, "[1]", "f.yaml:1: document 1: must be an object, found a list"},
		"another version":        {convert.Sloth, "version: prometheus/v2", `document 1: version: is "prometheus/v2": prometheus/v1 is read`},
		"no SLO":                 {convert.Sloth, "version: prometheus/v1\nservice: s\n", "f.yaml:1: document 1: slos: is required"},
		"no service":             {convert.Sloth, "version: prometheus/v1\nslos: []\n", "service: is required"},
		"the second document":    {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + "}\n---\n\na: 1", "f.yaml:7: document 2: is not of Sloth"},
		"no name":                {convert.Sloth, slothHead + "- {objective: 9}", "f.yaml:4: document 1: slos[0].name: is required"},
		"no objective":           {convert.Sloth, slothHead + "- {name: a, " + events + "}", "SLO a: slos[0].objective: is required"},
		"all must be good":       {convert.Sloth, slothHead + "- {name: a, objective: 100, " + events + "}", "must be at least 0 and below 100"},
		"an objective in words":  {convert.Sloth, slothHead + "- {name: a, objective: high, " + events + "}", `targetPercent "high" is not a decimal number`},
		"a plugin":               {convert.Sloth, slothHead + "- {name: a, objective: 9, sli: {plugin: {id: acme/availability}}}", "slos[0].sli.plugin: is the plugin acme/availability of Sloth"},
		"a chain of plugins":     {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + ", plugins: {chain: [{id: acme/x}]}}", "slos[0].plugins.chain[0]: is the plugin acme/x"},
		"plugins of all":         {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + "}\nslo_plugins: {chain: [{id: acme/x}]}", "slo_plugins.chain[0]: is the plugin acme/x"},
		"two indicators":         {convert.Sloth, slothHead + "- {name: a, objective: 9, sli: {raw: {error_ratio_query: a}, events: {}}}", "must have exactly one of events, raw and plugin, has 2"},
		"no query":               {convert.Sloth, slothHead + "- {name: a, objective: 9, sli: {events: {error_query: a}}}", "slos[0].sli.events.total_query: is required"},
		"a query that is a list": {convert.Sloth, slothHead + "- {name: a, objective: 9, sli: {raw: {error_ratio_query: [a]}}}", "error_ratio_query: must be a text, found a list"},
		"an alias":               {convert.Sloth, slothHead + "- &x {name: a, objective: 9, " + events + "}\n- *x", "f.yaml:5: document 1: slos[1]: is an alias of YAML"},
		"a merge":                {convert.Sloth, slothHead + "- {<<: {name: a}, objective: 9}", "write out what is merged"},
		"twice, in both ways":    {convert.Sloth, slothHead + "- {name: a, objective: 9, sli: {events: {error_query: a, errorQuery: a}}}", "errorQuery: is given twice"},
		"a name without letters": {convert.Sloth, "version: prometheus/v1\nservice: é\nslos: [{name: é, objective: 9, " + events + "}]", `the name "é-é" has no letter or digit`},
		"a control character":    {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + ", labels: {a: \"\\a\"}}", "slos[0].labels.a: holds the control character U+0007"},
		"the same name": {
			convert.Sloth, slothHead + "- {name: A b, objective: 9, " + events + "}\n- {name: a-b, objective: 9, " + events + "}",
			"f.yaml:5: document 1: SLO a-b: slos[1].name: the name s-a-b is that of the SLO in line 4, too",
		},
		"a switch in words":        {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + ", alerting: {page_alert: {disable: yea}}}", "disable: must be true or false"},
		"another kind":             {convert.Pyrra, "apiVersion: v1\nkind: List", `is "List" of "v1": ServiceLevelObjective of pyrra.dev/v1alpha1 is read`},
		"no target":                {convert.Pyrra, pyrraHead + "spec: {window: 4w, " + ratio + "}", "f.yaml:4: document 1: SLO n: spec.target: is required"},
		"no window":                {convert.Pyrra, pyrraHead + "spec: {target: '9', " + ratio + "}", "spec.window: is required"},
		"a window in words":        {convert.Pyrra, pyrraHead + "spec: {target: '9', window: month, " + ratio + "}", `"month" is not a window from 1h to 400d`},
		"a window too long":        {convert.Pyrra, pyrraHead + "spec: {target: '9', window: 999999y999999w, " + ratio + "}", "is not a window from 1h to 400d"},
		"no spec":                  {convert.Pyrra, pyrraHead, "spec.window: is required"},
		"no indicator":             {convert.Pyrra, pyrraHead + "spec: {target: '9', window: 4w}", "must have exactly one of ratio, latency, latencyNative and bool_gauge, has 0"},
		"two indicators of Pyrra":  {convert.Pyrra, pyrraHead + "spec: {target: '9', window: 4w, indicator: {ratio: {}, latency: {}}}", "has 2"},
		"a metric that is a query": {convert.Pyrra, pyrraHead + "spec: {target: '9', window: 4w, indicator: {bool_gauge: {metric: 'sum(up)'}}}", `"sum(up)" is not a bare selector`},
		"a latency in words":       {convert.Pyrra, pyrraHead + "spec: {target: '9', window: 4w, indicator: {latencyNative: {latency: fast, total: {metric: a}}}}", `"fast" is not a duration`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, _, err := test.convert("f.yaml", []byte(test.text))
			require.Empty(t, out)
			var faults slo.DocumentErrors
			require.ErrorAs(t, err, &faults)
			require.ErrorContains(t, err, test.fault)
			for _, fault := range faults {
				require.Equal(t, "f.yaml", fault.File)
				require.NotEmpty(t, fault.Reason)
			}
		})
	}
}

func TestWhatIsNotCarriedOverIsNoted(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1100)
	var many string
	for i := range 70 {
		many += fmt.Sprintf("k%03d: v,", i)
	}
	for name, test := range map[string]struct {
		convert converter
		text    string
		note    string
	}{
		"a field that nobody knows":   {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + ", colour: red, size: 1}", "f.yaml:4: document 1: slos[0]: not carried over: colour, size"},
		"a long description":          {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + ", description: " + long + "}", "has 1100 characters and is cut after 1050"},
		"a long name":                 {convert.Sloth, slothHead + "- {name: " + long + ", objective: 9, " + events + "}", "OpenSLO's names are of a-z"},
		"a label of another alphabet": {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + ", labels: {é: b}}", `"é" is left out: no part of it can be a key`},
		"a query without a window":    {convert.Sloth, slothHead + "- {name: a, objective: 9, sli: {raw: {error_ratio_query: a}}}", "has no {{.window}}"},
		"no receiver":                 {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + "}", "alerts go to the receiver alertmanager"},
		"no service":                  {convert.Pyrra, pyrraHead + "spec: {target: '9', window: 4w, " + ratio + "}", "the SLO belongs to the service n, its own name"},
		"alerts that are disabled":    {convert.Pyrra, pyrraHead + "spec: {target: '9', window: 4w, " + ratio + ", alerting: {disabled: true}}", "keeps Slowburn's default policy away"},
		"a window of an hour":         {convert.Pyrra, pyrraHead + "spec: {target: '9', window: 60m, " + ratio + "}", "shorter than a minute are one minute"},
		"a label of many words":       {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + ", labels: {a: " + long + "}}", "slos[0].labels.a: is put in one line of at most 255 characters"},
		"too many labels":             {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + ", labels: {" + many + "}}", "of 70 entries the first 64 are carried over, up to k063"},
		"a burn rate that never is":   {convert.Pyrra, pyrraHead + "spec: {target: '90', window: 4w, " + ratio + "}", "the alert of 1h is left out: a burn rate above 14 can never be at a target of 90 %"},
		"no budget that matters":      {convert.Sloth, slothHead + "- {name: a, objective: 0, " + events + "}", "no alert is left"},
		"queries of Prometheus":       {convert.Sloth, slothHead + "- {name: a, objective: 9, " + events + "}", "f.yaml: the queries are for Prometheus"},
		"a name of missing metrics":   {convert.Pyrra, pyrraHead + "spec: {target: '9', window: 4w, " + ratio + ", alerting: {absentName: A}}", "spec.alerting.absentName: is not carried over"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, notes, err := test.convert("f.yaml", []byte(test.text))
			require.NoError(t, err)
			requireOpenSLO(t, out)
			require.Contains(t, strings.Join(notes, "\n"), test.note)
		})
	}
}

func TestWhatHoldsForAFileIsNotedOnce(t *testing.T) {
	t.Parallel()
	text := slothHead + "- {name: a, objective: 99, " + events + "}\n- {name: b, objective: 99, " + events + "}"
	_, notes, err := convert.Sloth("f.yaml", []byte(text))
	require.NoError(t, err)
	require.Len(t, notes, 3, "the window, the receiver, the queries")
}
