package openslo

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// The limits of one tree. A valid document is ten levels deep.
const (
	maxDepth   = 64
	maxAliased = 10_000
)

// shift moves a tree down by lines.
func shift(node *yaml.Node, lines int) {
	node.Line += lines
	for _, child := range node.Content {
		shift(child, lines)
	}
}

// tangled says what is wrong with the shape of a tree, or nothing. Aliases may
// repeat a part; what they expand to is bounded, so that a few lines cannot
// stand for a million.
func tangled(root *yaml.Node) string {
	aliased := 0
	var walk func(node *yaml.Node, depth int, inAlias bool) string
	walk = func(node *yaml.Node, depth int, inAlias bool) string {
		if node.Kind == yaml.AliasNode {
			node, inAlias = node.Alias, true
		}
		if inAlias {
			aliased++
		}
		if aliased > maxAliased {
			return fmt.Sprintf("its aliases expand to more than %d values: write them out", maxAliased)
		}
		if depth > maxDepth {
			return fmt.Sprintf("is nested deeper than %d levels", maxDepth)
		}
		for _, child := range node.Content {
			if reason := walk(child, depth+1, inAlias); reason != "" {
				return reason
			}
		}
		return ""
	}
	return walk(root, 1, false)
}

// resolve follows an alias to what it stands for.
func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// plain copies a tree without aliases, anchors, comments, styles and lines, so
// that it can be written as a text of its own. Text of several lines is quoted:
// the block style cannot express all of it.
func plain(node *yaml.Node) *yaml.Node { return bare(node, false) }

// bare is plain, with the lines if they are wanted.
func bare(node *yaml.Node, lines bool) *yaml.Node {
	node = resolve(node)
	copied := &yaml.Node{Kind: node.Kind, Tag: node.ShortTag(), Value: node.Value}
	if lines {
		copied.Line = node.Line
	}
	if node.Kind == yaml.ScalarNode && strings.ContainsAny(node.Value, "\r\n") {
		copied.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range node.Content {
		copied.Content = append(copied.Content, bare(child, lines))
	}
	return copied
}

// describe names a value as an error shows it.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
	text := excerpt(node.Value)
	switch node.ShortTag() {
	case "!!str":
		return "the text " + strconv.Quote(text)
	case "!!int", "!!float":
		return "the number " + text
	case "!!timestamp":
		return "the date " + text
	case "!!bool":
		return text
	case "!!null":
		return "nothing"
	default:
		return fmt.Sprintf("a value tagged %q", excerpt(node.ShortTag()))
	}
}
