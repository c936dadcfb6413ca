package slotest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// Load reads the SLO of a name from OpenSLO files that hold it and all that it
// refers to. Without a name there must be one SLO only.
func Load(files []string, name string) (slo.SLO, slo.DocumentWarnings, error) {
	var all []openslo.Object
	var warnings slo.DocumentWarnings
	for _, file := range files {
		objects, warned, err := read(file)
		if err != nil {
			return slo.SLO{}, nil, err
		}
		warnings = append(warnings, warned...)
		all = append(all, objects...)
	}
	var found []openslo.Object
	var names []string
	for _, o := range all {
		if o.Kind == slo.KindSLO {
			names = append(names, o.Name)
			if name == "" || o.Name == name {
				found = append(found, o)
			}
		}
	}
	switch {
	case len(found) == 0:
		return slo.SLO{}, nil, fmt.Errorf("%s: no SLO of the name %q: there is %s", strings.Join(files, ", "), name, anyOf(names))
	case len(found) > 1 && name == "":
		return slo.SLO{}, nil, fmt.Errorf("%s: several SLOs, name one: %s", strings.Join(files, ", "), anyOf(names))
	case len(found) > 1:
		return slo.SLO{}, nil, fmt.Errorf("%s: several SLOs have the name %q", strings.Join(files, ", "), name)
	}
	definition, more, err := openslo.Resolve(found[0], func(ref slo.ObjectRef) (openslo.Object, bool) {
		at := slices.IndexFunc(all, func(o openslo.Object) bool { return o.ObjectRef == ref })
		if at < 0 {
			return openslo.Object{}, false
		}
		return all[at], true
	})
	return definition, append(warnings, more...), err
}

// Read reads the OpenSLO objects of a file.
func Read(file string) ([]openslo.Object, error) {
	objects, _, err := read(file)
	return objects, err
}

func read(file string) ([]openslo.Object, slo.DocumentWarnings, error) {
	data, err := readDocument(file)
	if err != nil {
		return nil, nil, fmt.Errorf("read OpenSLO: %w", err)
	}
	return openslo.Parse(file, data, openslo.Lenient)
}

func anyOf(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// beside are paths relative to the folder of a file.
func beside(file string, names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		if all[i] = name; !filepath.IsAbs(name) {
			all[i] = filepath.Join(filepath.Dir(file), name)
		}
	}
	return all
}
