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

// Sync makes the definitions that come from files what the files say: what is
// new or changed is saved with the file as its Origin, what is in no file any
// more is archived. Definitions applied by the API stay, and a file that uses
// the name of one is refused. Without files everything that came from one is
// archived.
//
// If anything is wrong nothing changes. The error, also kept for Problems, is
// a slo.DocumentErrors with the faults of all files, or says what else stood
// in the way.
func (c *Catalog) Sync(ctx context.Context, files []File) error {
	err := c.sync(ctx, files)
	c.report(err)
	return err
}

func (c *Catalog) sync(ctx context.Context, files []File) error {
	candidates, err := c.parseAll(files)
	if err != nil {
		return err
	}
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.settle(ctx); err != nil {
		return err
	}
	var faults slo.DocumentErrors
	wanted := make(map[string]bool, len(candidates))
	for _, one := range candidates {
		wanted[one.SLO.Name] = true
		if d, found := c.Definition(one.SLO.Name); found && d.Origin == "" {
			faults = append(faults, one.fault(nameField,
				"an SLO %s was applied through the API already: delete that one, or rename this one", one.SLO.Name))
		}
	}
	if len(faults) > 0 {
		return faults
	}
	var archive []string
	for _, d := range c.Definitions() {
		if d.Origin != "" && !wanted[d.SLO.Name] {
			archive = append(archive, d.SLO.Name)
		}
	}
	return c.bring(ctx, candidates, archive)
}

// parseAll reads all files and gathers the faults of all.
func (c *Catalog) parseAll(files []File) ([]candidate, error) {
	var (
		all    []candidate
		faults slo.DocumentErrors
	)
	for _, file := range files {
		candidates, err := c.parse(file, file.Path)
		if found, ok := errors.AsType[slo.DocumentErrors](err); ok {
			faults = append(faults, found...)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file.Path, err)
		}
		all = append(all, candidates...)
	}
	if faults = append(faults, unique(all)...); len(faults) > 0 {
		return nil, faults
	}
	return all, nil
}
