package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

// shown asks for the document of a DataSource.
func shown(t require.TestingT, handler http.Handler) string {
	w := get(handler, "/api/v1/objects/DataSource/d")
	require.Equal(t, http.StatusOK, w.Code)
	require.NotContains(t, w.Body.String(), "s3cret")
	var answer struct{ Document string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	return answer.Document
}

// keeping serves one DataSource.
func keeping(t *testing.T) (*webtest.Source, http.Handler) {
	t.Helper()
	source := webtest.NewSource()
	source.Others = []slo.Object{{ObjectRef: slo.ObjectRef{Kind: slo.KindDataSource, Name: "d"}}}
	return source, serve(t, source)
}

func TestConnectionDetailsNeverLeave(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: openslo/v1\nkind: DataSource\nmetadata:\n    name: d\n"
	for name, c := range map[string]struct{ document, want string }{
		"a map": {
			head + "spec:\n    type: Prometheus\n    description: ours\n    connectionDetails:\n        url: s3cret\n        auth: {password: s3cret, port: 1}\n",
			head + "spec:\n    type: Prometheus\n    description: ours\n    connectionDetails:\n        url: \"[hidden]\"\n        auth: {password: \"[hidden]\", port: \"[hidden]\"}\n",
		},
		"a list, and text of many lines": {
			head + "spec:\n    connectionDetails:\n        - s3cret\n        - key: |\n            -----BEGIN s3cret\n            s3cret\n",
			head + "spec:\n    connectionDetails:\n        - \"[hidden]\"\n        - key: \"[hidden]\"\n",
		},
		"one value": {head + "spec: {connectionDetails: s3cret}\n", head + "spec: {connectionDetails: \"[hidden]\"}\n"},
		"comments": {
			"# s3cret\n" + head + "spec:\n    # s3cret\n    connectionDetails: {} # s3cret\n# s3cret\n",
			head + "spec:\n    connectionDetails: {}\n",
		},
		"fields that are misspelled": {
			head + "spec:\n    conectionDetails: {password: s3cret}\n    password: s3cret\n    type: {x: s3cret}\nsecret: s3cret\n",
			head + "spec:\n    conectionDetails: {password: \"[hidden]\"}\n    password: \"[hidden]\"\n    type: {x: \"[hidden]\"}\nsecret: \"[hidden]\"\n",
		},
		"JSON": {
			`{"apiVersion":"openslo/v1","kind":"DataSource","metadata":{"name":"d"},"spec":{"type":"x","connectionDetails":{"a":["s3cret"]}}}`,
			`{"apiVersion": "openslo/v1", "kind": "DataSource", "metadata": {"name": "d"}, "spec": {"type": "x", "connectionDetails": {"a": ["[hidden]"]}}}` + "\n",
		},
		"a map that was meant to be a value": {
			head + "spec:\n    connectionDetails: {s3cret}\n    other: {a: {s3cret: ~}, b: {\"s3cret s3cret\": x}}\n",
			head + "spec:\n    connectionDetails: \"[hidden]\"\n    other: {a: \"[hidden]\", b: \"[hidden]\"}\n",
		},
		"a tag of its own":    {head + "spec: {connectionDetails: !s3cret {a: b}}\n", "[hidden]"},
		"an alias":            {head + "spec:\n    description: &a s3cret\n    connectionDetails: *a\n", "[hidden]"},
		"an anchor":           {head + "x: &s3cret y\n", "[hidden]"},
		"a merge":             {head + "spec:\n    <<: {type: s3cret}\n", "[hidden]"},
		"two documents":       {head + "---\ns3cret\n", "[hidden]"},
		"a key that is a map": {head + "spec: {{s3cret: x}: y}\n", "[hidden]"},
		"no map":              {"- s3cret\n", "[hidden]"},
		"a spec that is none": {head + "spec: s3cret\n", head + "spec: \"[hidden]\"\n"},
		"no YAML":             {"s3cret: [", "[hidden]"},
		"nothing":             {"", "[hidden]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, handler := keeping(t)
			source.Others[0].Document = []byte(c.document)
			require.Equal(t, c.want, shown(t, handler))
		})
	}
}

func TestNoSecretLeavesInWhateverShapeItIs(t *testing.T) {
	t.Parallel()
	source, handler := keeping(t)
	var value func(r *rapid.T, depth int) any
	value = func(r *rapid.T, depth int) any {
		kinds := 4
		if depth > 3 {
			kinds = 2
		}
		switch rapid.IntRange(0, kinds-1).Draw(r, "kind") {
		case 0:
			return "s3cret" + rapid.StringMatching("[ -~\n]*").Draw(r, "rest")
		case 1:
			return rapid.StringMatching("[ -~\n]*").Draw(r, "begin") + "s3cret"
		case 2:
			var list []any
			for range rapid.IntRange(0, 3).Draw(r, "items") {
				list = append(list, value(r, depth+1))
			}
			return list
		default:
			table := map[string]any{}
			for range rapid.IntRange(0, 3).Draw(r, "entries") {
				table[rapid.StringMatching("[a-zA-Z: #]{0,8}").Draw(r, "key")] = value(r, depth+1)
			}
			return table
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		document := map[string]any{
			"kind": "DataSource", "spec": map[string]any{"type": "x", "connectionDetails": value(r, 0), "other": value(r, 0)},
		}
		encode := rapid.SampledFrom([]func(any) ([]byte, error){yaml.Marshal, json.Marshal}).Draw(r, "form")
		data, err := encode(document)
		require.NoError(r, err)
		source.Others[0].Document = data
		out := shown(r, handler)
		if !strings.HasPrefix(out, "[hidden]") {
			require.Contains(r, out, "DataSource", "%s\nbecame\n%s", data, out)
		}
	})
}

func TestAFieldThatMetadataDoesNotHaveIsHidden(t *testing.T) {
	t.Parallel()
	shown := web.HideSecrets([]byte(`{"apiVersion": "openslo/v1", "kind": "DataSource",
		"metadata": {"name": "x", "labels": {"team": ["a"]}, "connectionDetails": {"password": "S3CRET"}}, "spec": {"type": "Spans", "connectionDetails": {}}}`))
	require.NotContains(t, shown, "S3CRET")
	require.Contains(t, shown, `"x"`)
	require.Contains(t, shown, "team")
	require.NotContains(t, web.HideSecrets([]byte(`{"kind": {"S3CRET": "S3CRET"}, "metadata": "S3CRET", "spec": {}}`)), `: "S3CRET"`)
}
