package openslo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// canonical writes a file in its one form, and checks what is true of any.
func canonical(t *testing.T, file string) string {
	t.Helper()
	out, err := openslo.Canonical("f.yaml", []byte(file), openslo.Lenient)
	require.NoError(t, err)
	again, err := openslo.Canonical("f.yaml", out, openslo.Lenient)
	require.NoError(t, err)
	require.Equal(t, string(out), string(again))
	before, _ := parse(t, file, openslo.Lenient)
	after, _ := parse(t, string(out), openslo.Lenient)
	require.Len(t, after, len(before))
	for i := range before {
		require.Equal(t, before[i].ObjectRef, after[i].ObjectRef)
		require.Equal(t, before[i].Content(), after[i].Content())
	}
	return string(out)
}

func TestTheCanonicalForm(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "untidy.yaml"))
	require.NoError(t, err)
	got := canonical(t, string(data))
	golden := filepath.Join("testdata", "untidy.canonical")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestTheCanonicalFormOfEveryFile(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"testdata/*.yaml", "testdata/traps/*.yaml", "../../examples/slos/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, path := range files {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			if _, _, err := openslo.Parse("f.yaml", data, openslo.Lenient); err == nil {
				canonical(t, string(data))
			}
		}
	}
	for _, file := range []string{"", "# a\n", "# a\n---\n# b\n", "~\n", "---\n" + named("a") + "\n...\n# after\n", "- " + named("a") + "\n-\n- # b\n  " + named("b")} {
		canonical(t, file)
	}
}

func TestACommentThatWouldBeLostIsTold(t *testing.T) {
	t.Parallel()
	err := openslo.KeepsComments([]byte("a: b # kept\nc: 'd # e' # lost\n"), []byte("a: b\n# kept\nc: 'd # e'\n"))
	require.ErrorContains(t, err, `the comment "# lost" would be lost: move it to another line`)
	require.NoError(t, openslo.KeepsComments([]byte("a: 'b # c'\n"), []byte("a: \"b\\\n  # c\"\n")))
	for _, text := range []string{`"a # b"`, `'# a'`, `["# a", 'b # c'] # d`, "# e\n    - a # f"} {
		canonical(t, "apiVersion: openslo/v1\nkind: Service\nmetadata:\n  name: s\n  labels:\n    a: "+text+"\n")
	}
}

func TestCommentsAnywhereAreKept(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("testdata", "untidy.yaml"))
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		lines := strings.Split(string(data), "\n")
		for n := range rapid.IntRange(1, 4).Draw(t, "comments") {
			at := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
			indent := len(lines[at]) - len(strings.TrimLeft(lines[at], " "))
			comment := fmt.Sprintf("# comment %d", n)
			switch rapid.SampledFrom([]string{"behind", "before", "at the left"}).Draw(t, "place") {
			case "behind":
				lines[at] += " " + comment
			case "before":
				lines = slices.Insert(lines, at, strings.Repeat(" ", indent)+comment)
			case "at the left":
				lines = slices.Insert(lines, at, comment)
			}
		}
		file := strings.Join(lines, "\n")
		if _, _, err := openslo.Parse("f.yaml", []byte(file), openslo.Lenient); err != nil {
			t.Skip("it became part of a text")
		}
		out, err := openslo.Canonical("f.yaml", []byte(file), openslo.Lenient)
		require.NoError(t, err, file)
		require.GreaterOrEqual(t, strings.Count(string(out), "# comment"), strings.Count(file, "# comment"))
	})
}

func TestTheCanonicalFormOfJSONIsJSON(t *testing.T) {
	t.Parallel()
	got := canonical(t, `[{"spec": {"description": "<\ud83d\ude00>"}, "kind": "Service", "metadata": {"labels": {"a": "b"}, "name": "s"}, "apiVersion": "openslo/v1"}, null]`)
	want := `[
  {
    "apiVersion": "openslo/v1",
    "kind": "Service",
    "metadata": {
      "name": "s",
      "labels": {
        "a": [
          "b"
        ]
      }
    },
    "spec": {
      "description": "<😀>"
    }
  },
  null
]
`
	require.Equal(t, want, got)
	number := strings.Replace(jsonNamed("a"), "0.99", "9.90e-1", 1)
	require.Contains(t, canonical(t, number), "9.90e-1")
}

func TestWhatIsWrittenIsCanonical(t *testing.T) {
	t.Parallel()
	written, err := openslo.Format(librarySLO(t))
	require.NoError(t, err)
	require.Equal(t, string(written), canonical(t, string(written)))
}

func TestAFileThatIsWrongHasNoCanonicalForm(t *testing.T) {
	t.Parallel()
	_, _, want := openslo.Parse("f.yaml", []byte("a: b"), openslo.Strict)
	_, err := openslo.Canonical("f.yaml", []byte("a: b"), openslo.Strict)
	require.Equal(t, want, err)
	var faults slo.DocumentErrors
	require.ErrorAs(t, err, &faults)
}

func TestTextOfAnyShapeSurvivesTheCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`"\n  a\n b\n\n "`, `"a\n\tb"`, "|\n      a\n       b\n", "|+\n      a\n\n", ">-\n      a\n      b\n", `"a\r\nb\r"`, "'# a'", `"a\u2028b"`, `"null"`, `"1"`, `"2026-01-01"`, `''`, "|2-\n        x\n      y\n"} {
		file := "apiVersion: openslo/v1\nkind: Service\nmetadata:\n  name: s\n  annotations:\n    a: " + text + "\nspec: {}\n"
		canonical(t, file)
	}
}
