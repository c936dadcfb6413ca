package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

// shopFiles are documents of all kinds in three files that refer to each other.
func shopFiles() map[string]string {
	return map[string]string{
		"alerting.yaml": pagePolicy + "---\n" + burnsCondition + "---\n" + teamTarget,
		"slo.yaml":      checkoutSLO,
		"what.yaml":     spansSource + "---\n" + checkoutSLI,
	}
}

func TestApplyBringsAllFilesIntoForceTogether(t *testing.T) {
	t.Parallel()
	url, set := serveCatalog(t)
	files := shopFiles()
	dir := folder(t, files)
	got := runSLO(t, "", "apply", "--server", url, "--dry-run", dir)
	require.Equal(t, 0, got.status, got)
	require.Contains(t, got.stdout, "SLO checkout would be created ("+filepath.Join(dir, "slo.yaml")+":1)\n")
	require.Contains(t, got.stdout, "6 created, 0 changed, 0 unchanged, 0 followed; a dry run, nothing was done\n")
	require.Empty(t, set.Definitions())

	got = runSLO(t, "", "apply", "--server", url+"/", dir)
	require.Equal(t, 0, got.status, got)
	require.Equal(t, strings.NewReplacer("@", dir).Replace(`AlertPolicy page created (@/alerting.yaml:1)
AlertCondition burns created (@/alerting.yaml:9)
AlertNotificationTarget team created (@/alerting.yaml:16)
SLO checkout created (@/slo.yaml:1)
DataSource spans created (@/what.yaml:1)
SLI checkout-fast created (@/what.yaml:6)
6 created, 0 changed, 0 unchanged, 0 followed
`), got.stdout)
	require.Empty(t, got.stderr)
	require.Len(t, set.Definitions(), 1)
	require.Len(t, set.Objects(), 5)
	require.Contains(t, runSLO(t, "", "apply", "--server", url, dir).stdout, "0 created, 0 changed, 6 unchanged, 0 followed\n")

	sli := strings.Replace(checkoutSLI, "!=", "==", 1)
	got = runSLO(t, sli, "apply", "--server", url, "-")
	require.Equal(t, ran{0, "SLI checkout-fast changed (stdin:1)\n" +
		"SLO checkout changed (it refers to what changes): it counts something else, which is recounted from the journal\n" +
		"0 created, 1 changed, 0 unchanged, 1 followed\n", ""}, got)
}

