package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

func TestImportWritesDocumentsThatValidateTakes(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"sloth.yaml", "sloth-kubernetes.yaml", "pyrra.yaml"} {
		got := runSLO(t, "", "import", "../../slo/convert/testdata/"+file)
		require.Zero(t, got.status, got.stderr)
		require.Contains(t, got.stdout, "apiVersion: openslo/v1")
		require.Contains(t, got.stderr, "note:")
		checked := runSLO(t, got.stdout, "validate", "-")
		require.Zero(t, checked.status, "%s: %s", file, checked.stdout+checked.stderr)
	}
}

func TestImportSaysWhatItCannotRead(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"other.yaml": "apiVersion: v1\nkind: Pod\n", "sloth.yaml": "version: prometheus/v1\nslos: 7\n"})
	got := runSLO(t, "", "import", dir)
	require.Equal(t, 1, got.status)
	require.Empty(t, got.stdout, "nothing is written where anything is wrong")
	require.Contains(t, got.stderr, "other.yaml: is neither of Sloth nor of Pyrra")
	require.Contains(t, got.stderr, "sloth.yaml:")
	require.Equal(t, 2, runSLO(t, "", "import", "--from", "nobl9", dir).status)
}

func TestExportWritesOneAlertATier(t *testing.T) {
	t.Parallel()
	got := runSLO(t, "", "export", "--scrape", "15s", "../../examples/slos/checkout.yaml")
	require.Zero(t, got.status, got.stderr)
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(got.stdout), &file))
	tiers := map[string]bool{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				tiers[rule.Labels["tier"]] = true
			}
		}
	}
	require.Equal(t, map[string]bool{"fast": true, "1h": true, "6h": true, "24h": true, "3d": true, "quiet": true}, tiers)
	require.Contains(t, got.stdout, "# checkout-fast, objective 0: the tier \"fast\" looks back 30s instead of 10s: that is two scrapes.\n")
	require.Contains(t, got.stdout, `slowburn_events_total{`, "the counter of /metrics")
}

func TestExportRefusesWhatRulesCannotSay(t *testing.T) {
	t.Parallel()
	text := `{"apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": "x"}, "spec": {"service": "x", "budgetingMethod": "Timeslices",
		"indicator": {"metadata": {"name": "x"}, "spec": {"ratioMetric": {"counter": true,
		"total": {"metricSource": {"type": "Spans", "spec": {"service": "x"}}}, "bad": {"metricSource": {"type": "Spans", "spec": {"condition": "true"}}}}}},
		"timeWindow": [{"duration": "28d", "isRolling": true}], "objectives": [{"target": 0.999, "timeSliceTarget": 0.9, "timeSliceWindow": "5m"}]}}`
	got := runSLO(t, text, "export", "-")
	require.Equal(t, 1, got.status)
	require.Contains(t, got.stderr, "budgeting method Timeslices")
	require.Equal(t, 1, runSLO(t, "# nothing\n", "export", "-").status)
}
