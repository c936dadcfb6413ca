package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheCommandLineOfTheDocumentationIsTrue runs what the page shows, in its
// order, and compares what is printed. Only sed stands before a pipe.
func TestTheCommandLineOfTheDocumentationIsTrue(t *testing.T) {
	url, _ := serveCatalog(t)
	t.Chdir("../..")
	page, err := os.ReadFile("docs/objectives.md")
	require.NoError(t, err)
	getenv := func(name string) string { return map[string]string{"SLOWBURN_SERVER": url}[name] }
	calls := 0
	for _, block := range regexp.MustCompile("(?ms)^```console\n(.*?)^```").FindAllStringSubmatch(string(page), -1) {
		for _, step := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			line, want, _ := strings.Cut(strings.TrimSuffix(step, "\n"), "\n")
			var stdin string
			if before, after, piped := strings.Cut(line, " | "); piped {
				stdin, line = edited(t, before), after
			}
			words := strings.Fields(line)
			require.Equal(t, "slowburn", words[0])
			var stdout, stderr bytes.Buffer
			execute(t.Context(), words[1:], getenv, strings.NewReader(stdin), &stdout, &stderr)
			require.Equal(t, want, strings.TrimSuffix(stdout.String(), "\n"), line)
			require.Empty(t, stderr.String(), line)
			calls++
		}
	}
	require.GreaterOrEqual(t, calls, 6)
}

// edited does what "sed 's/old/new/' file" does with texts without patterns.
func edited(t *testing.T, call string) string {
	t.Helper()
	parts := regexp.MustCompile(`^sed 's/([^/]*)/([^/]*)/' (\S+)$`).FindStringSubmatch(call)
	require.NotNil(t, parts, call)
	data, err := os.ReadFile(parts[3])
	require.NoError(t, err)
	return strings.ReplaceAll(string(data), parts[1], parts[2])
}
