package catalog

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/slowburn-slo/slowburn/slo"
)

// plan is a change that is weighed before anything is done: what it saves, and
// what is wrong with it.
type plan struct {
	*Catalog

	before     *state
	candidates []candidate
	// wanted are the places of the candidates, the first of each name.
	wanted map[slo.ObjectRef]int
	// hidden is what documents may be that could not be read.
	hidden hidden
	// gone are those that end, moved the objects that are not what they were.
	gone, moved map[slo.ObjectRef]bool
	// absent are the objects that are told not to be there.
	absent map[slo.ObjectRef]bool
	// stored are objects in force that were read again; nil for one that
	// cannot be read any more.
	stored map[slo.ObjectRef]*candidate
	// checked are the series whose conditions were looked at.
	checked map[slo.SeriesID]check
	// torn says that the SLO that is being resolved rests on something broken.
	torn bool

	// said are faults and warnings of the language as they came, refused the
	// faults as they are told.
	said, refused map[slo.DocumentError]bool

	change  slo.Change
	applied slo.Applied
	faults  slo.DocumentErrors
}

// weigh works out what becomes of the state with the candidates in, and what
// is archived out. The error is no fault of the documents; those are in the
// plan.
func (c *Catalog) weigh(before *state, r reading, archive []slo.ObjectRef) (*plan, error) {
	p := &plan{
		Catalog: c, before: before, candidates: r.candidates, hidden: r.hidden,
		wanted: make(map[slo.ObjectRef]int, len(r.candidates)), gone: make(map[slo.ObjectRef]bool, len(archive)),
		moved: map[slo.ObjectRef]bool{}, absent: map[slo.ObjectRef]bool{},
		stored: map[slo.ObjectRef]*candidate{}, checked: map[slo.SeriesID]check{}, said: map[slo.DocumentError]bool{}, refused: map[slo.DocumentError]bool{},
	}
	p.change.Archive = archive
	for _, ref := range archive {
		p.gone[ref] = true
		p.moved[ref] = ref.Kind != slo.KindSLO
	}
	for i, one := range r.candidates {
		if _, twin := p.wanted[one.ObjectRef]; !twin {
			p.wanted[one.ObjectRef] = i
		}
	}
	p.objects()
	p.bereaved()
	for _, one := range r.candidates {
		p.refuseMissing(one)
	}
	for _, one := range r.candidates {
		if one.Kind != slo.KindSLO {
			continue
		}
		if err := p.slo(one); err != nil {
			return nil, err
		}
	}
	if err := p.followers(); err != nil {
		return nil, err
	}
	if p.faults = append(r.faults, p.faults...); len(p.faults) > 0 {
		return p, nil
	}
	return p, p.tooMany()
}

// refuse keeps a fault once, and of many more than will be told.
func (p *plan) refuse(fault slo.DocumentError) {
	if len(p.faults) > maxFaults || p.refused[fault] {
		return
	}
	p.refused[fault] = true
	p.faults = append(p.faults, fault)
}

// objects finds out which objects change.
func (p *plan) objects() {
	for _, one := range p.candidates {
		before, found := p.before.object(one.ObjectRef)
		effect := slo.ObjectChange{ObjectRef: one.ObjectRef, Effect: slo.Created, Revision: before.Revision, AppliedAt: before.AppliedAt}
		switch {
		case one.Kind == slo.KindSLO:
		case found && one.same(before.Document, before.Origin):
			effect.Effect = slo.Unchanged
		default:
			if found {
				effect.Effect = slo.Changed
			}
			p.moved[one.ObjectRef] = true
			p.change.Objects = append(p.change.Objects, slo.Object{
				ObjectRef: one.ObjectRef, Document: one.Source, References: one.refs(), Origin: one.origin,
			})
		}
		p.applied.Changes = append(p.applied.Changes, effect)
	}
}

// bereaved refuses what the objects without a document in the change lose that
// they refer to.
func (p *plan) bereaved() {
	if len(p.gone) == 0 {
		return
	}
	for _, o := range p.before.objects {
		if !p.stays(o.ObjectRef) || !slices.ContainsFunc(o.References, func(r slo.ObjectRef) bool { return p.gone[r] && !optional(r) }) {
			continue
		}
		if one := p.reread(o.ObjectRef, o.Document, o.Origin); one != nil {
			p.refuseMissing(*one)
		}
	}
}

// stays reports that something in force is neither replaced nor ended.
func (p *plan) stays(ref slo.ObjectRef) bool {
	_, replaced := p.wanted[ref]
	return !replaced && !p.gone[ref]
}

// slo resolves one SLO, and saves it if it is not what is in force. One that is
// not whole is looked at all the same, so that its author learns of every fault.
func (p *plan) slo(one candidate) error {
	resolved, whole, err := p.resolve(one)
	if err != nil {
		return err
	}
	if !whole {
		p.check(one, resolved, false)
		return nil
	}
	before, found := p.before.definition(one.Name)
	waits := slices.ContainsFunc(before.Earlier, func(e slo.EarlierRevision) bool { return !e.Retired })
	if found && sameMeaning(resolved, before.SLO) {
		if one.same(before.Document, before.Origin) && (!one.retireNow || !waits) {
			p.note(one, slo.ObjectChange{Effect: slo.Unchanged, Revision: before.Revision, AppliedAt: before.AppliedAt})
			return nil
		}
	} else {
		p.check(one, resolved, true)
	}
	p.change.Definitions = append(p.change.Definitions, slo.Definition{
		SLO: resolved, Document: one.Source, Origin: one.origin, RetireNow: one.retireNow,
	})
	effect := slo.ObjectChange{Effect: slo.Created, Revision: before.Revision, AppliedAt: before.AppliedAt}
	if found {
		effect.Effect = slo.Changed
	}
	effect.Recounts = !sameSeries(before.SLO, resolved)
	p.note(one, effect)
	return nil
}

// note keeps the effect on an SLO in its place; one without a document in the
// change goes to the end.
func (p *plan) note(one candidate, effect slo.ObjectChange) {
	effect.ObjectRef = one.ObjectRef
	if at, given := p.wanted[one.ObjectRef]; given {
		p.applied.Changes[at] = effect
		return
	}
	effect.Follows = true
	if effect.Effect != slo.Unchanged {
		p.applied.Changes = append(p.applied.Changes, effect)
	}
}

// sameMeaning reports whether two SLOs are the same in every field. Rows of
// before have no method, which is that of Occurrences.
func sameMeaning(a, b slo.SLO) bool {
	a.Method, b.Method = cmp.Or(a.Method, slo.Occurrences), cmp.Or(b.Method, slo.Occurrences)
	return reflect.DeepEqual(a, b)
}

// sameSeries reports whether two SLOs count the same.
func sameSeries(a, b slo.SLO) bool {
	ids := func(s slo.SLO) []slo.SeriesID {
		var list []slo.SeriesID
		for _, series := range s.Series() {
			list = append(list, series.ID)
		}
		slices.Sort(list)
		return list
	}
	return slices.Equal(ids(a), ids(b))
}
