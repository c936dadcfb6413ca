package openslo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// Canonical writes the documents of a file in one form: fields in the order of
// the specification, blocks instead of braces, labels as lists, aliases and
// merge keys written out. Comments are kept, JSON stays JSON. Writing what was written changes
// nothing, and reading it gives the same objects.
//
// The error is a slo.DocumentErrors: those of Parse, or that the comments stand
// where they would be lost.
func Canonical(file string, data []byte, mode Mode) ([]byte, error) {
	before, _, err := Parse(file, data, mode)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	write := canonicalYAML
	if isJSON(data) {
		write = canonicalJSON
	}
	out, err := settled(data, write)
	if err == nil {
		err = same(before, out, file, mode)
	}
	if err == nil && !isJSON(data) {
		err = keepsComments(data, out)
	}
	if err != nil {
		return nil, slo.DocumentErrors{{File: file, Reason: fmt.Sprintf("cannot be formatted: %v", err)}}
	}
	return out, nil
}

// settled writes until nothing changes any more: a comment may find its place
// only in the second round.
func settled(data []byte, write func([]byte) ([]byte, error)) ([]byte, error) {
	for range 8 {
		out, err := write(data)
		if err != nil || bytes.Equal(out, data) {
			return out, err
		}
		data = out
	}
	return nil, errors.New("it has no settled form: move its comments to lines of their own")
}

// same makes sure that the text still reads to the same objects.
func same(before []Object, out []byte, file string, mode Mode) error {
	after, _, err := Parse(file, out, mode)
	if err != nil {
		return fmt.Errorf("it would be read as something else: %w", err)
	}
	equal := slices.EqualFunc(before, after, func(a, b Object) bool {
		return a.ObjectRef == b.ObjectRef && reflect.DeepEqual(a.content, b.content) && sameReferences(a, b)
	})
	if !equal {
		return errors.New("it would be read as something else")
	}
	return nil
}

func sameReferences(a, b Object) bool {
	if len(a.References) != len(b.References) {
		return false
	}
	for _, ref := range a.References {
		if !slices.Contains(b.References, ref) {
			return false
		}
	}
	return true
}

// canonicalYAML writes every document of a text once.
func canonicalYAML(data []byte) ([]byte, error) {
	var out bytes.Buffer
	for i, c := range split(data) {
		if i > 0 {
			out.WriteString("---\n")
		}
		var root yaml.Node
		text := c.text
		if !bytes.HasSuffix(text, []byte("\n")) && !endsInBlocks(text) {
			text = slices.Concat(text, []byte("\n")) // Without it the parser loses a comment at the end.
		}
		if err := decode(text, &root); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		} else if err != nil || root.Content[0].Value == "" && isNull(root.Content[0]) {
			out.WriteString(onlyComments(c.text))
			continue
		}
		order(&root)
		encoder := yaml.NewEncoder(&out)
		encoder.SetIndent(2)
		if err := encoder.Encode(&root); err != nil {
			return nil, fmt.Errorf("write document %d: %w", i+1, err)
		}
		if err := encoder.Close(); err != nil {
			return nil, fmt.Errorf("write document %d: %w", i+1, err)
		}
	}
	return out.Bytes(), nil
}

// onlyComments are the lines of a text that is nothing else.
func onlyComments(text []byte) string {
	var b strings.Builder
	for line := range bytes.Lines(text) {
		if at := bytes.IndexByte(line, '#'); at >= 0 {
			b.Write(bytes.TrimSpace(line[at:]))
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// order brings a document, or a list of them, into the canonical form.
func order(root *yaml.Node) {
	unmerge(root)
	expand(root)
	lift(root)
	for _, top := range root.Content {
		documents := []*yaml.Node{top}
		if top.Kind == yaml.SequenceNode {
			documents = top.Content
		}
		for _, document := range documents {
			orderFields(document, documentShape(document))
		}
		if head := firstComment(top); top.Kind == yaml.MappingNode && head != "" {
			root.HeadComment = strings.TrimPrefix(root.HeadComment+"\n\n"+head, "\n\n")
		}
	}
}

// firstComment takes the comment above the first line of a document away, so
// that it stays above whatever is first.
func firstComment(top *yaml.Node) string {
	first := (*yaml.Node)(nil)
	for i := 0; i+1 < len(top.Content); i += 2 {
		if key := top.Content[i]; first == nil || key.Line < first.Line {
			first = key
		}
	}
	if first == nil || len(top.Content) == 0 || first == top.Content[0] {
		return ""
	}
	head := first.HeadComment
	first.HeadComment = ""
	return head
}

// expand writes aliases out and takes what only shapes the text away.
func expand(node *yaml.Node) {
	node.Anchor = ""
	switch node.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		node.Style &^= yaml.FlowStyle
	case yaml.ScalarNode:
		if !asBlock(node.Value) {
			node.Style &^= yaml.LiteralStyle | yaml.FoldedStyle
			if strings.ContainsAny(node.Value, "\r\n") {
				node.Style |= yaml.DoubleQuotedStyle
			}
		}
	case yaml.DocumentNode, yaml.AliasNode:
	}
	for i, child := range node.Content {
		if child.Kind == yaml.AliasNode {
			written := plain(child)
			written.HeadComment, written.LineComment, written.FootComment = child.HeadComment, child.LineComment, child.FootComment
			written.Line = child.Line
			node.Content[i] = written
			continue
		}
		expand(child)
	}
}

// lift moves a comment behind braces or brackets, which has no place behind a
// block, to the line before.
func lift(node *yaml.Node) {
	for i, child := range node.Content {
		lift(child)
		if child.LineComment == "" || child.Kind == yaml.ScalarNode || len(child.Content) == 0 {
			continue
		}
		above := child
		if node.Kind == yaml.MappingNode && i%2 == 1 {
			above = node.Content[i-1]
		}
		above.HeadComment = strings.TrimPrefix(above.HeadComment+"\n"+child.LineComment, "\n")
		child.LineComment = ""
	}
}

// asBlock reports text that a block of lines can express: no space where YAML
// would lose or misread it.
func asBlock(text string) bool {
	if text == "" || strings.ContainsAny(text, "\r\t\u0085\u2028\u2029") || strings.ContainsAny(text[:1], " \n#") {
		return false
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasSuffix(line, " ") {
			return false
		}
	}
	return !strings.HasSuffix(text, "\n\n")
}
