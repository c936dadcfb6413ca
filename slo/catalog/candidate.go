package catalog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

const nameField = "metadata.name"

// candidate is a document that wants to come into force.
type candidate struct {
	Object

	// origin is what its Origin is to be.
	origin string
	// retireNow: see slo.Documents.
	retireNow bool
}

// fault is one of its faults, at the line of the field or of what the field
// is part of.
func (c candidate) fault(field, format string, args ...any) slo.DocumentError {
	return slo.DocumentError{
		File: c.File, Document: c.Document, Line: c.line(field), Object: c.String(), Field: field,
		Reason: fmt.Sprintf(format, args...),
	}
}

func (c candidate) line(field string) int {
	for field != "" {
		if line := c.Lines[field]; line > 0 {
			return line
		}
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
	}
	return c.Line
}

// same reports whether what is in force is this document already.
func (c candidate) same(document []byte, origin string) bool {
	return origin == c.origin && bytes.Equal(document, c.Source)
}

// refs are the objects that it refers to itself, sorted, each once.
func (o Object) refs() []slo.ObjectRef {
	var refs []slo.ObjectRef
	for _, r := range o.References {
		refs = append(refs, r.ObjectRef)
	}
	slices.SortFunc(refs, slo.ObjectRef.Compare)
	return slices.Compact(refs)
}
