package catalog

import (
	"errors"
	"fmt"

	"github.com/slowburn-slo/slowburn/slo"
)

// inForce names the place of a document that no file and no request holds now.
const inForce = "in force"

// exists reports whether an object will be there after the change.
func (p *plan) exists(ref slo.ObjectRef) bool {
	if _, wanted := p.wanted[ref]; wanted {
		return true
	}
	_, found := p.before.object(ref)
	return found && !p.gone[ref]
}

// missing are the references to what will not be there. What may be in a document
// that could not be read is not among them.
func (p *plan) missing(one candidate) []Reference {
	var missing []Reference
	for _, r := range one.References {
		if !optional(r.ObjectRef) && !p.exists(r.ObjectRef) && !p.hidden.has(r.ObjectRef) {
			missing = append(missing, r)
		}
	}
	return missing
}

// refuseMissing reports every reference to what will not be there.
func (p *plan) refuseMissing(one candidate) {
	for _, r := range p.missing(one) {
		p.absent[r.ObjectRef] = true
		fault := one.fault(r.Field, "refers to %s, which does not exist: apply that as well, or before", r)
		if before, found := p.before.object(r.ObjectRef); found {
			fault.Reason = fmt.Sprintf("refers to %s, which %s holds no more: put that back, or refer to another one", r, before.Origin)
		}
		fault.Note = true
		p.refuse(fault)
	}
}

// resolve puts everything into an SLO. It is not whole if that has faults, which
// are in the plan then, or rests on something broken.
func (p *plan) resolve(one candidate) (resolved slo.SLO, whole bool, err error) {
	p.torn = one.Broken
	resolved, warnings, err := p.Language.Resolve(one.Object, p.find)
	if faults, ok := errors.AsType[slo.DocumentErrors](err); ok {
		for _, fault := range faults {
			if p.first(fault) {
				p.refuse(p.place(one, fault))
			}
		}
		return resolved, false, nil
	}
	if err != nil {
		return resolved, false, fmt.Errorf("resolve %s: %w", one, err)
	}
	if p.torn { // What it rests on has faults, which are told.
		return resolved, false, nil
	}
	for _, warning := range warnings {
		if p.first(warning) && len(p.applied.Warnings) < maxFaults {
			p.applied.Warnings = append(p.applied.Warnings, p.place(one, warning))
		}
	}
	return resolved, true, nil
}

// first reports whether this was not said before: what is wrong with an object
// shows with each SLO that refers to it.
func (p *plan) first(said slo.DocumentError) bool {
	before := p.said[said]
	p.said[said] = true
	return !before
}

// place names the object whose change a fault is about, where the SLO is none
// of those that were given.
func (p *plan) place(one candidate, fault slo.DocumentError) slo.DocumentError {
	if _, given := p.wanted[one.ObjectRef]; given {
		return fault
	}
	d, _ := p.before.definition(one.Name)
	for _, r := range d.SLO.References {
		if p.moved[r] {
			fault.Reason += fmt.Sprintf(" (%s refers to %s, which this changes)", one, r)
			break
		}
	}
	return fault
}

// find gives an object as it will be. One that is told not to be there, or may be
// in a document that could not be read, is broken.
func (p *plan) find(ref slo.ObjectRef) (Object, bool) {
	if at, wanted := p.wanted[ref]; wanted {
		p.torn = p.torn || p.candidates[at].Broken
		return p.candidates[at].Object, true
	}
	if before, found := p.before.object(ref); found && !p.gone[ref] {
		if one := p.reread(ref, before.Document, before.Origin); one != nil {
			return one.Object, true
		}
	}
	if !p.absent[ref] && !p.hidden.has(ref) {
		return Object{}, false
	}
	p.torn = true
	return Object{ObjectRef: ref, Broken: true}, true
}

// tooMany refuses more than may be in force.
func (p *plan) tooMany() error {
	slos, objects := len(p.before.definitions), len(p.before.objects)
	for _, ref := range p.change.Archive {
		if ref.Kind == slo.KindSLO {
			slos--
		} else {
			objects--
		}
	}
	for _, one := range p.applied.Changes {
		switch {
		case one.Effect != slo.Created:
		case one.Kind == slo.KindSLO:
			slos++
		default:
			objects++
		}
	}
	if slos > MaxSLOs {
		return fmt.Errorf("%d SLOs would be in force, more than the limit of %d: delete some first", slos, MaxSLOs)
	}
	if objects > MaxObjects {
		return fmt.Errorf("%d objects beside SLOs would be in force, more than the limit of %d: delete some first", objects, MaxObjects)
	}
	return nil
}
