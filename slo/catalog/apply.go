package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	p, err := c.weighRequest(candidates, false)
	if err != nil {
		return slo.Applied{}, err
	}
	if err := c.change(ctx, p.change); err != nil {
		return slo.Applied{}, err
	}
	p.applied.Warnings = append(warnings, p.applied.Warnings...)
	return c.inForce.Load().stamp(p.applied), nil
}

// Try says what Apply would do, and does not do it; of files (see slo.Documents)
// what would be if they held the documents.
func (c *Catalog) Try(_ context.Context, documents slo.Documents) (slo.Applied, error) {
	candidates, warnings, err := c.request(documents)
	if err != nil {
		return slo.Applied{}, err
	}
	p, err := c.weighRequest(candidates, documents.OfFiles)
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

// Delete archives an SLO, or another object. The error wraps slo.ErrNotFound
// or slo.ErrNoObject, slo.ErrReadOnly for one that comes from a file, and
// slo.ErrInUse for one that something refers to.
func (c *Catalog) Delete(ctx context.Context, ref slo.ObjectRef) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.settle(ctx); err != nil {
		return err
	}
	before := c.inForce.Load()
	origin, found := before.origin(ref)
	switch users := before.users()[ref]; {
	case !found && ref.Kind == slo.KindSLO:
		return fmt.Errorf("delete %q: %w", ref.Name, slo.ErrNotFound)
	case !found:
		return fmt.Errorf("delete %s %q: %w", ref.Kind, ref.Name, slo.ErrNoObject)
	case origin != "":
		return fmt.Errorf("delete %s, from %s: %w", ref, origin, slo.ErrReadOnly)
	case len(users) > 0 && !optional(ref):
		return fmt.Errorf("delete %s, used by %s: %w", ref, listed(users), slo.ErrInUse)
	}
	return c.change(ctx, slo.Change{Archive: []slo.ObjectRef{ref}})
}

// listed names the first few.
func listed(refs []slo.ObjectRef) string {
	const most = 5
	names := make([]string, 0, most)
	for _, ref := range refs[:min(len(refs), most)] {
		names = append(names, ref.String())
	}
	text := strings.Join(names, ", ")
	if more := len(refs) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
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

// weighRequest refuses what has faults, and every name that comes from a file
// unless ofFiles are to be weighed.
func (c *Catalog) weighRequest(candidates []candidate, ofFiles bool) (*plan, error) {
	before := c.inForce.Load()
	var refused []error
	for i := range candidates {
		one := &candidates[i]
		origin, found := before.origin(one.ObjectRef)
		switch {
		case !found || origin == "":
		case !ofFiles:
			refused = append(refused, fmt.Errorf("apply %s, from %s: %w", one, origin, slo.ErrReadOnly))
		default:
			one.origin = origin
			if document := before.document(one.ObjectRef); c.Language.Alike(document, one.Source) {
				one.Source = document
			}
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
	for _, one := range candidates {
		p.applied.Changes[p.wanted[one.ObjectRef]].Origin = one.origin
	}
	return p, nil
}
