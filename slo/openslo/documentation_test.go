package openslo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// documentation is the text below a heading of docs/openslo.md.
func documentation(t *testing.T, heading string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "openslo.md"))
	require.NoError(t, err)
	_, text, found := strings.Cut(string(data), "\n## "+heading+"\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// rows are the cells of a table, without its head.
func rows(text string) [][]string {
	var all [][]string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		all = append(all, cells)
	}
	return all[2:]
}

func TestTheConformanceTableHasATestForEveryField(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var tests strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		tests.Write(data)
	}
	table := rows(documentation(t, "Conformance"))
	require.Greater(t, len(table), 60)
	for _, row := range table {
		require.Len(t, row, 6, "%v", row)
		for _, cell := range row {
			require.NotEmpty(t, cell, "%v", row)
		}
		require.Contains(t, tests.String(), "func "+row[5]+"(t *testing.T)")
	}
}

func TestEveryTrapHasItsDecision(t *testing.T) {
	t.Parallel()
	table := rows(documentation(t, "The thirty traps"))
	require.Len(t, table, 30)
	for i, row := range table {
		require.Len(t, row, 4, "%v", row)
		require.Equal(t, fmt.Sprint(i+1), row[0])
		require.NotContains(t, row, "")
	}
}

func TestEveryDeviationIsListed(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("verdicts_test.go")
	require.NoError(t, err)
	listed := documentation(t, "Deviations from the SDK")
	found := regexp.MustCompile(`accepts, "([^"]+)"\}`).FindAllStringSubmatch(string(data), -1)
	require.NotEmpty(t, found)
	for _, deviation := range found {
		require.Contains(t, listed, "- "+deviation[1])
	}
}
