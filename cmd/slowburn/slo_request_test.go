package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// documentsOf reads files that are written for the test.
func documentsOf(t *testing.T, files map[string]string) *documents {
	t.Helper()
	d := readDocuments([]string{folder(t, files)}, nil, false)
	require.Empty(t, d.errors)
	return d
}

func TestDocumentsOfAllFormsAreSentAsOneStream(t *testing.T) {
	t.Parallel()
	const target = `{"apiVersion": "openslo/v1", "kind": "AlertNotificationTarget", "metadata": {"name": "%"}, "spec": {"target": "slack", "description": "!"}}`
	named := func(name, description string) string {
		return strings.NewReplacer("%", name, "!", description).Replace(target)
	}
	d := documentsOf(t, map[string]string{
		"a.yaml":           "# The team.\n---\n" + teamTarget + "...\n",
		"b-directive.yaml": "%YAML 1.1\n# Ours.\n---\n" + strings.Replace(teamTarget, "team", "directive", 1),
		"c-bom.yaml":       "\ufeff" + strings.Replace(teamTarget, "team", "bom", 1) + "---\n# Nothing.\n",
		"d-list.yaml":      "- " + named("first", "x") + "\n- " + named("second", "x") + "\n",
		"e-windows.yaml":   strings.ReplaceAll(strings.Replace(teamTarget, "team", "windows", 1), "\n", "\r\n"),
		"f.json":           "\t" + named("json", `\ud83d\ude00 \/ \"\\ud83d\" é`),
		"g-list.json":      "[\n\t" + strings.ReplaceAll(named("three", `a\nb`), ", ", ",\n\t\t") + ",\n" + named("four", "x") + "]",
		"h-bare.yaml":      strings.TrimSuffix(strings.Replace(teamTarget, "team", "bare", 1), "\n"),
	})
	r, err := newSLORequest(d.objects, false)
	require.NoError(t, err)
	sent, _, err := openslo.Parse("request", r.body, openslo.Lenient)
	require.NoError(t, err)
	require.Len(t, sent, 10)
	for i, o := range d.objects {
		require.Equal(t, o.ObjectRef, sent[i].ObjectRef)
		before, err := openslo.Canonical("x", streamed(o.Source), openslo.Lenient)
		require.NoError(t, err)
		after, err := openslo.Canonical("x", sent[i].Source, openslo.Lenient)
		require.NoError(t, err)
		require.Equal(t, string(before), string(after))
		alone, err := newSLORequest([]openslo.Object{o}, false)
		require.NoError(t, err)
		same, _, err := openslo.Parse("request", alone.body, openslo.Lenient)
		require.NoError(t, err)
		require.Equal(t, string(same[0].Source), string(sent[i].Source), "what it is sent with changes no document")
	}
	require.Contains(t, string(r.body), "# The team.\napiVersion")
	require.Contains(t, string(r.body), "# Ours.\napiVersion")
	require.Contains(t, string(r.body), `😀 / \"\\ud83d\" é`)
	require.NotContains(t, string(r.body), "\t")
}

func TestWhatTheServerSaysIsToldOfTheFiles(t *testing.T) {
	t.Parallel()
	d := documentsOf(t, map[string]string{
		"a.yaml": "# A comment.\n\n" + checkoutSLI + "---\n" + pagePolicy,
		"b.json": "[\n\n{\"apiVersion\": \"openslo/v1\", \"kind\": \"Service\",\n\t\"metadata\": {\n\t\t\"name\": \"shop\"}}]",
	})
	r, err := newSLORequest(d.objects, false)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		said documentFault
		file string
		document,
		line int
	}{
		"a field":                            {documentFault{File: "request", Document: 1, Line: 12, Field: "spec.ratioMetric.good.metricSource.spec.condition"}, "a.yaml", 1, 14},
		"a part of a field":                  {documentFault{File: "request", Document: 1, Line: 12, Field: "spec.ratioMetric.good.metricSource.spec.condition.x"}, "a.yaml", 1, 14},
		"a field of the second document":     {documentFault{File: "request", Document: 2, Field: "spec.conditions[0].conditionRef"}, "a.yaml", 2, 21},
		"a field of JSON that was laid out":  {documentFault{File: "request", Document: 3, Line: 30, Field: "metadata.name"}, "b.json", 1, 5},
		"a document as a whole":              {documentFault{File: "request", Document: 2, Line: 15}, "a.yaml", 2, 16},
		"what is in force":                   {documentFault{File: "in force", Object: "SLO x"}, "in force", 0, 0},
		"the request as a whole":             {documentFault{File: "request"}, "request", 0, 0},
		"a document that was not sent":       {documentFault{File: "request", Document: 9, Line: 1}, "request", 9, 1},
		"a file of the server with a number": {documentFault{File: "slos/x.yaml", Document: 1, Line: 1}, "slos/x.yaml", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := r.home(c.said)
			require.True(t, strings.HasSuffix(got.File, c.file), got.File)
			require.Equal(t, [2]int{c.document, c.line}, [2]int{got.Document, got.Line})
			require.Equal(t, c.said.Field, got.Field)
		})
	}
}

func TestARequestHasALimit(t *testing.T) {
	t.Parallel()
	long := strings.Replace(teamTarget, "spec:", "# "+strings.Repeat("x", 600<<10)+"\nspec:", 1)
	d := documentsOf(t, map[string]string{"a.yaml": long, "b.yaml": strings.Replace(long, "team", "other", 1)})
	_, err := newSLORequest(d.objects, false)
	require.ErrorContains(t, err, "apply fewer files at a time")
}
