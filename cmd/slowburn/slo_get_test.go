package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

func TestGetShowsHowObjectivesStand(t *testing.T) {
	t.Parallel()
	url := serveSource(t, webtest.NewSource(webtest.Healthy(), webtest.Burning(), webtest.Unmeasured(), webtest.Exhausted()))
	got := runSLO(t, "", "get", "--server", url)
	require.Equal(t, 0, got.status, got)
	require.Equal(t, `NAME           OBJECTIVE  TARGET  WINDOW  STATE       BUDGET LEFT  BURN 1H  FIRING
checkout-fast  -          99.9%   28d     ok          98.00%       0.00     -
invoice-works  -          99%     28d     unmeasured  -            -        blind (ticket)
payment-works  -          99.9%   28d     burning     94.05%       39.89    fast (page), 1h (page), 6h (page)
search-works   -          99.95%  28d     exhausted   -346.32%     0.00     -
`, got.stdout)
	one := runSLO(t, "", "get", "--server", url, "payment-works")
	require.Contains(t, one.stdout, "payment-works")
	require.NotContains(t, one.stdout, "checkout-fast")

	gone := runSLO(t, "", "get", "--server", url, "gone")
	require.Equal(t, ran{1, "", "slowburn: \"gone\": no such SLO\n"}, gone)
}

func TestGetReadsAllPages(t *testing.T) {
	t.Parallel()
	url := serveSource(t, webtest.NewSource(webtest.Many(450)...))
	var out struct{ SLOs []struct{ Name string } }
	got := runSLO(t, "", "get", "--server", url, "-o", "json")
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &out))
	require.Len(t, out.SLOs, 450)
	require.Equal(t, "objective-00449", out.SLOs[449].Name)
}

func TestGetPrintsDocumentsAsTheyWereApplied(t *testing.T) {
	t.Parallel()
	url, _ := serveCatalog(t)
	require.Equal(t, 0, runSLO(t, "", "apply", "--server", url, folder(t, shopFiles()), "../../examples/slos").status)
	got := runSLO(t, "", "get", "--server", url, "checkout", "-o", "yaml")
	require.Equal(t, ran{0, checkoutSLO, ""}, got)
	all := runSLO(t, "", "get", "--server", url, "-o", "yaml")
	require.Equal(t, 0, all.status, all)
	again := runSLO(t, all.stdout, "apply", "--server", url, "-")
	require.Equal(t, 0, again.status, again)
	require.Contains(t, again.stdout, "0 created, 0 changed, 10 unchanged")
	require.Equal(t, ran{0, checkoutSLI, ""}, runSLO(t, "", "get", "--server", url, "SLI/checkout-fast", "-o", "yaml"))
	source := runSLO(t, "", "get", "--server", url, "DataSource/spans", "-o", "yaml")
	require.Contains(t, source.stdout, "[hidden]")
	require.NotContains(t, source.stdout, "s3cret")
	table := runSLO(t, "", "get", "--server", url, "SLI/checkout-fast")
	require.Contains(t, table.stdout, "USED BY")
	require.Contains(t, table.stdout, "API")
}

func TestGetOfAHostileNameCannotCommandATerminal(t *testing.T) {
	t.Parallel()
	hostile := webtest.Hostile()
	hostile.Definition.SLO.Name = "\x1b[2J\nred\tb"
	hostile.Definition.Document = []byte("kind: SLO # \x1b[2J\u009b\n")
	url := serveSource(t, webtest.NewSource(hostile))
	for _, output := range []string{"table", "json", "yaml"} {
		got := runSLO(t, "", "get", "--server", url, "-o", output)
		require.Equal(t, 0, got.status, got)
		require.NotContains(t, got.stdout, "\x1b")
		require.NotContains(t, got.stdout, "\u009b")
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	url, set := serveCatalog(t)
	fromFile(t, set, "slos/pinned.yaml", `{"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": "pinned"}}`)
	require.Equal(t, 0, runSLO(t, "", "apply", "--server", url, folder(t, shopFiles())).status)

	got := runSLO(t, "", "delete", "--server", url, "SLI/checkout-fast", "Service/pinned", "gone", "AlertPolicy/none")
	require.Equal(t, 1, got.status)
	require.Empty(t, got.stdout)
	require.Equal(t, `delete "gone": no such SLO
delete AlertPolicy "none": no such object
delete SLI checkout-fast, used by SLO checkout: change or delete first what refers to it
delete Service pinned, from slos/pinned.yaml: it comes from a file: change the file instead
slowburn: 4 of 4 objects could not be deleted
`, got.stderr)

	got = runSLO(t, "", "delete", "--server", url, "DataSource/spans", "SLI/checkout-fast", "checkout", "SLO/checkout")
	require.Equal(t, ran{0, "SLO checkout deleted\nSLI checkout-fast deleted\nDataSource spans deleted\n", ""}, got)
	require.Empty(t, set.Definitions())

	got = runSLO(t, "", "delete", "--server", url, "-o", "json", "AlertPolicy/page", "gone")
	require.Equal(t, 1, got.status)
	var out deletedOutput
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &out))
	require.Equal(t, []deletedObject{
		{ObjectRef: slo.ObjectRef{Kind: slo.KindSLO, Name: "gone"}, Error: `delete "gone": no such SLO`},
		{ObjectRef: slo.ObjectRef{Kind: slo.KindAlertPolicy, Name: "page"}, Deleted: true},
	}, out.Objects)
}
