package catalog

import (
	"context"
	"fmt"

	"github.com/slowburn-slo/slowburn/slo"
)

// File is one file of SLOs.
type File struct {
	// Path is its name in errors, and the Origin of what it defines.
	Path string
	Data []byte
}

// Sync makes what comes from files what the files say: what is new or changed
// is saved with the file as its Origin, what is in no file any more is
// archived. What the API applied stays, and a file that uses the name of it is
// refused. Without files everything that came from one is archived.
//
// If anything is wrong nothing changes. The error, also kept for Problems, is
// a slo.DocumentErrors with the faults of all files, and of what the API
// applied that could not be as it is any more; or it says what else stood in
// the way.
func (c *Catalog) Sync(ctx context.Context, files []File) (slo.DocumentWarnings, error) {
	warnings, err := c.sync(ctx, files)
	c.report(err)
	return warnings, err
}

func (c *Catalog) sync(ctx context.Context, files []File) (slo.DocumentWarnings, error) {
	r, err := c.parseAll(files)
	if err != nil {
		return nil, err
	}
	if len(r.faults) > 0 { // Nothing will change, which needs no store.
		_, err := c.weighFiles(r)
		return nil, err
	}
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.settle(ctx); err != nil {
		return nil, err
	}
	p, err := c.weighFiles(r)
	if err != nil {
		return nil, err
	}
	return append(r.warnings, p.applied.Warnings...), c.change(ctx, p.change)
}

// weighFiles refuses what has faults, and every name that the API applied.
func (c *Catalog) weighFiles(r reading) (*plan, error) {
	before := c.inForce.Load()
	wanted := make(map[slo.ObjectRef]bool, len(r.candidates))
	for _, one := range r.candidates {
		wanted[one.ObjectRef] = true
		if origin, found := before.origin(one.ObjectRef); found && origin == "" {
			r.faults = append(r.faults, one.fault(nameField,
				"%s was applied through the API already: delete that one, or rename this one", one))
		}
	}
	p, err := c.weigh(before, r, before.archived(wanted, r.hidden))
	if err != nil {
		return nil, err
	}
	if len(p.faults) > 0 {
		return nil, inOrder(p.faults)
	}
	return p, nil
}

// archived is what came from a file and is not wanted any more, nor hidden in a
// document that cannot be read.
func (s *state) archived(wanted map[slo.ObjectRef]bool, hidden hidden) []slo.ObjectRef {
	var archive []slo.ObjectRef
	for _, d := range s.definitions {
		ref := slo.ObjectRef{Kind: slo.KindSLO, Name: d.SLO.Name}
		if d.Origin != "" && !wanted[ref] && !hidden.has(ref) {
			archive = append(archive, ref)
		}
	}
	for _, o := range s.objects {
		if o.Origin != "" && !wanted[o.ObjectRef] && !hidden.has(o.ObjectRef) {
			archive = append(archive, o.ObjectRef)
		}
	}
	return archive
}

// parseAll reads all files and gathers the faults of all.
func (c *Catalog) parseAll(files []File) (reading, error) {
	var r reading
	for _, file := range files {
		if err := c.parse(&r, slo.Documents{File: file.Path, Data: file.Data}, file.Path); err != nil {
			return r, fmt.Errorf("read %s: %w", file.Path, err)
		}
	}
	r.unique()
	return r, nil
}