func TestApplyRefusesAsAWholeAndSaysWhere(t *testing.T) {
	t.Parallel()
	fromAFile := strings.Replace(teamTarget, "team", "pinned", 1)
	for name, c := range map[string]struct {
		change func(files map[string]string)
		says   []string
	}{
		"a broken document, which is not sent at all": {
			func(files map[string]string) { files["slo.yaml"] = strings.Replace(checkoutSLO, "0.99", "2", 1) },
			[]string{"slo.yaml:9: document 1: SLO checkout: spec.objectives[0].target", "nothing was done: the documents have 1 error"},
		},
		"a broken document, with what is known of the others": {
			func(files map[string]string) {
				files["slo.yaml"] = strings.Replace(checkoutSLO, "0.99", "2", 1)
				files["what.yaml"] = strings.Replace(checkoutSLI, "span.status", "span.stauts", 1)
			},
			[]string{
				"slo.yaml:9: document 1: SLO checkout: spec.objectives[0].target",
				"what.yaml:12: document 1: SLI checkout-fast: spec.ratioMetric.good.metricSource.spec.condition: condition",
				"what.yaml:7: note: document 1: SLI checkout-fast: spec.ratioMetric.total.metricSource.metricSourceRef: refers to DataSource spans",
				"nothing was done: the documents have 2 errors",
			},
		},
		"a condition that the server cannot compile": {
			func(files map[string]string) {
				files["what.yaml"] = "# A comment.\n" + spansSource + "---\n\n" + strings.Replace(checkoutSLI, "span.status", "span.stauts", 1)
			},
			[]string{"what.yaml:19: document 2: SLI checkout-fast: spec.ratioMetric.good.metricSource.spec.condition:", "1 error"},
		},
		"references to nothing": {
			func(files map[string]string) {
				files["what.yaml"] = spansSource
				files["alerting.yaml"] = burnsCondition
			},
			[]string{
				"slo.yaml:6: document 1: SLO checkout: spec.indicatorRef: refers to SLI checkout-fast, which does not exist",
				"slo.yaml:10: document 1: SLO checkout: spec.alertPolicies[0].alertPolicyRef: refers to AlertPolicy page", "2 errors",
			},
		},
		"a source of an unknown type": {
			func(files map[string]string) {
				files["what.yaml"] = strings.Replace(files["what.yaml"], "Spans", "Prometheus", 1)
			},
			[]string{"what.yaml:12: document 2: SLI checkout-fast: ", "Prometheus is not measured here", "nothing was done"},
		},
		"what a file of the server has": {
			func(files map[string]string) { files["pinned.yaml"] = fromAFile },
			[]string{"AlertNotificationTarget pinned, from slos/pinned.yaml: it comes from a file: change the file instead"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, set := serveCatalog(t)
			fromFile(t, set, "slos/pinned.yaml", fromAFile)
			files := shopFiles()
			c.change(files)
			dir := folder(t, files)
			got := runSLO(t, "", "apply", "--server", url, dir)
			require.Equal(t, 1, got.status)
			require.Empty(t, got.stdout)
			for _, want := range c.says {
				require.Contains(t, got.stderr, want)
			}
			require.NotContains(t, got.stderr, "request")
			require.Empty(t, set.Definitions())
			require.Len(t, set.Objects(), 1)

			got = runSLO(t, "", "apply", "--server", url, "-o", "json", dir)
			require.Equal(t, 1, got.status)
			if got.stdout != "" { // Else it is not about a place in a file.
				var out struct{ Errors []documentFault }
				require.NoError(t, json.Unmarshal([]byte(got.stdout), &out))
				require.NotEmpty(t, out.Errors)
			}
		})
	}
}

func TestApplyPrintsJSONAndWarnings(t *testing.T) {
	t.Parallel()
	url, _ := serveCatalog(t)
	dialect := "---\n# First.\n---\n" + strings.Replace(teamTarget, "openslo/v1", "openslo.com/v1", 1)
	got := runSLO(t, dialect, "apply", "--server", url, "-o", "json", "-")
	require.Equal(t, 0, got.status, got)
	var out appliedOutput
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &out))
	require.Equal(t, []changeOutput{{Kind: slo.KindAlertNotificationTarget, Name: "team", Effect: slo.Created, File: "stdin", Line: 4}}, out.Changes)
	require.Len(t, out.Warnings, 1)
	require.Equal(t, "stdin", out.Warnings[0].File)
	require.Equal(t, 4, out.Warnings[0].Line)
	got = runSLO(t, dialect, "apply", "--server", url, "-")
	require.Contains(t, got.stderr, "stdin:4: warning: document 1: AlertNotificationTarget team: apiVersion:")
	got = runSLO(t, dialect, "apply", "--strict", "--server", url, "-")
	require.Equal(t, 1, got.status)
}

func TestWhatAServerSaysCannotCommandATerminal(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource()
	source.ApplyError = slo.DocumentErrors{{File: "request", Document: 1, Object: "SLO \x1b[31m", Reason: "a\u009b\nb\u202e"}}
	url := serveSource(t, source)
	for _, output := range []string{"text", "json"} {
		got := runSLO(t, teamTarget, "apply", "--server", url, "-o", output, "-")
		require.Equal(t, 1, got.status)
		require.NotContains(t, got.stdout+got.stderr, "\x1b")
		require.NotContains(t, got.stdout+got.stderr, "\u009b")
		require.NotContains(t, got.stdout+got.stderr, "\u202e")
		require.Contains(t, got.stdout+got.stderr, `\u009b`)
	}
}
