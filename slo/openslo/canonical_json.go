package openslo

import (
	"bytes"
	"encoding/json"
	"fmt"

	"gopkg.in/yaml.v3"
)

// canonicalJSON writes a JSON text, a document or a list of them.
func canonicalJSON(data []byte) ([]byte, error) {
	j := jsonTree{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), line: 1}
	j.decoder.UseNumber()
	first, err := j.token()
	if err != nil {
		return nil, err
	}
	top, err := j.value(first, 1)
	if err != nil {
		return nil, err
	}
	order(&yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{top}})
	var out bytes.Buffer
	if err := writeJSON(&out, top); err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, out.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("indent: %w", err)
	}
	indented.WriteByte('\n')
	return indented.Bytes(), nil
}

// writeJSON writes a tree with its numbers as they are.
func writeJSON(out *bytes.Buffer, node *yaml.Node) error {
	switch node.Kind {
	case yaml.MappingNode:
		out.WriteByte('{')
		for i, child := range node.Content {
			if i > 0 {
				out.WriteByte(",:"[i%2])
			}
			if err := writeJSON(out, child); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case yaml.SequenceNode:
		out.WriteByte('[')
		for i, child := range node.Content {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, child); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	case yaml.ScalarNode, yaml.DocumentNode, yaml.AliasNode:
		if node.Tag != "!!str" {
			out.WriteString(node.Value)
			return nil
		}
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(node.Value); err != nil {
			return fmt.Errorf("write text: %w", err)
		}
	}
	return nil
}
