package openslo

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// keepsComments makes sure that every comment is still there. The YAML parser
// loses some, so that the lines of the text are compared: the last # of a line
// with a space before it is a comment, unless it stands in a text.
func keepsComments(before, after []byte) error {
	kept := comments(after)
	var texts []string
	for comment, n := range comments(before) {
		if kept[comment] >= n {
			continue
		}
		if texts == nil {
			texts = scalars(before)
		}
		if !within(texts, comment) {
			return fmt.Errorf("the comment %q would be lost: move it to another line", excerpt(comment))
		}
	}
	return nil
}

// comments counts what is probably a comment.
func comments(data []byte) map[string]int {
	found := map[string]int{}
	for line := range strings.Lines(string(data)) {
		for at := len(line) - 1; at >= 0; at-- {
			if line[at] == '#' && (at == 0 || line[at-1] == ' ' || line[at-1] == '\t') {
				found[strings.TrimSpace(line[at:])]++
				break
			}
		}
	}
	return found
}

// scalars are the texts of all documents.
func scalars(data []byte) []string {
	var texts []string
	var walk func(node *yaml.Node)
	walk = func(node *yaml.Node) {
		if node.Kind == yaml.ScalarNode && strings.Contains(node.Value, "#") {
			texts = append(texts, node.Value)
		}
		for _, child := range node.Content {
			walk(child)
		}
	}
	for _, c := range split(data) {
		var root yaml.Node
		if err := decode(c.text, &root); err == nil {
			walk(&root)
		}
	}
	return texts
}

// within reports whether a text holds what looks like a comment, up to the
// quotes and brackets that may end it.
func within(texts []string, comment string) bool {
	comment, _, _ = strings.Cut(strings.TrimRight(comment, "\"'}],:\\ "), "\\")
	for _, text := range texts {
		if strings.Contains(text, comment) {
			return true
		}
	}
	return false
}
