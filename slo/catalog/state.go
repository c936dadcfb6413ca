package catalog

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// state is what is in force at one time. Nobody changes it.
type state struct {
	definitions []slo.Definition // by name
	objects     []slo.Object     // by kind and name
	// users are, of each object, those that refer to it, directly or through
	// others, sorted. They are found out when first asked for.
	users func() map[slo.ObjectRef][]slo.ObjectRef
}

func newState(definitions []slo.Definition, objects []slo.Object) *state {
	s := &state{definitions: definitions, objects: objects}
	s.users = sync.OnceValue(s.findUsers)
	return s
}

func (s *state) definition(name string) (slo.Definition, bool) {
	at, found := slices.BinarySearchFunc(s.definitions, name, func(d slo.Definition, name string) int {
		return strings.Compare(d.SLO.Name, name)
	})
	if !found {
		return slo.Definition{}, false
	}
	return s.definitions[at], true
}

func (s *state) object(ref slo.ObjectRef) (slo.Object, bool) {
	at, found := slices.BinarySearchFunc(s.objects, ref, func(o slo.Object, ref slo.ObjectRef) int {
		return o.Compare(ref)
	})
	if !found {
		return slo.Object{}, false
	}
	return s.objects[at], true
}

// origin is the file that an SLO or another object comes from; false if it is
// not in force.
func (s *state) origin(ref slo.ObjectRef) (string, bool) {
	if ref.Kind == slo.KindSLO {
		d, found := s.definition(ref.Name)
		return d.Origin, found
	}
	o, found := s.object(ref)
	return o.Origin, found
}

// document is the text of what is in force, nil for nothing.
func (s *state) document(ref slo.ObjectRef) []byte {
	if ref.Kind == slo.KindSLO {
		d, _ := s.definition(ref.Name)
		return d.Document
	}
	o, _ := s.object(ref)
	return o.Document
}

// findUsers turns all references round. An SLO has those of what it refers to
// among its own already.
func (s *state) findUsers() map[slo.ObjectRef][]slo.ObjectRef {
	users := map[slo.ObjectRef][]slo.ObjectRef{}
	for _, o := range s.objects {
		for _, ref := range o.References {
			users[ref] = append(users[ref], o.ObjectRef)
		}
	}
	for _, d := range s.definitions {
		own := slo.ObjectRef{Kind: slo.KindSLO, Name: d.SLO.Name}
		for _, ref := range d.SLO.References {
			if !optional(ref) {
				users[ref] = append(users[ref], own)
			}
		}
		service := slo.ObjectRef{Kind: slo.KindService, Name: d.SLO.Service}
		if _, found := s.object(service); found {
			users[service] = append(users[service], own)
		}
	}
	for _, list := range users {
		slices.SortFunc(list, slo.ObjectRef.Compare)
	}
	return users
}

// optional reports a reference to what may be missing: the service of an SLO
// need be no object, as OpenSLO has it.
func optional(ref slo.ObjectRef) bool { return ref.Kind == slo.KindService }

// after is the state with new revisions in and archived names out.
func (s *state) after(saved slo.Change) *state {
	gone := make(map[slo.ObjectRef]bool, len(saved.Definitions)+len(saved.Objects)+len(saved.Archive))
	for _, ref := range saved.Archive {
		gone[ref] = true
	}
	for _, d := range saved.Definitions {
		gone[slo.ObjectRef{Kind: slo.KindSLO, Name: d.SLO.Name}] = true
	}
	for _, o := range saved.Objects {
		gone[o.ObjectRef] = true
	}
	definitions := make([]slo.Definition, 0, len(s.definitions)+len(saved.Definitions))
	for _, d := range s.definitions {
		if !gone[slo.ObjectRef{Kind: slo.KindSLO, Name: d.SLO.Name}] {
			definitions = append(definitions, d)
		}
	}
	revised := slices.Clone(saved.Definitions)
	for i, d := range revised {
		if before, found := s.definition(d.SLO.Name); found {
			revised[i] = d.After(&before)
		} else {
			revised[i] = d.After(nil)
		}
	}
	objects := make([]slo.Object, 0, len(s.objects)+len(saved.Objects))
	for _, o := range s.objects {
		if !gone[o.ObjectRef] {
			objects = append(objects, o)
		}
	}
	return sorted(append(definitions, revised...), append(objects, saved.Objects...))
}

// retired is the state in which earlier revisions that are no longer needed are
// marked so, and whether there was any.
func (s *state) retired(now time.Time, lateness time.Duration) (*state, bool) {
	var definitions []slo.Definition
	for i, d := range s.definitions {
		marked, due := d.Retire(now, lateness)
		if !due {
			continue
		}
		if definitions == nil {
			definitions = slices.Clone(s.definitions)
		}
		definitions[i] = marked
	}
	if definitions == nil {
		return s, false
	}
	return newState(definitions, s.objects), true
}

// sorted puts both lists, which become its own, into order.
func sorted(definitions []slo.Definition, objects []slo.Object) *state {
	slices.SortFunc(definitions, func(a, b slo.Definition) int { return cmp.Compare(a.SLO.Name, b.SLO.Name) })
	slices.SortFunc(objects, func(a, b slo.Object) int { return a.Compare(b.ObjectRef) })
	return newState(definitions, objects)
}

// without is the state with no SLO of the candidates' names.
func (s *state) without(candidates []candidate) *state {
	var names []string
	for _, one := range candidates {
		if one.Kind == slo.KindSLO {
			names = append(names, one.Name)
		}
	}
	slices.Sort(names)
	rest := make([]slo.Definition, 0, len(s.definitions))
	for _, d := range s.definitions {
		if _, given := slices.BinarySearch(names, d.SLO.Name); !given {
			rest = append(rest, d)
		}
	}
	return newState(rest, s.objects)
}

// stamp fills in which revisions are in force.
func (s *state) stamp(applied slo.Applied) slo.Applied {
	for i, one := range applied.Changes {
		if one.Kind == slo.KindSLO {
			d, _ := s.definition(one.Name)
			applied.Changes[i].Revision, applied.Changes[i].AppliedAt = d.Revision, d.AppliedAt
			continue
		}
		o, _ := s.object(one.ObjectRef)
		applied.Changes[i].Revision, applied.Changes[i].AppliedAt = o.Revision, o.AppliedAt
	}
	return applied
}
