package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/slowburn-slo/slowburn/slo"
)

// candidate is a document that wants to come into force.
type candidate struct {
	Document

	file string
	// number counts the documents of the file from 1.
	number int
	// origin is what the definition's Origin is to be.
	origin string
}

func (c candidate) fault(field, format string, args ...any) slo.DocumentError {
	line := c.Lines[field]
	if line == 0 {
		line = c.Line
	}
	return slo.DocumentError{
		File: c.file, Document: c.number, Line: line, Object: "SLO " + c.SLO.Name, Field: field,
		Reason: fmt.Sprintf(format, args...),
	}
}

// same reports whether the definition in force is this document already.
func (c candidate) same(d slo.Definition) bool {
	return d.Origin == c.origin && bytes.Equal(d.Document, c.Source)
}

// Apply brings every document of a request into force, or none. A document
// that is in force already makes no new revision. It returns the definitions
// in the order of the documents.
//
// The error is slo.DocumentErrors for what is wrong with the documents, and
// wraps slo.ErrReadOnly if a name comes from a file.
func (c *Catalog) Apply(ctx context.Context, file string, data []byte) ([]slo.Definition, error) {
	candidates, err := c.parse(File{Path: file, Data: data}, "")
	if err != nil {
		return nil, err
	}
	if len(candidates) == 0 {
		return nil, slo.DocumentErrors{{File: file, Reason: "holds no document: send at least one SLO in OpenSLO v1"}}
	}
	if faults := unique(candidates); len(faults) > 0 {
		return nil, faults
	}
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.settle(ctx); err != nil {
		return nil, err
	}
	if err := c.refuseFiles(candidates); err != nil {
		return nil, err
	}
	if err := c.bring(ctx, candidates, nil); err != nil {
		return nil, err
	}
	applied := make([]slo.Definition, len(candidates))
	for i, one := range candidates {
		applied[i], _ = c.Definition(one.SLO.Name)
	}
	return applied, nil
}

// refuseFiles returns an error for every name that comes from a file.
func (c *Catalog) refuseFiles(candidates []candidate) error {
	var refused []error
	for _, one := range candidates {
		if d, found := c.Definition(one.SLO.Name); found && d.Origin != "" {
			refused = append(refused, fmt.Errorf("apply %s, from %s: %w", one.SLO.Name, d.Origin, slo.ErrReadOnly))
		}
	}
	return errors.Join(refused...)
}

// bring checks the candidates that are not in force yet and changes the set.
func (c *Catalog) bring(ctx context.Context, candidates []candidate, archive []string) error {
	var (
		upsert []slo.Definition
		faults slo.DocumentErrors
		added  int
	)
	for _, one := range candidates {
		d, found := c.Definition(one.SLO.Name)
		if found && one.same(d) {
			continue
		}
		if !found {
			added++
		}
		if source, err := c.Compiler.Check(one.SLO.Indicator); err != nil {
			faults = append(faults, one.fault(conditionField(source), "%v", err))
		}
		upsert = append(upsert, slo.Definition{SLO: one.SLO, Document: one.Source, Origin: one.origin})
	}
	if len(faults) > 0 {
		return faults
	}
	if n := len(c.Definitions()) + added - len(archive); n > MaxSLOs {
		return fmt.Errorf("%d SLOs would be in force, more than the limit of %d: delete some first", n, MaxSLOs)
	}
	return c.change(ctx, upsert, archive)
}

// conditionField is where the condition of a source stands in a document.
func conditionField(source string) string {
	if source == "" {
		return "spec.indicator"
	}
	return "spec.indicator.spec.ratioMetric." + source + ".metricSource.spec.condition"
}

// parse reads the documents of one file.
func (c *Catalog) parse(file File, origin string) ([]candidate, error) {
	documents, err := c.Parse(file.Path, file.Data)
	if err != nil {
		return nil, err
	}
	candidates := make([]candidate, len(documents))
	for i, d := range documents {
		candidates[i] = candidate{Document: d, file: file.Path, number: i + 1, origin: origin}
	}
	return candidates, nil
}

// unique reports every name that an earlier candidate has already.
func unique(candidates []candidate) slo.DocumentErrors {
	var faults slo.DocumentErrors
	first := make(map[string]candidate, len(candidates))
	for _, one := range candidates {
		earlier, twin := first[one.SLO.Name]
		if !twin {
			first[one.SLO.Name] = one
			continue
		}
		place := earlier.fault(nameField, "")
		faults = append(faults, one.fault(nameField, "the name is taken by %s:%d: give each SLO a name of its own", place.File, place.Line))
	}
	return faults
}

const nameField = "metadata.name"
