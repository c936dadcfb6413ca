package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/slowburn-slo/slowburn/slo"
)

// Apply brings every document of a request into force, or none. A document
// that is in force already makes no new revision. SLOs that refer to what
// changes, directly or through others, change with it.
//
// The error is slo.DocumentErrors for all that is wrong with the documents, and
// with SLOs in force that could not be as they are any more; it wraps
// slo.ErrReadOnly if nothing is, but that a name comes from a file.
func (c *Catalog) Apply(ctx context.Context, documents slo.Documents) (slo.Applied, error) {
	r, err := c.request(documents)
	if err != nil {
		return slo.Applied{}, err
	}
	if len(r.faults) > 0 { // Nothing will change, which needs no store.
		_, err := c.weighRequest(r, false)
		return slo.Applied{}, err
	}
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.settle(ctx); err != nil {
		return slo.Applied{}, err
	}
	p, err := c.weighRequest(r, false)
	if err != nil {
		return slo.Applied{}, err
	}
	if err := c.change(ctx, p.change); err != nil {
		return slo.Applied{}, err
	}
	p.applied.Warnings = append(r.warnings, p.applied.Warnings...)
	return c.inForce.Load().stamp(p.applied), nil
}

// Try says what Apply would do, and does not do it; of files (see slo.Documents)
// what would be if they held the documents.
func (c *Catalog) Try(_ context.Context, documents slo.Documents) (slo.Applied, error) {
	r, err := c.request(documents)
	if err != nil {
		return slo.Applied{}, err
	}
	p, err := c.weighRequest(r, documents.OfFiles)
	if err != nil {
		return slo.Applied{}, err
	}
	p.applied.Warnings = append(r.warnings, p.applied.Warnings...)
	return p.applied, nil
}

// Check reads the documents of a request as Apply would, and changes nothing.
// It returns their SLOs, with all that they refer to put in. Names that come
// from files are not looked for.
func (c *Catalog) Check(documents slo.Documents) ([]slo.SLO, slo.DocumentWarnings, error) {
	r, err := c.request(documents)
	if err != nil {
		return nil, nil, err
	}
	// With nothing of the same name in force each SLO is new, and looked at.
	before := c.inForce.Load().without(r.candidates)
	p, err := c.weigh(before, r, nil)
	if err != nil {
		return nil, nil, err
	}
	if len(p.faults) > 0 {
		return nil, nil, inOrder(p.faults)
	}
	var slos []slo.SLO
	for _, d := range p.change.Definitions {
		if _, given := p.wanted[slo.ObjectRef{Kind: slo.KindSLO, Name: d.SLO.Name}]; given {
			slos = append(slos, d.SLO)
		}
	}
	return slos, append(r.warnings, p.applied.Warnings...), nil
}

// request reads the documents of a request.
func (c *Catalog) request(documents slo.Documents) (reading, error) {
	var r reading
	if err := c.parse(&r, documents, ""); err != nil {
		return r, err
	}
	if len(r.candidates) == 0 && len(r.faults) == 0 {
		return r, slo.DocumentErrors{{File: documents.File, Reason: "holds no document: write at least one in OpenSLO v1"}}
	}
	r.unique()
	return r, nil
}

// weighRequest refuses what has faults, and every name that comes from a file
// unless ofFiles are to be weighed.
func (c *Catalog) weighRequest(r reading, ofFiles bool) (*plan, error) {
	before := c.inForce.Load()
	var readOnly slo.DocumentErrors
	var refused []error
	for i := range r.candidates {
		one := &r.candidates[i]
		origin, found := before.origin(one.ObjectRef)
		switch {
		case !found || origin == "":
		case !ofFiles:
			readOnly = append(readOnly, one.fault(nameField, "is that of one from %s, which is read-only here: change the file instead", origin))
			refused = append(refused, fmt.Errorf("apply %s, from %s: %w", one, origin, slo.ErrReadOnly))
		default:
			one.origin = origin
			if document := before.document(one.ObjectRef); c.Language.Alike(document, one.Source) {
				one.Source = document
			}
		}
	}
	p, err := c.weigh(before, r, nil)
	switch {
	case err != nil:
		return nil, err
	case len(p.faults) > 0:
		return nil, inOrder(append(p.faults, readOnly...))
	case len(refused) > 0:
		return nil, errors.Join(refused...)
	}
	for _, one := range r.candidates {
		p.applied.Changes[p.wanted[one.ObjectRef]].Origin = one.origin
	}
	return p, nil
}
