package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
)

func TestDiffSaysWhatApplyWouldChange(t *testing.T) {
	t.Parallel()
	url, set := serveCatalog(t)
	require.Equal(t, 0, runSLO(t, "", "apply", "--server", url, folder(t, shopFiles())).status)
	for name, c := range map[string]struct {
		change func(files map[string]string)
		want   string
	}{
		"nothing": {func(map[string]string) {}, "0 differences, 6 unchanged\n"},
		"a target, which leaves the history": {
			func(files map[string]string) { files["slo.yaml"] = strings.Replace(checkoutSLO, "0.99", "0.995", 1) },
			`SLO checkout would be changed: it counts the same, its history stays
--- SLO checkout, revision 1 in force
+++ @/slo.yaml:1
@@ -10,6 +10,6 @@
       isRolling: true
   budgetingMethod: Occurrences
   objectives:
-    - target: 0.99
+    - target: 0.995
   alertPolicies:
     - alertPolicyRef: page
1 difference, 5 unchanged
`,
		},
		"a condition, which changes what is counted": {
			func(files map[string]string) {
				files["what.yaml"] = spansSource + "---\n" + strings.Replace(checkoutSLI, "!=", "==", 1)
			},
			`SLO checkout would be changed, since it refers to what changes: it counts something else, which is recounted from the journal
SLI checkout-fast would be changed
--- SLI checkout-fast, revision 1 in force
+++ @/what.yaml:6
@@ -9,7 +9,7 @@
       metricSource:
         metricSourceRef: spans
         spec:
-          condition: 'span.status.code != STATUS_CODE_ERROR'
+          condition: 'span.status.code == STATUS_CODE_ERROR'
     total:
       metricSource:
         metricSourceRef: spans
2 differences, 4 unchanged
`,
		},
		"a condition, without the SLO that follows": {
			func(files map[string]string) {
				clear(files)
				files["what.yaml"] = strings.Replace(checkoutSLI, "    counter: true\n", "", 1)
			},
			`SLI checkout-fast would be changed
--- SLI checkout-fast, revision 1 in force
+++ @/what.yaml:1
@@ -4,7 +4,6 @@
   name: checkout-fast
 spec:
   ratioMetric:
-    counter: true
     good:
       metricSource:
         metricSourceRef: spans
1 difference, 0 unchanged
`,
		},
		"the form of a document": {
			func(files map[string]string) {
				files["slo.yaml"] = strings.Replace(checkoutSLO, "[{target: 0.99}]", "\n    - target: 0.99", 1)
			},
			"SLO checkout would be changed in its form only: it counts the same, its history stays\n1 difference, 5 unchanged\n",
		},
		"a secret, which is not shown": {
			func(files map[string]string) {
				files["what.yaml"] = strings.Replace(files["what.yaml"], "s3cret", "s3crets", 1)
			},
			"DataSource spans would be changed in what is not shown\n1 difference, 5 unchanged\n",
		},
		"an object that is new": {
			func(files map[string]string) {
				files["x.json"] = `{"apiVersion":"openslo/v1","kind":"Service","metadata":{"name":"x"}}`
			},
			`Service x would be created
--- /dev/null
+++ @/x.json:1
@@ -0,0 +1,7 @@
+{
+  "apiVersion": "openslo/v1",
+  "kind": "Service",
+  "metadata": {
+    "name": "x"
+  }
+}
1 difference, 6 unchanged
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := shopFiles()
			c.change(files)
			dir := folder(t, files)
			got := runSLO(t, "", "diff", "--server", url, dir)
			want := 1
			if name == "nothing" {
				want = 0
			}
			require.Equal(t, ran{want, strings.ReplaceAll(c.want, "@/", dir+string(filepath.Separator)), ""}, got)
		})
	}
	t.Cleanup(func() {
		require.Equal(t, slo.Decimal("14.4"), set.Definitions()[0].SLO.Policies[0].Condition.Threshold)
	})
}

func TestDiffPrintsJSON(t *testing.T) {
	t.Parallel()
	url, _ := serveCatalog(t)
	got := runSLO(t, strings.Replace(teamTarget, "openslo/v1", "openslo.com/v1", 1), "diff", "--server", url, "-o", "json", "-")
	require.Equal(t, 1, got.status)
	var out diffOutput
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &out))
	require.True(t, out.Different)
	require.Equal(t, slo.Created, out.Changes[0].Effect)
	require.Contains(t, out.Changes[0].Diff, "+kind: AlertNotificationTarget\n")
	require.Len(t, out.Warnings, 1)
	require.Equal(t, "stdin", out.Warnings[0].File)
}

func TestTroubleOfDiffIsNoDifference(t *testing.T) {
	t.Parallel()
	url, _ := serveCatalog(t)
	for name, c := range map[string]struct {
		stdin string
		args  []string
		says  string
	}{
		"a broken document":           {"kind: Nothing\n", []string{"--server", url, "-"}, "stdin:1: document 1:"},
		"a broken document, in JSON":  {"kind: Nothing\n", []string{"--server", url, "-o", "json", "-"}, ""},
		"what the server refuses":     {checkoutSLO, []string{"--server", url, "-"}, "stdin:6: document 1: SLO checkout: spec.indicatorRef"},
		"a refusal in JSON":           {checkoutSLO, []string{"--server", url, "-o", "json", "-"}, ""},
		"no server":                   {teamTarget, []string{"--server", "http://127.0.0.1:1", "-"}, "is it running? --server names another address"},
		"a file that is not there":    {"", []string{"--server", url, "gone.yaml"}, "gone.yaml: does not exist"},
		"an address that is not one":  {teamTarget, []string{"--server", "there", "-"}, "must be an absolute http or https URL"},
		"standard input without text": {"", []string{"--server", url, "-"}, "stdin: holds no document"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runSLO(t, c.stdin, append([]string{"diff"}, c.args...)...)
			require.Equal(t, 2, got.status, got)
			require.Contains(t, got.stderr, c.says)
		})
	}
}

func TestDiffComparesWhatComesFromTheWatchedFolder(t *testing.T) {
	t.Parallel()
	url, set := serveCatalog(t)
	const service = `{"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": "pinned"}}`
	_, err := set.Sync(t.Context(), []catalog.File{
		{Path: "slos/all.yaml", Data: []byte("# All of it.\n---\n" + checkoutSLO + "---\n" + checkoutSLI + "---\n" + spansSource)},
		{Path: "slos/page.yaml", Data: []byte(pagePolicy + "---\n" + burnsCondition + "---\n" + teamTarget)},
		{Path: "slos/pinned.json", Data: []byte(service)},
	})
	require.NoError(t, err)
	dir := folder(t, map[string]string{
		"all.yaml": "# All of it.\n---\n" + checkoutSLO + "---\n" + checkoutSLI + "---\n" + spansSource, "pinned.json": service,
	})
	require.Equal(t, ran{0, "0 differences, 4 unchanged\n", ""}, runSLO(t, "", "diff", "--server", url, dir))

	got := runSLO(t, strings.Replace(checkoutSLO, "0.99", "0.995", 1), "diff", "--server", url, "-")
	require.Equal(t, 1, got.status, got.stderr)
	require.Contains(t, got.stdout, "SLO checkout would be changed in the server's file slos/all.yaml: it counts the same, its history stays\n")
	require.Contains(t, got.stdout, "-    - target: 0.99\n+    - target: 0.995\n")
	got = runSLO(t, strings.Replace(checkoutSLI, "!=", "==", 1), "diff", "--server", url, "-")
	require.Contains(t, got.stdout, "SLO checkout would be changed, since it refers to what changes: it counts something else, which is recounted from the journal\n")
	require.Equal(t, 1, runSLO(t, checkoutSLI, "apply", "--server", url, "-").status, "apply refuses it still")
}
