package slo

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrNotFound says that no SLO has the name.
var ErrNotFound = errors.New("no such SLO")

// ErrNoObject says that no object of another kind has the name.
var ErrNoObject = errors.New("no such object")

// ErrReadOnly says that an SLO or another object comes from a file and cannot
// be changed through the API.
var ErrReadOnly = errors.New("it comes from a file: change the file instead")

// ErrInUse says that something refers to an object, which cannot end before.
var ErrInUse = errors.New("change or delete first what refers to it")

// ErrCursorMoved says that a commit did not apply because the cursor is not
// where the commit begins: somebody else moved it, or an earlier commit of
// unknown outcome did happen.
var ErrCursorMoved = errors.New("the ledger's cursor is not where the commit begins")

// ErrRecountMoved says that a recount did not apply because the stretch that it
// joins does not begin where it ends: somebody else has extended it, or it was
// stored before.
var ErrRecountMoved = errors.New("the stretch that was recounted is counted already, or gone")

// ErrRebuild says that commits cannot be followed one by one any more: some
// are gone, or the sequence went back. The reader must read the whole ledger.
var ErrRebuild = errors.New("the ledger must be read anew")

// ErrUnjudged says that a record could not be judged now, though nothing is
// wrong with it: what was seen before is not known. Trying again may help.
var ErrUnjudged = errors.New("it is not known what was seen before")

// ErrFenced says that another process leads now: what this one wanted to store
// was not stored, and it MUST stop deciding.
var ErrFenced = errors.New("another process leads now")

// ErrNotLeading says that another process leads, so that this one does not.
var ErrNotLeading = errors.New("another process leads")

// DocumentError is one fault of an OpenSLO document: where, and what to do.
type DocumentError struct {
	// File is the file's name, or "request" for a document sent to the API.
	File string
	// Document counts the documents of the file from 1; 0 for the whole file.
	Document int
	// Line counts the lines of the file from 1; 0 if unknown.
	Line int
	// Object is the kind and name, as in "SLO checkout-fast"; empty if unknown.
	Object string
	// Field is the path of the field, as in "spec.objectives[0].target"; empty
	// for the whole document.
	Field string
	// Reason says what is wrong and what to write instead.
	Reason string
	// Note says that it is no fault of the document: it depends on what else is
	// applied, or on what this program can measure, such as a reference to an
	// object that is not there or a type of source that is unknown here.
	Note bool
}

// Error is one line: "slos/checkout.yaml:12: document 2: SLO checkout-fast: spec.service: is required".
func (e DocumentError) Error() string {
	parts := make([]string, 0, 5)
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	parts = append(parts, where)
	if e.Document > 0 {
		parts = append(parts, fmt.Sprintf("document %d", e.Document))
	}
	for _, s := range []string{e.Object, e.Field, e.Reason} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// DocumentWarnings say what of documents was read otherwise than it was
// written, or will hardly do what its author wants. They stand in nobody's way.
type DocumentWarnings []DocumentError

// DeleteError says of each object that was to end and did not why. The others
// have ended.
type DeleteError map[ObjectRef]error

// Error has one object a line.
func (e DeleteError) Error() string {
	lines := make([]string, 0, len(e))
	for _, err := range e.Unwrap() {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap are the reasons, by kind and name.
func (e DeleteError) Unwrap() []error {
	list := make([]error, 0, len(e))
	for _, ref := range slices.SortedFunc(maps.Keys(e), ObjectRef.Compare) {
		list = append(list, e[ref])
	}
	return list
}

// DocumentErrors are all the faults of what was applied together. Nothing of
// it came into force.
type DocumentErrors []DocumentError

// Error has one fault a line.
func (e DocumentErrors) Error() string {
	lines := make([]string, len(e))
	for i, fault := range e {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}
