package convert

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// The bounds of one conversion.
const (
	maxBytes     = 1 << 20
	maxDocuments = 1000
	maxSLOs      = 1000
)

// reader reads the documents of one file, and gathers what is wrong with them
// and what cannot be carried over.
type reader struct {
	file     string
	document int
	subject  string // Of the document at hand, as in "SLO checkout".
	faults   slo.DocumentErrors
	notes    []string
	// taken are the names of the SLOs written so far, and where each stands.
	taken map[string]field
	out   []document
}

// convert reads every document of a file with read, and writes what it made.
func convert(file string, data []byte, read func(*reader, field)) ([]byte, []string, error) {
	r := &reader{file: file, taken: map[string]field{}}
	r.eachDocument(data, read)
	if len(r.faults) == 0 && len(r.out) == 0 {
		r.document = 0
		r.refuse(field{}, "holds no objective")
	}
	if len(r.faults) > 0 {
		return nil, r.notes, r.faults
	}
	r.noteFile("the queries are for Prometheus, which Slowburn does not ask: replace each metricSource by one of type Spans")
	out, err := encode(r.out)
	if err != nil {
		return nil, r.notes, fmt.Errorf("write the OpenSLO documents of %s: %w", file, err)
	}
	if len(out) > maxBytes {
		r.noteFile(fmt.Sprintf("gives %d bytes of OpenSLO, more than Slowburn reads at once: divide it", len(out)))
	}
	return out, r.notes, nil
}

func (r *reader) eachDocument(data []byte, read func(*reader, field)) {
	if len(data) > maxBytes {
		r.refuse(field{}, "has %d bytes, of which at most %d are read: divide it", len(data), maxBytes)
		return
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return
		}
		r.document++
		r.subject = ""
		if err != nil {
			r.refuseSyntax(err)
			return
		}
		if r.document > maxDocuments {
			r.refuse(field{}, "is one of more than %d documents: divide the file", maxDocuments)
			return
		}
		if root := (field{node: node.Content[0]}); root.present() {
			read(r, root)
		}
	}
}

// refuseSyntax tells where YAML's parser gave up.
func (r *reader) refuseSyntax(err error) {
	fault := slo.DocumentError{File: r.file, Document: r.document, Reason: "cannot be read as YAML: " + err.Error()}
	if m := regexp.MustCompile(`(?s)^yaml: line (\d+): (.*)$`).FindStringSubmatch(err.Error()); m != nil {
		fault.Line, _ = strconv.Atoi(m[1])
		fault.Reason = "cannot be read as YAML: " + m[2]
	}
	r.faults = append(r.faults, fault)
}

// refuse adds a fault of a field.
func (r *reader) refuse(at field, format string, args ...any) {
	r.faults = append(r.faults, r.where(at, fmt.Sprintf(format, args...)))
}

// note says what of a field is not carried over, or how.
func (r *reader) note(at field, format string, args ...any) {
	r.notes = append(r.notes, r.where(at, fmt.Sprintf(format, args...)).Error())
}

// noteFile is a note of the whole file, made once.
func (r *reader) noteFile(text string) {
	note := slo.DocumentError{File: r.file, Reason: text}.Error()
	if !slices.Contains(r.notes, note) {
		r.notes = append(r.notes, note)
	}
}

func (r *reader) where(at field, reason string) slo.DocumentError {
	e := slo.DocumentError{File: r.file, Document: r.document, Object: r.subject, Field: at.path, Reason: reason}
	if at.node != nil {
		e.Line = at.node.Line
	}
	return e
}
