package openslo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// parts divides a file into its documents. It stops behind the limit of them.
func (p *parser) parts(data []byte) []part {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if isJSON(data) {
		return p.jsonParts(data)
	}
	var parts []part
	for _, one := range split(data) {
		if parts = p.yamlParts(parts, one); len(parts) > maxDocuments {
			break
		}
	}
	return parts
}

// isJSON reports a text that is a map or a list in JSON.
func isJSON(data []byte) bool {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	return len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(data)
}

// chunk is the text of one YAML document, with how many lines stand before it.
type chunk struct {
	text   []byte
	before int
}

// split divides YAML text at its document markers. "---" and "..." in the
// first column are markers wherever they stand, even in a quoted text, so this
// needs no parser; and one broken document does not hide the faults of others.
func split(data []byte) []chunk {
	var (
		chunks   []chunk
		start    int
		before   int
		preamble = true // Only comments and directives so far.
		line     int
	)
	cut := func(end, lines int) {
		if text := bytes.TrimSpace(data[start:end]); len(text) > 0 && string(text) != "---" {
			chunks = append(chunks, chunk{text: data[start:end], before: before})
		}
		start, before, preamble = end, lines, true
	}
	for at := 0; at < len(data); line++ {
		end := len(data)
		if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
			end = at + n + 1
		}
		text := data[at:end]
		switch {
		case isMarker(text, "---"):
			if !preamble {
				cut(at, line)
			}
			preamble = false
		case isMarker(text, "..."):
			cut(end, line+1)
		case len(bytes.TrimSpace(text)) > 0 && text[0] != '#' && text[0] != '%':
			preamble = false
		}
		at = end
	}
	cut(len(data), line)
	return chunks
}

func isMarker(line []byte, marker string) bool {
	rest, found := bytes.CutPrefix(line, []byte(marker))
	return found && (len(rest) == 0 || strings.IndexByte(" \t\r\n", rest[0]) >= 0)
}

// yamlParts appends the documents of one chunk: none, one, or those of a list.
func (p *parser) yamlParts(parts []part, c chunk) []part {
	number := len(parts) + 1
	var root yaml.Node
	if err := decode(c.text, &root); errors.Is(err, io.EOF) {
		return parts
	} else if err != nil {
		p.broken(number, c, err)
		// A part without a tree keeps the numbers of the documents that follow right.
		return append(parts, part{number: number, source: c.text})
	}
	node := root.Content[0]
	shift(node, c.before)
	if reason := tangled(node); reason != "" {
		p.fault(slo.DocumentError{Document: number, Line: node.Line, Reason: reason})
		return append(parts, part{number: number, source: c.text})
	}
	if node.Kind != yaml.SequenceNode {
		if isNull(node) {
			return parts
		}
		source := sourceOf(c.text, node)
		unmerge(node)
		return append(parts, part{number: number, node: node, source: source})
	}
	unmerge(node)
	for _, item := range node.Content {
		if item = resolve(item); isNull(item) {
			continue
		}
		number := len(parts) + 1
		source, err := yaml.Marshal(plain(item))
		if err != nil {
			p.fault(slo.DocumentError{Document: number, Line: item.Line, Reason: fmt.Sprintf("cannot be written as a document of its own: %v", err)})
		}
		if parts = append(parts, part{number: number, node: item, source: source}); len(parts) > maxDocuments {
			break
		}
	}
	return parts
}

// broken reports text that is no YAML.
func (p *parser) broken(number int, c chunk, err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if where, rest, found := strings.Cut(message, ": "); found && strings.HasPrefix(where, "line ") {
		message = rest // The line is that of the context, if any: faultLine knows better.
	}
	if strings.HasPrefix(message, "unknown anchor") {
		message = "an alias (*) stands for an anchor (&) that is not there; text that begins with * needs quotes" // It may be a password.
	}
	p.fault(slo.DocumentError{Document: number, Line: c.before + faultLine(c.text, err), Reason: "is not valid YAML: " + message})
}

// faultLine finds the line at which the YAML parser gave up with an error, as
// the last line of the shortest beginning of the text that has the same one.
// The text is parsed about ten times; of a long one only the first 64 KiB are
// searched.
func faultLine(text []byte, fault error) int {
	text = bytes.TrimRight(text[:min(len(text), 64<<10)], " \t\r\n")
	var ends []int
	for line := range bytes.Lines(text) {
		end := len(line)
		if len(ends) > 0 {
			end += ends[len(ends)-1]
		}
		ends = append(ends, end)
	}
	before := sort.Search(len(ends)-1, func(i int) bool {
		err := decode(text[:ends[i]], new(yaml.Node))
		return err != nil && err.Error() == fault.Error()
	})
	return before + 1
}

// decode reads the one YAML document of a text; io.EOF means that there is none.
func decode(text []byte, root *yaml.Node) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(root); err != nil {
		return err
	}
	switch err := decoder.Decode(new(yaml.Node)); {
	case err == nil:
		return errors.New("a second document follows without --- on a line of its own")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// sourceOf is the text of a document alone. The empty lines at its end are left
// out, unless they belong to a text in it.
func sourceOf(text []byte, node *yaml.Node) []byte {
	source := tidy(text)
	if !endsInBlocks(text) {
		return source
	}
	var again yaml.Node
	if err := decode(source, &again); err != nil || !reflect.DeepEqual(plain(again.Content[0]), plain(node)) {
		return bytes.Clone(text)
	}
	return source
}

// endsInBlocks reports whether a line ends as one does that begins a block of
// text: "description: |+".
func endsInBlocks(text []byte) bool {
	for line := range bytes.Lines(text) {
		line, _, _ = bytes.Cut(line, []byte(" #"))
		line = bytes.TrimRight(line, "+-0123456789 \t\r\n")
		if bytes.HasSuffix(line, []byte("|")) || bytes.HasSuffix(line, []byte(">")) {
			return true
		}
	}
	return false
}

// tidy takes the marker and the empty lines around a document away.
func tidy(text []byte) []byte {
	text = bytes.TrimLeft(text, "\r\n")
	if first, rest, found := bytes.Cut(text, []byte("\n")); found && string(bytes.TrimSpace(first)) == "---" {
		text = bytes.TrimLeft(rest, "\r\n")
	}
	return slices.Concat(bytes.TrimRight(text, " \t\r\n"), []byte("\n")) // The text is the caller's.
}
