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

// parse reads the documents of one file.
func (c *Catalog) parse(documents slo.Documents, origin string) ([]candidate, slo.DocumentWarnings, error) {
	objects, warnings, err := c.Language.Parse(documents.File, documents.Data, documents.Strict)
	if err != nil {
		return nil, nil, err
	}
	candidates := make([]candidate, len(objects))
	for i, o := range objects {
		candidates[i] = candidate{Object: o, origin: origin, retireNow: documents.RetireNow}
	}
	return candidates, warnings, nil
}

// unique reports every kind and name that an earlier candidate has already.
func unique(candidates []candidate) slo.DocumentErrors {
	var faults slo.DocumentErrors
	first := make(map[slo.ObjectRef]candidate, len(candidates))
	for _, one := range candidates {
		earlier, twin := first[one.ObjectRef]
		if !twin {
			first[one.ObjectRef] = one
			continue
		}
		faults = append(faults, one.fault(nameField, "the name is taken by %s:%d: give each %s a name of its own",
			earlier.File, earlier.line(nameField), one.Kind))
	}
	return faults
}
