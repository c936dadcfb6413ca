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
// The error is slo.DocumentErrors for what is wrong with the documents, and
// with SLOs in force that could not be as they are any more; it wraps
// slo.ErrReadOnly if a name comes from a file.
func (c *Catalog) Apply(ctx context.Context, documents slo.Documents) (slo.Applied, error) {
	candidates, warnings, err := c.request(documents)
	if err != nil {
		return slo.Applied{}, err
	}
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.settle(ctx); err != nil {
		return slo.Applied{}, err
	}
	p, err := c.weighRequest(candidates)
	if err != nil {
		return slo.Applied{}, err
	}
	if err := c.change(ctx, p.change); err != nil {
		return slo.Applied{}, err
	}
	p.applied.Warnings = append(warnings, p.applied.Warnings...)
	return c.inForce.Load().stamp(p.applied), nil
}

// Try says what Apply would do, and does not do it.
func (c *Catalog) Try(_ context.Context, documents slo.Documents) (slo.Applied, error) {
	candidates, warnings, err := c.request(documents)
	if err != nil {
		return slo.Applied{}, err
	}
	p, err := c.weighRequest(candidates)
	if err != nil {
		return slo.Applied{}, err
	}
	p.applied.Warnings = append(warnings, p.applied.Warnings...)
	return p.applied, nil
}

// Check reads the documents of a request as Apply would, and changes nothing.
// It returns their SLOs, with all that they refer to put in. Names that come
// from files are not looked for.
func (c *Catalog) Check(documents slo.Documents) ([]slo.SLO, slo.DocumentWarnings, error) {
	candidates, warnings, err := c.request(documents)
	if err != nil {
		return nil, nil, err
	}
	// With nothing of the same name in force each SLO is new, and looked at.
	before := c.inForce.Load().without(candidates)
	p, err := c.weigh(before, candidates, nil)
	if err != nil {
		return nil, nil, err
	}
	if len(p.faults) > 0 {
		return nil, nil, p.faults
	}
	var slos []slo.SLO
	for _, d := range p.change.Definitions {
		if _, given := p.wanted[slo.ObjectRef{Kind: slo.KindSLO, Name: d.SLO.Name}]; given {
			slos = append(slos, d.SLO)
		}
	}
	return slos, append(warnings, p.applied.Warnings...), nil
}

// request reads the documents of a request.
func (c *Catalog) request(documents slo.Documents) ([]candidate, slo.DocumentWarnings, error) {
	candidates, warnings, err := c.parse(documents, "")
	if err != nil {
		return nil, nil, err
	}
	if len(candidates) == 0 {
		return nil, nil, slo.DocumentErrors{{File: documents.File, Reason: "holds no document: write at least one in OpenSLO v1"}}
	}
	if faults := unique(candidates); len(faults) > 0 {
		return nil, nil, faults
	}
	return candidates, warnings, nil
}

// weighRequest refuses what has faults, and every name that comes from a file.
func (c *Catalog) weighRequest(candidates []candidate) (*plan, error) {
	before := c.inForce.Load()
	var refused []error
	for _, one := range candidates {
		if origin, found := before.origin(one.ObjectRef); found && origin != "" {
			refused = append(refused, fmt.Errorf("apply %s, from %s: %w", one, origin, slo.ErrReadOnly))
		}
	}
	if len(refused) > 0 {
		return nil, errors.Join(refused...)
	}
	p, err := c.weigh(before, candidates, nil)
	if err != nil {
		return nil, err
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return p, nil
}
