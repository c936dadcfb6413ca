// Package openslo reads OpenSLO v1 objects of every kind, in strict or lenient
// mode, and puts together the SLOs of package slo from them. What is wrong is
// refused by name, with the file, the line and the field; docs/openslo.md has
// every choice.
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

// Parse reads every object of a file: YAML documents divided by "---", a list
// of documents on the top level, or JSON. Empty documents are skipped, so that a
// file of comments has none.
//
// If anything is wrong nothing is returned but a slo.DocumentErrors with all
// the faults, in the order of their lines. The warnings, in the same order, say
// what was read otherwise than it is written, or will hardly be meant. file is
// only used to name the place. The data is at most 1 MiB, with at most 10 000
// documents.
func Parse(file string, data []byte, mode Mode) ([]Object, slo.DocumentWarnings, error) {
	objects, warnings, err := Read(file, data, mode)
	if err != nil {
		return nil, warnings, err
	}
	return objects, warnings, nil
}

// Read is Parse for who looks for all faults, those that Assemble finds among
// them: beside the error it returns every object as far as it could be read.
// Those with faults are Broken. What could not be read at all, be it a document
// or the whole file, is an object without kind and name.
func Read(file string, data []byte, mode Mode) ([]Object, slo.DocumentWarnings, error) {
	p := parser{file: file, mode: mode}
	objects := p.parse(data)
	byPlace := func(a, b slo.DocumentError) int {
		return cmp.Or(cmp.Compare(a.Document, b.Document), cmp.Compare(a.Line, b.Line))
	}
	slices.SortStableFunc(p.faults, byPlace)
	slices.SortStableFunc(p.warnings, byPlace)
	if len(p.faults) > 0 {
		return objects, p.warnings, p.faults
	}
	return objects, p.warnings, nil
}

// parser gathers the faults of one file.
type parser struct {
	file     string
	mode     Mode
	faults   slo.DocumentErrors
	warnings slo.DocumentWarnings
}

// part is the tree and the text of one document. The lines of the tree are
// those of the file. There is no tree if the document is no text of its language,
// which is reported.
type part struct {
	number int
	node   *yaml.Node
	source []byte
}

func (p *parser) parse(data []byte) []Object {
	unread := []Object{unreadObject(p.file, part{source: data})}
	if len(data) > maxBytes {
		p.fault(slo.DocumentError{Reason: fmt.Sprintf("holds %d bytes, more than the limit of %d (1 MiB): divide it into several files", len(data), maxBytes)})
		return unread
	}
	if reason, line := unreadable(data); reason != "" {
		p.fault(slo.DocumentError{Line: line, Reason: reason})
		return unread
	}
	parts := p.parts(data)
	if len(parts) > maxDocuments {
		p.fault(slo.DocumentError{Reason: fmt.Sprintf("holds more than %d documents, the limit: divide it into several files", maxDocuments)})
		return unread
	}
	objects := make([]Object, len(parts))
	for i, one := range parts {
		if one.node == nil {
			objects[i] = unreadObject(p.file, one)
			continue
		}
		r := reader{parser: p, mode: p.mode, document: one.number, lines: map[string]int{}, faulty: map[string]bool{}}
		ref, content := r.read(one.node)
		objects[i] = Object{
			ObjectRef: ref, File: p.file, Document: one.number, Line: one.node.Line, Lines: r.lines, Source: one.source,
			References: r.references, Broken: len(r.faulty) > 0 || one.source == nil, faulty: r.faulty, content: content,
		}
		if ref.Kind == "" {
			objects[i].Names = namesIn(one.source)
		}
	}
	p.refuseTwins(objects)
	return objects
}

// refuseTwins reports every name that an earlier object of its kind has already.
func (p *parser) refuseTwins(objects []Object) {
	first := make(map[slo.ObjectRef]Object, len(objects))
	for i, o := range objects {
		if !o.known() {
			continue
		}
		earlier, twin := first[o.ObjectRef]
		if !twin {
			first[o.ObjectRef] = o
			continue
		}
		objects[i].Broken = true
		p.fault(slo.DocumentError{
			Document: o.Document, Line: o.Lines[namePath], Object: o.String(), Field: namePath,
			Reason: fmt.Sprintf("the name is taken by document %d, line %d: give each %s a name of its own",
				earlier.Document, earlier.Lines[namePath], o.Kind),
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

// warning keeps a warning. What is beyond the limit is left out: warnings stand
// in nobody's way.
func (p *parser) warning(warning slo.DocumentError) {
	warning.File = p.file
	if len(p.warnings) < maxFaults {
		p.warnings = append(p.warnings, warning)
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
