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

// missing are the references to what will not be there.
func (p *plan) missing(one candidate) []Reference {
	var missing []Reference
	for _, r := range one.References {
		if !optional(r.ObjectRef) && !p.exists(r.ObjectRef) {
			missing = append(missing, r)
		}
	}
	return missing
}

// refuseMissing reports every reference to what will not be there, and whether
// there is one.
func (p *plan) refuseMissing(one candidate) bool {
	missing := p.missing(one)
	for _, r := range missing {
		fault := one.fault(r.Field, "refers to %s, which does not exist: apply that as well, or before", r)
		if before, found := p.before.object(r.ObjectRef); found {
			fault.Reason = fmt.Sprintf("refers to %s, which %s holds no more: put that back, or refer to another one", r, before.Origin)
		}
		fault.Note = true
		p.refuse(fault)
	}
	return len(missing) > 0
}

// onBroken reports whether one of the objects is broken, or refers to one that
// is: that is reported there.
func (p *plan) onBroken(refs []slo.ObjectRef) bool {
	if len(p.broken) == 0 {
		return false
	}
	for _, ref := range refs {
		var further []slo.ObjectRef
		if at, wanted := p.wanted[ref]; wanted {
			further = p.candidates[at].refs()
		} else if before, found := p.before.object(ref); found {
			further = before.References
		}
		if p.broken[ref] || p.onBroken(further) {
			return true
		}
	}
	return false
}

// resolve puts everything into an SLO. It returns nil if that has faults,
// which are in the plan then.
func (p *plan) resolve(one candidate) (*slo.SLO, error) {
	resolved, warnings, err := p.Language.Resolve(one.Object, p.find)
	if p.onBroken(one.refs()) { // One of them cannot be read, which is known now.
		return nil, nil //nolint:nilnil // The faults are in the plan.
	}
	if faults, ok := errors.AsType[slo.DocumentErrors](err); ok {
		for _, fault := range faults {
			if p.first(fault) {
				p.refuse(p.place(one, fault))
			}
		}
		return nil, nil //nolint:nilnil // The faults are in the plan.
	}
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", one, err)
	}
	for _, warning := range warnings {
		if p.first(warning) && len(p.applied.Warnings) < maxFaults {
			p.applied.Warnings = append(p.applied.Warnings, p.place(one, warning))
		}
	}
	return &resolved, nil
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

// find gives an object as it will be.
func (p *plan) find(ref slo.ObjectRef) (Object, bool) {
	if at, wanted := p.wanted[ref]; wanted {
		return p.candidates[at].Object, true
	}
	before, found := p.before.object(ref)
	if !found || p.gone[ref] {
		return Object{}, false
	}
	one := p.reread(ref, before.Document, before.Origin)
	if one == nil {
		return Object{}, false
	}
	return one.Object, true
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
