package catalog

import (
	"context"
	"errors"
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
	candidates, warnings, err := c.parseAll(files)
	if err != nil {
		return nil, err
	}
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.settle(ctx); err != nil {
		return nil, err
	}
	before := c.inForce.Load()
	var faults slo.DocumentErrors
	wanted := make(map[slo.ObjectRef]bool, len(candidates))
	for _, one := range candidates {
		wanted[one.ObjectRef] = true
		if origin, found := before.origin(one.ObjectRef); found && origin == "" {
			faults = append(faults, one.fault(nameField,
				"%s was applied through the API already: delete that one, or rename this one", one))
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	p, err := c.weigh(before, candidates, before.archived(wanted))
	if err != nil {
		return nil, err
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return append(warnings, p.applied.Warnings...), c.change(ctx, p.change)
}

// archived is what came from a file and is not wanted any more.
func (s *state) archived(wanted map[slo.ObjectRef]bool) []slo.ObjectRef {
	var archive []slo.ObjectRef
	for _, d := range s.definitions {
		if ref := (slo.ObjectRef{Kind: slo.KindSLO, Name: d.SLO.Name}); d.Origin != "" && !wanted[ref] {
			archive = append(archive, ref)
		}
	}
	for _, o := range s.objects {
		if o.Origin != "" && !wanted[o.ObjectRef] {
			archive = append(archive, o.ObjectRef)
		}
	}
	return archive
}

// parseAll reads all files and gathers the faults of all.
func (c *Catalog) parseAll(files []File) ([]candidate, slo.DocumentWarnings, error) {
	var (
		all      []candidate
		warnings slo.DocumentWarnings
		faults   slo.DocumentErrors
	)
	for _, file := range files {
		candidates, more, err := c.parse(slo.Documents{File: file.Path, Data: file.Data}, file.Path)
		if found, ok := errors.AsType[slo.DocumentErrors](err); ok {
			faults = append(faults, found...)
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", file.Path, err)
		}
		all, warnings = append(all, candidates...), append(warnings, more...)
	}
	if faults = append(faults, unique(all)...); len(faults) > 0 {
		return nil, nil, faults
	}
	return all, warnings, nil
}
