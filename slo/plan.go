package slo

import (
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Plan is an objective made ready to be evaluated many times.
type Plan struct {
	index     int
	objective planObjective
	window    Window
	calendar  *calendar // nil for a rolling window
	method    BudgetingMethod
	unit      Unit
	// eventScale is how many units of count make one event of the series.
	eventScale int64
	// budget is 1 - target. A composite by Occurrences has 1, and members.
	budget  *big.Rat
	members []planMember
	// composite: the objective is the composite itself. member: it is part of one.
	composite, member bool
	tiers             []Tier
	// lengths are all look-backs, each once: first those that the status
	// shows, the window (theWindow) last of them, then what only tiers use.
	lengths []time.Duration
	shown   int
	// long and short are the places in lengths of each tier's look-backs; the
	// short one is that of the long where there is none.
	long, short []int
}

// theWindow stands for the window among the lengths of look-backs.
const theWindow time.Duration = 0

// planSource is all of an SLO that a plan is made of: values alone, no
// references, so that two that print the same are the same.
type planSource struct {
	index  int
	window Window
	method BudgetingMethod
	// objectives are the one at the index; of a composite, and of its members, all.
	objectives        []planObjective
	composite, member bool
	policies          []AlertPolicy
	// compositeTarget is the annotation of that name. raw: the indicator counts
	// parts of events.
	compositeTarget string
	raw             bool
}

type planObjective struct {
	displayName string
	target      Target
	sliceWindow time.Duration
	weight      Decimal
}

func planSourceOf(definition SLO, index int) planSource {
	last := len(definition.Objectives)
	s := planSource{
		index: index, window: definition.Window, method: definition.Method, policies: definition.Policies,
		composite: index == last, member: index < last && definition.Composite(),
	}
	own := definition.Objectives
	if s.composite {
		s.compositeTarget = definition.Annotations[CompositeTarget]
	} else {
		own = own[index : index+1]
		v := definition.IndicatorOf(index).Value
		s.raw = v != nil && v.Raw != ""
	}
	for _, o := range own {
		s.objectives = append(s.objectives, planObjective{o.DisplayName, o.Target, o.SliceWindow, o.Weight})
	}
	if s.method == "" {
		s.method = Occurrences
	}
	return s
}

// PlanKey is the same for objectives that have the same plan. Most do: they
// differ in what they count, seldom in target, window and policy.
func PlanKey(definition SLO, index int) string {
	return fmt.Sprintf("%#v", planSourceOf(definition, index))
}

// NewPlan prepares the objective of an SLO at an index; the index behind the
// last stands for the composite (see SLO.Evaluated). A calendar that does not
// exist (see Calendar.Check) counts as a rolling window of its nominal length.
func NewPlan(definition SLO, index int) Plan {
	source := planSourceOf(definition, index)
	p := Plan{
		index: index, window: source.window, method: source.method, composite: source.composite, member: source.member,
		eventScale: 1,
	}
	if !p.window.Rolling() {
		if c, err := p.window.Calendar.compile(); err == nil {
			p.calendar = &c
		}
	}
	if p.composite {
		p.compose(source)
	} else {
		p.objective = source.objectives[0]
		p.budget = p.objective.target.budgetRat()
	}
	if source.raw {
		p.eventScale = RawUnit
	}
	p.unit = unitOf(p.method, source.raw)
	p.tiers = p.policy(source.policies)
	for _, length := range usualLookBacks() {
		if length < p.window.Duration {
			p.lengths = append(p.lengths, length)
		}
	}
	p.lengths = append(p.lengths, theWindow)
	p.shown = len(p.lengths)
	for i := range p.tiers {
		long, short := p.places(&p.tiers[i])
		p.long, p.short = append(p.long, long), append(p.short, short)
	}
	return p
}

func usualLookBacks() []time.Duration {
	return []time.Duration{
		10 * time.Second, 2 * time.Minute, 5 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
		6 * time.Hour, 24 * time.Hour, 72 * time.Hour,
	}
}

// policy are the tiers: those of the document, or the default ones and what
// tells of missing data. What is part of a composite only has the latter.
func (p *Plan) policy(own []AlertPolicy) []Tier {
	if p.member {
		return watchers()
	}
	s := scale{budget: p.budget, highest: p.highestBurn(), window: p.window}
	if p.method != Occurrences {
		s.slice = p.objective.sliceWindow
	}
	switch {
	case len(own) > 0:
		return s.own(own)
	case p.composite:
		return s.defaults()
	default:
		return append(s.defaults(), watchers()...)
	}
}

// places are those of a tier's look-backs.
func (p *Plan) places(tier *Tier) (long, short int) {
	if !tier.windowed() {
		return 0, 0
	}
	long = p.place(tier.Long)
	if tier.Short == 0 {
		return long, long
	}
	return long, p.place(tier.Short)
}

// place finds or adds a look-back.
func (p *Plan) place(length time.Duration) int {
	if i := slices.Index(p.lengths, length); i >= 0 {
		return i
	}
	p.lengths = append(p.lengths, length)
	return len(p.lengths) - 1
}

// Longest is the longest look-back that the plan needs history for.
func (p *Plan) Longest() time.Duration {
	longest := p.window.Duration
	if p.calendar != nil {
		longest += longest/16 + 48*time.Hour // A month of 31 days, a year of 366, a day of 25 hours.
	}
	return max(longest, slices.Max(p.lengths))
}

// period is the window as an interval: of a calendar the whole period, of a
// rolling window the stretch that ends at to.
func (p *Plan) period(to time.Time) Interval {
	if p.calendar == nil {
		return Interval{From: to.Add(-p.window.Duration), To: to}
	}
	return p.calendar.period(to)
}

// windowFrom is the first slice of the window that ends at to.
func (p *Plan) windowFrom(to time.Time) Slice {
	if p.calendar == nil {
		return windowStart(to, p.window.Duration)
	}
	return SliceOf(p.calendar.period(to).From)
}

// Edges are the places in the past at which the plan needs exact sums at an
// instant, however old they are: History.Pin keeps them. They are the edges of
// the current calendar period.
func (p *Plan) Edges(now time.Time) []Slice {
	if p.calendar == nil {
		return nil
	}
	return []Slice{SliceOf(p.calendar.period(now).From)}
}
