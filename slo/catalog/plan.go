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
	// wanted are the places of the candidates.
	wanted map[slo.ObjectRef]int
	// gone are those that end, moved the objects that are not what they were.
	gone, moved map[slo.ObjectRef]bool
	// broken are candidates that refer to what will not be there: that is
	// their fault, and not one of the SLOs that refer to them.
	broken map[slo.ObjectRef]bool
	// stored are objects in force that were read again; nil for one that
	// cannot be read any more.
	stored map[slo.ObjectRef]*candidate
	// checked are the series whose conditions were looked at.
	checked map[slo.SeriesID]check

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
func (c *Catalog) weigh(before *state, candidates []candidate, archive []slo.ObjectRef) (*plan, error) {
	p := &plan{
		Catalog: c, before: before, candidates: candidates,
		wanted: make(map[slo.ObjectRef]int, len(candidates)), gone: make(map[slo.ObjectRef]bool, len(archive)),
		moved: map[slo.ObjectRef]bool{}, broken: map[slo.ObjectRef]bool{},
		stored: map[slo.ObjectRef]*candidate{}, checked: map[slo.SeriesID]check{}, said: map[slo.DocumentError]bool{}, refused: map[slo.DocumentError]bool{},
	}
	p.change.Archive = archive
	for _, ref := range archive {
		p.gone[ref] = true
		p.moved[ref] = ref.Kind != slo.KindSLO
	}
	for i, one := range candidates {
		p.wanted[one.ObjectRef] = i
	}
	p.objects()
	p.bereaved()
	for _, one := range candidates {
		if one.Kind != slo.KindSLO {
			p.refuseMissing(one)
			continue
		}
		if err := p.slo(one); err != nil {
			return nil, err
		}
	}
	if err := p.followers(); err != nil {
		return nil, err
	}
	if len(p.faults) > 0 {
		return p, nil
	}
	return p, p.tooMany()
}

// maxFaults is how many faults are told at once.
const maxFaults = 1_000

// refuse keeps a fault once; the thousandth says that there are more.
func (p *plan) refuse(fault slo.DocumentError) {
	if p.refused[fault] {
		return
	}
	p.refused[fault] = true
	switch {
	case len(p.faults) < maxFaults-1:
	case len(p.faults) == maxFaults-1:
		fault.Reason += " (and more faults follow: mend these first)"
	default:
		return
	}
	p.faults = append(p.faults, fault)
}

// objects finds out which objects change, and which of them refer to nothing.
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
		if one.Kind != slo.KindSLO && len(p.missing(one)) > 0 {
			p.broken[one.ObjectRef] = true
		}
	}
}

// bereaved marks the objects without a document in the change that lose what
// they refer to.
func (p *plan) bereaved() {
	if len(p.gone) == 0 {
		return
	}
	for _, o := range p.before.objects {
		if !p.stays(o.ObjectRef) || !slices.ContainsFunc(o.References, func(r slo.ObjectRef) bool { return p.gone[r] && !optional(r) }) {
			continue
		}
		p.broken[o.ObjectRef] = true
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

// slo resolves one SLO, and saves it if it is not what is in force.
func (p *plan) slo(one candidate) error {
	if p.refuseMissing(one) || p.onBroken(one.refs()) {
		return nil
	}
	resolved, err := p.resolve(one)
	if err != nil || resolved == nil {
		return err
	}
	before, found := p.before.definition(one.Name)
	waits := slices.ContainsFunc(before.Earlier, func(e slo.EarlierRevision) bool { return !e.Retired })
	if found && sameMeaning(*resolved, before.SLO) {
		if one.same(before.Document, before.Origin) && (!one.retireNow || !waits) {
			p.note(one, slo.ObjectChange{Effect: slo.Unchanged, Revision: before.Revision, AppliedAt: before.AppliedAt})
			return nil
		}
	} else {
		p.check(one, *resolved)
	}
	p.change.Definitions = append(p.change.Definitions, slo.Definition{
		SLO: *resolved, Document: one.Source, Origin: one.origin, RetireNow: one.retireNow,
	})
	effect := slo.ObjectChange{Effect: slo.Created, Revision: before.Revision, AppliedAt: before.AppliedAt}
	if found {
		effect.Effect = slo.Changed
	}
	effect.Recounts = !sameSeries(before.SLO, *resolved)
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
