package slo

import "math/big"

// planMember is one member of a composite by Occurrences.
type planMember struct {
	weight, budget *big.Rat
}

// compositeName is what the composite is called beside its members.
const compositeName = "composite"

// Evaluated is how many objectives of the SLO are evaluated: those that it
// has, and the composite behind them if it is one.
func (s SLO) Evaluated() int {
	if s.Composite() {
		return len(s.Objectives) + 1
	}
	return len(s.Objectives)
}

// compose prepares the composite of all objectives.
//
// By Occurrences it has a budget of 1, which its members spend together: its
// burn rate is the sum of weight * burn rate of each. At weights 1 and 2, with
// members that burn at 3 and 5, it burns at 13.
//
// By slices it counts slices like any other objective (see Slices). Its target
// is CompositeTarget, or the highest of its members: what would fail the
// strictest of them fails it.
func (p *Plan) compose(source planSource) {
	p.objective = planObjective{displayName: compositeName, sliceWindow: source.objectives[0].sliceWindow}
	for _, o := range source.objectives {
		if o.target.Float() > p.objective.target.Float() {
			p.objective.target = o.target
		}
	}
	if target, err := ParseTarget(source.compositeTarget, false); err == nil {
		p.objective.target = target
	}
	if p.method != Occurrences {
		p.budget = p.objective.target.budgetRat()
		return
	}
	p.budget = big.NewRat(1, 1)
	for _, o := range source.objectives {
		weight := big.NewRat(1, 1)
		if o.weight != "" {
			weight = o.weight.Rat()
		}
		p.members = append(p.members, planMember{weight: weight, budget: o.target.budgetRat()})
	}
}

// CompositeTarget is the annotation of an SLO that sets the target of a
// composite by slices.
const CompositeTarget = "slowburn.dev/composite-target"

// weighted reports whether burn rates are sums over members.
func (p *Plan) weighted() bool { return len(p.members) > 0 }

// highestBurn is the burn rate when every event is bad.
func (p *Plan) highestBurn() *big.Rat {
	if !p.weighted() {
		return new(big.Rat).Inv(p.budget)
	}
	sum := new(big.Rat)
	for _, m := range p.members {
		sum.Add(sum, new(big.Rat).Quo(m.weight, m.budget))
	}
	return sum
}

// measure is what one look-back holds, to be compared.
type measure struct {
	// counts are those of the objective, or of all members together.
	counts Counts
	// members are the counts of each member of a composite by Occurrences.
	members []Counts
}

// measureMembers counts the events of every member.
func (p *Plan) measureMembers(r *Reading, from, end Slice) measure {
	m := measure{members: make([]Counts, len(p.members))}
	for i := range p.members {
		m.members[i] = r.Members[i].History.Sum(from, end)
		m.counts = m.counts.Plus(m.members[i])
	}
	return m
}

// spent is the share of the window's budget that the look-back spent: bad
// events / (1 - target) / events of the window; of a composite the weighted
// sum. 3 bad of 10 000 in the window at 99.9 % are 3/10. Measured against
// itself a look-back gives its burn rate.
func (p *Plan) spent(m, window measure) *big.Rat {
	if !p.weighted() {
		return spentOf(m.counts, window.counts, p.budget)
	}
	sum := new(big.Rat)
	for i, member := range p.members {
		one := spentOf(m.members[i], window.members[i], member.budget)
		sum.Add(sum, one.Mul(one, member.weight))
	}
	return sum
}

func spentOf(c, window Counts, budget *big.Rat) *big.Rat {
	n := window.Total()
	if n <= 0 {
		return new(big.Rat)
	}
	share := big.NewRat(c.Bad, n)
	return share.Quo(share, budget)
}

// rate is the burn rate for display.
func (p *Plan) rate(m measure) float64 {
	if !p.weighted() {
		return burnRate(p.objective.target, m.counts)
	}
	rate, _ := p.spent(m, m).Float64()
	return rate
}
