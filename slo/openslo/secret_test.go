package openslo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// TestConnectionDetailsAreNeverShown breaks a data source in many ways: what is
// said of it never holds what is in it.
func TestConnectionDetailsAreNeverShown(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	const head = "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: d}\n"
	for name, file := range map[string]string{
		"a sound one":                          head + "spec: {type: Spans, connectionDetails: {token: hunter2}}",
		"no type":                              head + "spec: {connectionDetails: {token: hunter2}}",
		"a type that is a number":              head + "spec: {type: 5, connectionDetails: hunter2}",
		"a description that is no text":        head + "spec: {type: Spans, description: [hunter2], connectionDetails: {}}",
		"details under another name":           head + "spec: {type: Spans, connectionDetail: hunter2}",
		"details one level up":                 head + "spec: {type: Spans}\nconnectionDetails: {token: hunter2}",
		"details one level too high":           head + "spec:\n  type: Spans\n  connectionDetails:\n  token: hunter2\n",
		"a spec that is the secret":            head + "spec: hunter2",
		"a secret that is a tagged type":       head + "spec: {type: !hunter2 x, connectionDetails: {}}",
		"a secret with a tab":                  head + "spec: {type: \"hunter2\\tx\", connectionDetails: {}}",
		"a secret that looks like an alias":    head + "spec:\n  type: Spans\n  connectionDetails:\n    token: *hunter2\n",
		"a secret that looks like a tag":       head + "spec:\n  type: Spans\n  connectionDetails:\n    token: !hunter2!x y\n",
		"a secret that begins with a percent":  head + "spec:\n  type: Spans\n  connectionDetails:\n    token: %hunter2\n",
		"a secret that begins with an at":      head + "spec:\n  type: Spans\n  connectionDetails:\n    token: @hunter2\n",
		"a secret with a colon":                head + "spec:\n  type: Spans\n  connectionDetails:\n    token: hunter2: x\n",
		"a secret in open quotes":              head + "spec:\n  type: Spans\n  connectionDetails:\n    token: \"hunter2\n",
		"a secret with a bad escape":           head + "spec:\n  type: Spans\n  connectionDetails:\n    token: \"hunter2\\q\"\n",
		"a secret with an anchor":              head + "spec:\n  type: Spans\n  connectionDetails:\n    token: &hunter2 &hunter2 x\n",
		"a bad directive":                      "%hunter2 1\n---\n" + head,
		"an unknown handle":                    head + "spec: {type: Spans, connectionDetails: {a: !hunter2!b c}}",
		"JSON with a type of its own":          `{"apiVersion":"openslo/v1","kind":"DataSource","metadata":{"name":"d"},"spec":{"type":["hunter2"],"connectionDetails":{"token":"hunter2"}}}`,
		"JSON that ends too early":             `{"apiVersion":"openslo/v1","kind":"DataSource","metadata":{"name":"d"},"spec":{"type":"Spans","connectionDetails":{"token":"hunter2"`,
		"a kind that is only almost right":     strings.Replace(head, "DataSource", "Datasource", 1) + "spec: {type: [hunter2], connectionDetails: {token: hunter2}}",
		"a secret in a source of an indicator": "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: i}\nspec: {thresholdMetric: {metricSource: {type: Redshift, spec: {secretAccessKey: hunter2}}}}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
				objects, warnings, err := openslo.Parse("f.yaml", []byte(file), mode)
				_, failed := openslo.Canonical("f.yaml", []byte(file), mode)
				said := fmt.Sprint(warnings, err, failed)
				for _, o := range objects {
					said += fmt.Sprintf("%v %+v", o.Content(), o.ObjectRef)
					if o.Kind == slo.KindDataSource {
						require.Contains(t, string(o.Source), secret)
					}
				}
				require.NotContains(t, said, secret)
			}
		})
	}
}
