package main

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// contextLines stand around a change.
	contextLines = 3
	// maxEdits bounds the search: texts that differ in more lines are shown as
	// one taken out and one put in.
	maxEdits = 2000
)

// edit is a line of a comparison: ' ' in both, '-' only in the old text, '+'
// only in the new one.
type edit struct {
	mark byte
	text string
}

// unifiedDiff compares texts line by line, as diff -u prints it; empty if they
// are equal.
func unifiedDiff(oldName, newName, before, after string) string {
	if before == after {
		return ""
	}
	edits := compareLines(linesOf(before), linesOf(after))
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", oldName, newName)
	oldLine, newLine := 1, 1
	for at := 0; at < len(edits); {
		if edits[at].mark == ' ' {
			at, oldLine, newLine = at+1, oldLine+1, newLine+1
			continue
		}
		lead := min(contextLines, leading(edits, at))
		end := hunkEnd(edits, at)
		b.WriteString(hunk(edits[at-lead:end], oldLine-lead, newLine-lead))
		for ; at < end; at++ {
			if edits[at].mark != '+' {
				oldLine++
			}
			if edits[at].mark != '-' {
				newLine++
			}
		}
	}
	return b.String()
}

// linesOf are the lines of a text, the last one with or without its end.
func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// leading counts the lines before a place that are in both texts.
func leading(edits []edit, at int) int {
	n := 0
	for at-n > 0 && edits[at-n-1].mark == ' ' {
		n++
	}
	return n
}

// hunkEnd is where a group of changes that begins at a place ends, with its
// context: what is nearer than two contexts belongs to it.
func hunkEnd(edits []edit, at int) int {
	end, same := at, 0
	for i := at; i < len(edits) && same <= 2*contextLines; i++ {
		if edits[i].mark == ' ' {
			same++
			continue
		}
		end, same = i+1, 0
	}
	return min(end+contextLines, len(edits))
}

func hunk(edits []edit, oldLine, newLine int) string {
	var body strings.Builder
	olds, news := 0, 0
	for _, e := range edits {
		if e.mark != '+' {
			olds++
		}
		if e.mark != '-' {
			news++
		}
		body.WriteByte(e.mark)
		body.WriteString(e.text)
		body.WriteByte('\n')
	}
	if olds == 0 {
		oldLine-- // As diff says it: after which line.
	}
	if news == 0 {
		newLine--
	}
	return fmt.Sprintf("@@ -%d,%d +%d,%d @@\n%s", oldLine, olds, newLine, news, body.String())
}

// compareLines finds a shortest list of edits.
func compareLines(before, after []string) []edit {
	var edits, tail []edit
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		edits = append(edits, edit{' ', before[0]})
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		tail = append(tail, edit{' ', before[len(before)-1]})
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	slices.Reverse(tail)
	return slices.Concat(edits, shortest(before, after), tail)
}

// shortest is the greedy algorithm of E. Myers, "An O(ND) Difference Algorithm
// and Its Variations" (1986). In a grid with the old lines across and the new
// ones down, a step right takes a line out, one down puts one in, and a
// diagonal, which is free, is a line of both. For each number of steps d it
// keeps how far right each diagonal k = x - y can be reached, until the corner
// is. "ab" to "b" is one step right and one diagonal: d = 1.
func shortest(before, after []string) []edit {
	n, m := len(before), len(after)
	limit := min(n+m, maxEdits)
	reach := make([]int32, 2*limit+3)
	var trace [][]int32
	for d := 0; d <= limit; d++ {
		for k := -d; k <= d; k += 2 {
			x := reach[limit+k] + 1
			if k == -d || (k != d && reach[limit+k] < reach[limit+k+2]) {
				x = reach[limit+k+2]
			}
			for int(x) < n && int(x)-k < m && before[x] == after[int(x)-k] {
				x++
			}
			reach[limit+1+k] = x
			if int(x) >= n && int(x)-k >= m {
				return walkBack(before, after, trace, d)
			}
		}
		trace = append(trace, append([]int32(nil), reach[limit+1-d:limit+2+d]...))
	}
	edits := make([]edit, 0, n+m)
	for _, line := range before {
		edits = append(edits, edit{'-', line})
	}
	for _, line := range after {
		edits = append(edits, edit{'+', line})
	}
	return edits
}

// walkBack finds the way from the corner to the start, by what was reached with
// one step less each time: trace[d][k+d] is the reach of diagonal k.
func walkBack(before, after []string, trace [][]int32, d int) []edit {
	x, y := len(before), len(after)
	var edits []edit
	for ; d > 0; d-- {
		k := x - y
		at := func(k int) int {
			if k < -(d-1) || k > d-1 {
				return -1
			}
			return int(trace[d-1][k+d-1])
		}
		down := k == -d || (k != d && at(k-1) < at(k+1))
		from := k - 1
		if down {
			from = k + 1
		}
		stepX := at(from) // Where the step led to, before the diagonal.
		if !down {
			stepX++
		}
		for x > stepX {
			x, y = x-1, y-1
			edits = append(edits, edit{' ', before[x]})
		}
		if down {
			y--
			edits = append(edits, edit{'+', after[y]})
		} else {
			x--
			edits = append(edits, edit{'-', before[x]})
		}
	}
	for x > 0 && y > 0 {
		x, y = x-1, y-1
		edits = append(edits, edit{' ', before[x]})
	}
	slices.Reverse(edits)
	return edits
}
