package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	untidy = "kind: Service\napiVersion: openslo/v1\nmetadata: {name: shop} # ours\nspec: {description: The shop}\n"
	tidied = "apiVersion: openslo/v1\nkind: Service\n# ours\nmetadata:\n  name: shop\nspec:\n  description: The shop\n"
)

func TestFmtWritesTheCanonicalForm(t *testing.T) {
	t.Parallel()
	got := runSLO(t, untidy, "fmt", "-")
	require.Equal(t, ran{0, tidied, ""}, got)
	dir := folder(t, map[string]string{"a.yaml": untidy, "b.yaml": tidied})
	got = runSLO(t, "", "fmt", dir)
	require.Equal(t, ran{0, tidied + "---\n" + tidied, ""}, got)

	a := filepath.Join(dir, "a.yaml")
	require.Equal(t, ran{1, a + "\n", ""}, runSLO(t, "", "fmt", "--check", dir))
	require.NoError(t, os.Chmod(a, 0o640))
	link := filepath.Join(t.TempDir(), "link.yaml")
	require.NoError(t, os.Symlink(a, link))
	require.Equal(t, ran{0, link + "\n", ""}, runSLO(t, "", "fmt", "-w", link))
	data, err := os.ReadFile(a)
	require.NoError(t, err)
	require.Equal(t, tidied, string(data))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink, "the link is still one")
	info, err = os.Stat(a)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	require.Equal(t, ran{0, "", ""}, runSLO(t, "", "fmt", "--check", dir))
	require.Equal(t, ran{0, "", ""}, runSLO(t, "", "fmt", "--write", dir), "nothing is left to write")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2, "nothing else is left behind")
}

func TestFmtWritesNothingIfAFileIsBroken(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"a.yaml": untidy, "b.yaml": "kind: Nothing\n"})
	got := runSLO(t, "", "fmt", "-w", dir)
	require.Equal(t, 1, got.status)
	require.Empty(t, got.stdout)
	require.Contains(t, got.stderr, "b.yaml:1: document 1: ")
	require.Contains(t, got.stderr, "nothing was written: the documents have")
	data, err := os.ReadFile(filepath.Join(dir, "a.yaml"))
	require.NoError(t, err)
	require.Equal(t, untidy, string(data))
}

func TestFmtPrintsJSON(t *testing.T) {
	t.Parallel()
	var out struct{ Files []formatted }
	require.NoError(t, json.Unmarshal([]byte(runSLO(t, untidy, "fmt", "-o", "json", "-").stdout), &out))
	require.Equal(t, []formatted{{File: "stdin", Differs: true, Text: tidied}}, out.Files)
	var broken formattedOutput
	got := runSLO(t, "kind: x\n", "fmt", "-o", "json", "-")
	require.Equal(t, 1, got.status)
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &broken))
	require.NotEmpty(t, broken.Errors)
	require.Empty(t, broken.Files)
}

func TestExamplesAreSound(t *testing.T) {
	t.Parallel()
	got := runSLO(t, "", "validate", "--strict", "../../examples/slos")
	require.Equal(t, ran{0, "2 files, 9 objects: 0 errors, 0 warnings, 0 notes\n", ""}, got)
	require.Zero(t, runSLO(t, "", "fmt", "../../examples/slos").status)
}
