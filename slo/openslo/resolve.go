package openslo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// Resolve puts into an SLO what it refers to, and what that refers to: find
// looks an object up. It reports what only shows when the parts come together.
//
// The error is a slo.DocumentErrors with all the faults, each at its place in
// the object that it lies in. Those with Note set depend on what else is applied
// (a reference to nothing) or on what this program measures (a source of another
// type).
func Resolve(o Object, find func(slo.ObjectRef) (Object, bool)) (slo.SLO, slo.DocumentWarnings, error) {
	definition, warnings, err := Assemble(o, find)
	if err != nil {
		return slo.SLO{}, warnings, err
	}
	return definition, warnings, nil
}

// Assemble is Resolve for who looks for all faults: the SLO, and what find
// gives, may be Broken. Beside its faults, and those that Read told of before, it
// returns as much of the SLO as is known, so that its conditions can be looked at;
// it is good for nothing else. An indicator of which nothing is known is empty.
//
// What Read told is not told again, and nothing is said of what depends on it. Of
// a Broken object without content find says that it is there, and no more. Without
// faults of its own the error is an empty slo.DocumentErrors if anything is Broken.
func Assemble(o Object, find func(slo.ObjectRef) (Object, bool)) (slo.SLO, slo.DocumentWarnings, error) {
	r := resolver{find: find, root: o, used: map[slo.ObjectRef]bool{}, broken: o.Broken}
	content, ok := o.content.(*sloContent)
	switch {
	case !ok && o.Broken:
		return slo.SLO{}, nil, slo.DocumentErrors{}
	case !ok:
		return slo.SLO{}, nil, slo.DocumentErrors{{File: o.File, Document: o.Document, Line: o.Line, Object: o.String(), Reason: "is no SLO"}}
	}
	definition := r.slo(content)
	if r.broken {
		return definition, nil, compact(r.faults) // A warning may be about what is not known.
	}
	r.warnings = compact(r.warnings)
	if len(r.faults) > 0 {
		return definition, r.warnings, compact(r.faults)
	}
	return definition, r.warnings, nil
}

// compact sorts by place and drops what is reported twice, as of an object that
// several parts name.
func compact[S ~[]slo.DocumentError](faults S) S {
	slices.SortStableFunc(faults, func(a, b slo.DocumentError) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Document, b.Document), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field))
	})
	return slices.Compact(faults)
}

// resolver puts one SLO together.
type resolver struct {
	find func(slo.ObjectRef) (Object, bool)
	root Object
	used map[slo.ObjectRef]bool
	// broken says that something is, so that not everything is known.
	broken   bool
	faults   slo.DocumentErrors
	warnings slo.DocumentWarnings
}

// place is a field of an object.
type place struct {
	object *Object
	path   string
}

func (p place) at(part string) place { return place{object: p.object, path: p.path + part} }

// message is what is to be said of the place.
func (p place) message(format string, args ...any) slo.DocumentError {
	return slo.DocumentError{
		File: p.object.File, Document: p.object.Document, Line: p.object.lineOf(p.path), Object: p.object.String(), Field: p.path,
		Reason: fmt.Sprintf(format, args...),
	}
}

// lineOf is the line of a field, or of the nearest one around it.
func (o *Object) lineOf(path string) int {
	for path != "" {
		if line := o.Lines[path]; line > 0 {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return o.Line
}

func (r *resolver) refuse(p place, format string, args ...any) {
	r.faults = append(r.faults, p.message(format, args...))
}

// note refuses what is no fault of the document.
func (r *resolver) note(p place, format string, args ...any) {
	fault := p.message(format, args...)
	fault.Note = true
	r.faults = append(r.faults, fault)
}

func (r *resolver) warn(p place, format string, args ...any) {
	r.warnings = append(r.warnings, p.message(format, args...))
}

// faulty reports whether the place has a fault that is told.
func (p place) faulty() bool { return p.object.Faulty(p.path) }

// lookUp finds the object that a place names, with its content of a type. Of one
// that is broken as a whole there is none.
func lookUp[T any](r *resolver, from place, kind slo.Kind, name string) (*Object, *T) {
	ref := slo.ObjectRef{Kind: kind, Name: name}
	found, ok := r.find(ref)
	content, is := found.content.(*T)
	if ok && found.Broken {
		r.broken = true
		if !is {
			return nil, nil
		}
	}
	if !ok || !is {
		r.note(from, "%s refers to %s, which is not there", from.object, ref)
		return nil, nil
	}
	r.used[ref] = true
	return &found, content
}
