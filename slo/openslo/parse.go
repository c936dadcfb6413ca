// Package openslo reads OpenSLO v1 documents into the types of package slo.
// It is strict: what it does not know, or what Slowburn cannot do yet, is
// refused by name, with the file, the line and the field.
package openslo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// The limits of one call of Parse.
const (
	maxBytes     = 1 << 20
	maxDocuments = 10_000
	maxFaults    = 1_000
)

// Document is one OpenSLO document that was read.
type Document struct {
	SLO slo.SLO
	// Source is the text of this document alone, YAML or JSON. Parse reads it
	// to the same SLO.
	Source []byte
	// Line is where the document begins in the file, counted from 1.
	Line int
	// Lines are the lines of its fields in the file, by field path such as
	// "spec.objectives[0].target", so that a later check can point at them.
	Lines map[string]int
}

// Parse reads every document of a file: YAML documents divided by "---", a
// list of documents on the top level, or JSON. Empty documents are skipped, so
// that a file of comments has none.
//
// If anything is wrong nothing is returned but a slo.DocumentErrors with all
// the faults, in the order of their lines. file is only used to name the
// place. The data is at most 1 MiB, with at most 10 000 documents.
func Parse(file string, data []byte) ([]Document, error) {
	p := parser{file: file}
	documents := p.parse(data)
	if len(p.faults) > 0 {
		slices.SortStableFunc(p.faults, func(a, b slo.DocumentError) int {
			return cmp.Or(cmp.Compare(a.Document, b.Document), cmp.Compare(a.Line, b.Line))
		})
		return nil, p.faults
	}
	return documents, nil
}

// parser gathers the faults of one file.
type parser struct {
	file   string
	faults slo.DocumentErrors
}

// part is the tree and the text of one document. The lines of the tree are
// those of the file.
type part struct {
	number int
	node   *yaml.Node
	source []byte
}

func (p *parser) parse(data []byte) []Document {
	if len(data) > maxBytes {
		p.fault(slo.DocumentError{Reason: fmt.Sprintf("holds %d bytes, more than the limit of %d (1 MiB): divide it into several files", len(data), maxBytes)})
		return nil
	}
	if reason, line := unreadable(data); reason != "" {
		p.fault(slo.DocumentError{Line: line, Reason: reason})
		return nil
	}
	parts := p.parts(data)
	if len(parts) > maxDocuments {
		p.fault(slo.DocumentError{Reason: fmt.Sprintf("holds more than %d documents, the limit: divide it into several files", maxDocuments)})
		return nil
	}
	documents := make([]Document, len(parts))
	for i, one := range parts {
		if one.node == nil { // It is broken, and reported.
			continue
		}
		r := reader{parser: p, document: one.number, lines: map[string]int{}}
		documents[i] = Document{SLO: r.read(one.node), Source: one.source, Line: one.node.Line, Lines: r.lines}
	}
	p.refuseTwins(parts, documents)
	return documents
}

// refuseTwins reports every name that an earlier document has already.
func (p *parser) refuseTwins(parts []part, documents []Document) {
	first := make(map[string]int, len(documents))
	for i, d := range documents {
		if d.SLO.Name == "" {
			continue
		}
		earlier, twin := first[d.SLO.Name]
		if !twin {
			first[d.SLO.Name] = i
			continue
		}
		p.fault(slo.DocumentError{
			Document: parts[i].number, Line: d.Lines[namePath], Object: "SLO " + d.SLO.Name, Field: namePath,
			Reason: fmt.Sprintf("the name is taken by document %d, line %d: give each SLO a name of its own",
				parts[earlier].number, documents[earlier].Lines[namePath]),
		})
	}
}

// fault keeps a fault; the thousandth says that there are more.
func (p *parser) fault(fault slo.DocumentError) {
	fault.File = p.file
	switch {
	case len(p.faults) < maxFaults-1:
		p.faults = append(p.faults, fault)
	case len(p.faults) == maxFaults-1:
		fault.Reason += " (and more faults follow: mend these first)"
		p.faults = append(p.faults, fault)
	}
}

// unreadable finds the first character that no text has: what is wrong with
// it and its line, or nothing.
func unreadable(data []byte) (reason string, line int) {
	line = 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			return "is not UTF-8 text: save the file in UTF-8", line
		case isControl(r):
			return fmt.Sprintf("holds the control character %U: remove it", r), line
		case r == '\n':
			line++
		}
		data = data[size:]
	}
	return "", 0
}

// isControl reports a control character that is no white space.
func isControl(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r'
}

// excerpt shortens what a user wrote, so that an error stays one line.
func excerpt(text string) string {
	const limit = 60
	if utf8.RuneCountInString(text) > limit {
		text = string([]rune(text)[:limit]) + "..."
	}
	return strings.ToValidUTF8(text, "?")
}
