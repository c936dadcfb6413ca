package openslo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// jsonParts reads valid JSON: one document or a list of them. JSON is not
// left to the YAML parser, which refuses some of it (escaped surrogate pairs,
// as in "\ud83d\ude00").
func (p *parser) jsonParts(data []byte) []part {
	j := jsonTree{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), line: 1}
	j.decoder.UseNumber()
	var parts []part
	add := func(node *yaml.Node, source []byte) {
		if !isNull(node) {
			parts = append(parts, part{number: len(parts) + 1, node: node, source: source})
		}
	}
	err := j.each(add)
	if err != nil {
		p.fault(slo.DocumentError{Document: len(parts) + 1, Line: j.line, Reason: err.Error()})
		parts = append(parts, part{number: len(parts) + 1, source: data})
	}
	return parts
}

// jsonTree builds the tree of a JSON text.
type jsonTree struct {
	data    []byte
	decoder *json.Decoder
	// line is the line of the token read last, read is where it ends.
	line int
	read int64
}

// each calls add for each document, with its text.
func (j *jsonTree) each(add func(node *yaml.Node, source []byte)) error {
	first, err := j.token()
	if err != nil {
		return err
	}
	if first != json.Delim('[') {
		start := j.read - 1
		node, err := j.value(first, 1)
		if err != nil {
			return err
		}
		add(node, j.data[start:j.read])
		return nil
	}
	for found := 0; j.decoder.More() && found <= maxDocuments; found++ {
		token, err := j.token()
		if err != nil {
			return err
		}
		start := j.read - 1
		node, err := j.value(token, 2)
		if err != nil {
			return err
		}
		add(node, j.data[start:j.read])
	}
	return nil
}

func (j *jsonTree) token() (json.Token, error) {
	token, err := j.decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("is not valid JSON: %w", err)
	}
	end := j.decoder.InputOffset()
	j.line += bytes.Count(j.data[j.read:end], []byte("\n"))
	j.read = end
	return token, nil
}

// value builds the node that begins with a token.
func (j *jsonTree) value(token json.Token, depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("is nested deeper than %d levels", maxDepth)
	}
	node := &yaml.Node{Kind: yaml.ScalarNode, Line: j.line}
	switch v := token.(type) {
	case json.Delim:
		return node, j.children(node, v, depth)
	case string:
		node.Tag, node.Value = "!!str", v
	case json.Number:
		node.Tag, node.Value = "!!int", v.String()
		if strings.ContainsAny(node.Value, ".eE") {
			node.Tag = "!!float"
		}
	case bool:
		node.Tag, node.Value = "!!bool", fmt.Sprint(v)
	default:
		node.Tag, node.Value = "!!null", "null"
	}
	return node, nil
}

// children reads what stands between a pair of brackets. The keys of a map are
// tokens like its values.
func (j *jsonTree) children(node *yaml.Node, open json.Delim, depth int) error {
	node.Kind, node.Tag = yaml.MappingNode, "!!map"
	if open == '[' {
		node.Kind, node.Tag = yaml.SequenceNode, "!!seq"
	}
	for j.decoder.More() {
		token, err := j.token()
		if err != nil {
			return err
		}
		child, err := j.value(token, depth+1)
		if err != nil {
			return err
		}
		node.Content = append(node.Content, child)
	}
	_, err := j.token() // The closing bracket.
	return err
}
