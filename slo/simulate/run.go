package simulate

import (
	"fmt"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// usualPoints is how many points the course of a budget has.
const usualPoints = 100

// run is one objective under one definition as time goes by.
type run struct {
	drive      *drive
	lane       *lane
	definition slo.SLO
	plan       slo.Plan
	open       map[string]slo.Episode
	ended      slo.Ended
	status     slo.ObjectiveStatus
	// next is when it is to be judged next.
	next time.Time
	// outlooks are how far ahead the verdict of each tier is known.
	outlooks []outlook
	// instants are those at which the status is kept, in their order; points
	// those of the budget's course.
	instants    []time.Time
	pointStep   time.Duration
	nextPoint   time.Time
	evaluations int

	episodes []Episode
	places   map[string]int // of open episodes in episodes, by tier
	kept     []slo.ObjectiveStatus
	budget   []BudgetPoint
}

func newRun(d *drive, l *lane, definition slo.SLO, plan slo.Plan) *run {
	r := &run{
		drive: d, lane: l, definition: definition, plan: plan, open: map[string]slo.Episode{}, ended: slo.Ended{},
		next: d.from, nextPoint: d.from, places: map[string]int{},
	}
	for _, tier := range plan.Tiers() {
		r.outlooks = append(r.outlooks, outlook{tier: tier, stride: 1})
	}
	for _, at := range d.options.At {
		at = at.Truncate(step)
		if at.Before(d.from) {
			at = d.from
		}
		if at.After(d.to) {
			at = d.to
		}
		r.instants = append(r.instants, at)
	}
	slices.SortFunc(r.instants, time.Time.Compare)
	points := d.options.BudgetPoints
	if points <= 0 {
		points = usualPoints
	}
	r.pointStep = wholeSteps(d.to.Sub(d.from) / time.Duration(points))
	return r
}

// wholeSteps is a length rounded up to steps.
func wholeSteps(length time.Duration) time.Duration { return max(step, (length+step-1)/step*step) }

// judge evaluates the objective at an instant, moves its episodes, and finds
// when to do so next.
func (r *run) judge(at time.Time) error {
	if !r.lane.pin(&r.plan, at) {
		return fmt.Errorf("judge objective %d of %s at %s: %w", r.lane.index, r.definition.Name, at.Format(time.RFC3339), errLost)
	}
	r.status = r.plan.Evaluate(r.lane.reading(at))
	r.evaluations++
	for _, t := range slo.Advance(&r.definition, &r.status, r.open, r.ended, at) {
		r.settle(t)
	}
	r.status.Conclude(r.open, at)
	for len(r.instants) > len(r.kept) && !r.instants[len(r.kept)].After(at) {
		r.kept = append(r.kept, r.status)
	}
	last := at.Equal(r.drive.to)
	if !at.Before(r.nextPoint) || last {
		r.budget = append(r.budget, BudgetPoint{At: at, Left: r.status.Budget.RemainingRatio, HasBudget: r.status.Counts.Total() > 0})
		r.nextPoint = at.Add(r.pointStep)
	}
	r.next = at.Add(step)
	if !r.drive.options.EveryStep && !last {
		r.next = r.nextChange(at)
	}
	return nil
}

// settle applies a transition.
func (r *run) settle(t slo.Transition) {
	name := t.Episode.Tier
	i, known := r.places[name]
	if !known {
		i = len(r.episodes)
		r.places[name] = i
		r.episodes = append(r.episodes, Episode{Tier: *t.Tier.Tier, Began: t.Tier})
	}
	e := &r.episodes[i]
	e.Episode = t.Episode
	switch t.Episode.State {
	case slo.Pending:
		r.open[name] = t.Episode
	case slo.Firing:
		e.Began, e.BudgetLeft = t.Tier, t.Status.Budget.RemainingRatio
		r.open[name] = t.Episode
	case slo.Resolved, slo.Lapsed:
		e.Ended = t.Tier
		delete(r.open, name)
		delete(r.places, name)
		if t.Episode.State == slo.Resolved {
			r.ended[name] = t.Episode.ResolvedAt
		}
	}
}

// outcome is what became of the objective.
func (r *run) outcome() Objective {
	o := Objective{
		Index: r.lane.index, DisplayName: r.status.DisplayName, Episodes: r.episodes, Status: r.status, At: r.kept,
		Budget: r.budget, Evaluations: r.evaluations,
	}
	for _, tier := range r.plan.Tiers() {
		use := TierUse{Tier: tier}
		for _, e := range r.episodes {
			if e.Episode.Tier == tier.Name && e.Fired() {
				use.Fired++
				use.Firing += e.End(r.drive.to).Sub(e.FiredAt)
			}
		}
		o.Tiers = append(o.Tiers, use)
	}
	return o
}
