package main

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextsAreComparedLineByLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after, want string }{
		"equal texts":        {"a\nb\n", "a\nb\n", ""},
		"a line that is new": {"a\nb\n", "a\nx\nb\n", "@@ -1,2 +1,3 @@\n a\n+x\n b\n"},
		"a line that goes":   {"a\nx\nb\n", "a\nb\n", "@@ -1,3 +1,2 @@\n a\n-x\n b\n"},
		"all is new":         {"", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n"},
		"all goes":           {"a\n", "", "@@ -1,1 +0,0 @@\n-a\n"},
		"an end without a line feed does not count as a line": {"a\n", "b", "@@ -1,1 +1,1 @@\n-a\n+b\n"},
		"changes far apart have hunks of their own": {
			"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
			"@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n",
		},
		"changes near each other share one": {
			"a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
			"@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := c.want
			if want != "" {
				want = "--- old\n+++ new\n" + want
			}
			require.Equal(t, want, unifiedDiff("old", "new", c.before, c.after))
		})
	}
}

// TestEditsLeadFromOneTextToTheOther tries random texts, and compares the number
// of edits with that of the textbook's table.
func TestEditsLeadFromOneTextToTheOther(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		text := func() []string {
			lines := make([]string, random.IntN(12))
			for i := range lines {
				lines[i] = string(rune('a' + random.IntN(4)))
			}
			return lines
		}
		before, after := text(), text()
		var olds, news []string
		edits := 0
		for _, e := range compareLines(before, after) {
			if e.mark != '+' {
				olds = append(olds, e.text)
			}
			if e.mark != '-' {
				news = append(news, e.text)
			}
			if e.mark != ' ' {
				edits++
			}
		}
		require.Equal(t, strings.Join(before, ""), strings.Join(olds, ""))
		require.Equal(t, strings.Join(after, ""), strings.Join(news, ""))
		require.Equal(t, len(before)+len(after)-2*longestCommon(before, after), edits)
	}
}

func longestCommon(a, b []string) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := range a {
		for j := range b {
			if a[i] == b[j] {
				table[i+1][j+1] = table[i][j] + 1
			} else {
				table[i+1][j+1] = max(table[i][j+1], table[i+1][j])
			}
		}
	}
	return table[len(a)][len(b)]
}

func TestTextsThatDifferTooMuchAreExchanged(t *testing.T) {
	t.Parallel()
	diff := unifiedDiff("old", "new", strings.Repeat("a\n", 3000), strings.Repeat("b\n", 3000))
	require.Equal(t, 3000, strings.Count(diff, "\n-a"))
	require.Equal(t, 3000, strings.Count(diff, "\n+b"))
}
