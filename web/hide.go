package web

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// hidden stands where a secret may be.
const hidden = "[hidden]"

// shownDocument is the document of an object as it may be shown.
func shownDocument(o slo.Object) string {
	if o.Kind != slo.KindDataSource {
		return string(o.Document)
	}
	return hideSecrets(o.Document)
}

// HideSecrets writes the document of a DataSource as the API shows it.
func HideSecrets(document []byte) string { return hideSecrets(document) }

// hideSecrets writes the document of a DataSource with every value hidden but
// those that hold no secret: version, kind, metadata, type and description. So
// the connection details are, and a field that somebody misspelled. Comments
// go. What is not understood for certain is hidden as a whole.
func hideSecrets(document []byte) string {
	decoder := yaml.NewDecoder(bytes.NewReader(document))
	var root yaml.Node
	if err := decoder.Decode(&root); err != nil || len(root.Content) != 1 {
		return hidden
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return hidden
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode || !plain(&root) {
		return hidden
	}
	for i := 0; i < len(top.Content); i += 2 {
		switch value := top.Content[i+1]; top.Content[i].Value {
		case "apiVersion", "kind":
			if value.Kind != yaml.ScalarNode {
				hide(value)
			}
		case "metadata":
			hideMetadata(value)
		case "spec":
			hideSpec(value)
		default:
			hide(value)
		}
	}
	shown, err := yaml.Marshal(&root)
	if err != nil {
		return hidden
	}
	return string(shown)
}

// plain drops the comments and reports whether a tree is what it looks like:
// an alias shows elsewhere what is hidden here.
func plain(node *yaml.Node) bool {
	node.HeadComment, node.LineComment, node.FootComment = "", "", ""
	usual := []string{"", "!!map", "!!seq", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp"}
	if node.Kind == yaml.AliasNode || node.Anchor != "" || !slices.Contains(usual, node.Tag) {
		return false
	}
	for i, child := range node.Content {
		isKey := node.Kind == yaml.MappingNode && i%2 == 0
		if isKey && child.Kind != yaml.ScalarNode || !plain(child) {
			return false
		}
	}
	return true
}

// hideMetadata hides what is in the metadata but the fields that it has. Names,
// labels and annotations are for everybody.
func hideMetadata(metadata *yaml.Node) {
	if metadata.Kind != yaml.MappingNode {
		hide(metadata)
		return
	}
	for i := 0; i < len(metadata.Content); i += 2 {
		if !slices.Contains([]string{"name", "displayName", "labels", "annotations"}, metadata.Content[i].Value) {
			hide(metadata.Content[i+1])
		}
	}
}

// hideSpec hides what is in a spec but its type and its description.
func hideSpec(spec *yaml.Node) {
	if spec.Kind != yaml.MappingNode {
		hide(spec)
		return
	}
	for i := 0; i < len(spec.Content); i += 2 {
		key, value := spec.Content[i].Value, spec.Content[i+1]
		if value.Kind != yaml.ScalarNode || (key != "type" && key != "description") {
			hide(value)
		}
	}
}

// hide replaces every value of a tree; the keys stay if they look like keys.
func hide(node *yaml.Node) {
	switch node.Kind {
	case yaml.MappingNode:
		if !keyed(node) {
			break
		}
		for i := 1; i < len(node.Content); i += 2 {
			hide(node.Content[i])
		}
		return
	case yaml.SequenceNode:
		for _, item := range node.Content {
			hide(item)
		}
		return
	case yaml.ScalarNode, yaml.AliasNode, yaml.DocumentNode:
	}
	*node = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: hidden, Style: yaml.DoubleQuotedStyle}
}

// keyed reports whether a map has keys that may be shown: {secret} is a map, too,
// whose one key has no value.
func keyed(node *yaml.Node) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if value.Tag == "!!null" || len(key.Value) > 63 || strings.Trim(key.Value, letters) != "" {
			return false
		}
	}
	return true
}
