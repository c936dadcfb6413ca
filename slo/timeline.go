package slo

import "time"

// Timeline is what one objective saw over a stretch of event time, step by
// step: what the charts of the read side draw.
type Timeline struct {
	// From and To bound the stretch, [From, To). From lies on the grid of Step
	// unless less is kept; then the first point is short. So does To, unless it
	// is the end of the bucket that is still open.
	From, To time.Time
	// Step is the length of a point.
	Step   time.Duration
	Points []Point
	// Tiers are the tiers that Point.Burns is in the order of.
	Tiers []Tier
	// Unmeasured are the stretches within [From, To) in which nobody knows
	// what happened, in their order. Late events may lie in them all the same.
	Unmeasured []Interval
	// Excluded are the stretches that reach into [From, To) and are excluded:
	// budgets and burn rates leave them out, Counts are what happened.
	Excluded []Excluded
	// ResetAt is when the budget was begun anew for the last time; zero if never.
	ResetAt time.Time
}

// Point is one step of a Timeline, [Start, Start+Step).
type Point struct {
	Start  time.Time
	Counts Counts
	// BudgetLeft is the share of the window's budget that was left at the end
	// of the step: 1 - bad events since the window's start / budget of the
	// whole window. It falls from 1 to the objective's remaining ratio; up to a
	// reset it is that of the window as if there were none, after it that of the
	// window that begins there. False in HasBudget means that the step lies before
	// the window, or that the window holds no events.
	BudgetLeft float64
	HasBudget  bool
	// Burns are the burn rates of each tier's look-backs, ending with the step.
	Burns []Burn
}

// Burn is the burn rates of one tier at one instant. A rate is not known
// where its look-back held no events, reaches back beyond what is kept, or is
// shorter than the step.
type Burn struct {
	Long, Short           float64
	LongKnown, ShortKnown bool
}

// steps are the lengths that a point may have; each is a whole number of every
// grid that a History keeps and that is not longer.
func steps() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{
		SliceLength, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
		30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day,
		14 * day, 28 * day, 56 * day, 112 * day, 224 * day, 448 * day,
	}
}

// Timeline is what the objective saw in [from, to), in at most this many
// points, but two at least: steps begin where their grid does, not where the
// stretch does, so any stretch may lie across the edge of two. It is cut to what
// the history keeps and to the end of the objective's window, and widened to
// whole steps; a step is at least the grid that the history keeps at the age of
// from.
func (p *Plan) Timeline(r Reading, from, to time.Time, points int) Timeline {
	merged := r.merged()
	return p.timeline(&merged, from, to, points)
}

func (p *Plan) timeline(r *Reading, from, to time.Time, points int) Timeline {
	end := r.to()
	t := Timeline{}
	for _, tier := range p.tiers {
		if tier.LeftOut == "" && tier.Kind == BurnRate {
			t.Tiers = append(t.Tiers, tier)
		}
	}
	stop := p.end(end)
	if to.After(stop.Start()) {
		to = stop.Start()
	}
	first, last, step := p.steps(r, from, to, stop, points)
	t.Step = time.Duration(step) * SliceLength
	t.From, t.To = first.Start(), last.Start()
	if first >= last {
		t.To = t.From
		return t
	}
	t.ResetAt = r.ResetAt
	t.Excluded = r.excludedIn(first, last)
	d := drawing{plan: p, reading: r, end: end}
	d.addBudget(p.windowFrom(end), first, stop)
	if since, reset := p.windowSince(r, end); reset {
		d.addBudget(since, first, stop)
	}
	before := p.running(r, first)
	for a := first; a < last; {
		b := min((a/step+1)*step, last)
		after := p.running(r, b)
		point := Point{Start: a.Start(), Counts: after.counts.Minus(before.counts), Burns: make([]Burn, len(t.Tiers))}
		point.BudgetLeft, point.HasBudget = d.left(a, b)
		for i, tier := range t.Tiers {
			point.Burns[i].Long, point.Burns[i].LongKnown = d.burn(b, after, tier.Long, t.Step)
			point.Burns[i].Short, point.Burns[i].ShortKnown = d.burn(b, after, tier.Short, t.Step)
		}
		t.Points = append(t.Points, point)
		before, a = after, b
	}
	t.Unmeasured = r.unmeasured(t.From, t.To)
	return t
}

// steps chooses the first and the last slice (which is not part) and the
// number of slices of a step.
func (p *Plan) steps(r *Reading, from, to time.Time, stop Slice, points int) (first, last, step Slice) {
	histories := p.histories(r)
	points = max(points, 2)
	var oldest Slice
	for _, h := range histories {
		oldest = max(oldest, h.oldestSlice(stop, p.window.Duration))
	}
	for _, length := range steps() {
		step = Slice(length / SliceLength)
		first = max(SliceOf(from)/step*step, oldest)
		last = min((SliceOf(to.Add(SliceLength-1))+step-1)/step*step, stop)
		if (last+step-1)/step-first/step <= Slice(points) && coarsest(histories, first) <= length {
			break
		}
	}
	return first, last, step
}

// histories are what the plan counts by.
func (p *Plan) histories(r *Reading) []*History {
	var all []*History
	for _, e := range r.Earlier {
		earlier := e.reading(r)
		all = append(all, p.histories(&earlier)...)
	}
	if !p.weighted() {
		return append(all, r.History)
	}
	for _, m := range r.Members {
		all = append(all, m.History)
	}
	return all
}

// coarsest is the coarsest grid that one of the histories keeps at a slice.
func coarsest(histories []*History, s Slice) time.Duration {
	grid := SliceLength
	for _, h := range histories {
		grid = max(grid, h.gridAt(s))
	}
	return grid
}

// running is the running total before a slice.
func (p *Plan) running(r *Reading, s Slice) measure {
	if len(r.Earlier) > 0 {
		// Up to the edit by what was in force then, from there on by what came after.
		older, now, cut := r.Earlier[0].reading(r), *r, r.Earlier[0].cut()
		older.Earlier, now.Earlier = r.Earlier[1:], nil
		if s <= cut {
			return p.running(&older, s)
		}
		return p.running(&older, cut).plus(p.running(&now, s).minus(p.running(&now, cut)))
	}
	if !p.weighted() {
		return measure{counts: r.History.before(s)}
	}
	m := measure{members: make([]Counts, len(r.Members))}
	for i, member := range r.Members {
		m.members[i] = member.History.before(s)
		m.counts = m.counts.Plus(m.members[i])
	}
	return m
}

func (m measure) minus(other measure) measure {
	d := measure{counts: m.counts.Minus(other.counts)}
	for i := range m.members {
		d.members = append(d.members, m.members[i].Minus(other.members[i]))
	}
	return d
}

// drawing is what the points of one timeline share.
type drawing struct {
	plan    *Plan
	reading *Reading
	end     time.Time
	// budgets are that of the window, and that of what follows a reset within it.
	budgets []drawnBudget
}

// drawnBudget is a budget from where it begins.
type drawnBudget struct {
	start Slice
	// window is what all of it holds, spent what it holds up to here.
	window, spent measure
}

// addBudget adds the budget that begins with a slice; points begin with first.
func (d *drawing) addBudget(start, first, stop Slice) {
	p, r := d.plan, d.reading
	d.budgets = append(d.budgets, drawnBudget{start: start, window: p.measure(r, start, stop), spent: p.measure(r, start, first)})
}

// left is the share of the budget that is left after the slices [a, b), which
// follow those of the call before.
func (d *drawing) left(a, b Slice) (share float64, known bool) {
	for i := range d.budgets {
		budget := &d.budgets[i]
		if b <= budget.start {
			break // It begins later.
		}
		budget.spent = budget.spent.plus(d.plan.measure(d.reading, max(a, budget.start), b))
		if known = budget.window.counts.Total() > 0; known {
			share = 1 - d.spent(budget)
		}
	}
	return share, known
}

// spent is the share of a budget that the bad events are.
func (d *drawing) spent(b *drawnBudget) float64 {
	if d.plan.weighted() {
		share, _ := d.plan.spent(b.spent, b.window).Float64()
		return share
	}
	return float64(b.spent.counts.Bad) / BudgetOf(d.plan.objective.target, b.window.counts).Total
}

// burn is the burn rate of the look-back that ends with slice b, whose running
// total is after. It is not known where the look-back held no events, reaches
// back beyond what is kept, or is shorter than a step; nor where the grid that
// is kept there is coarser than half of it. Its start lies on that grid, or on
// the one that verdicts use, whichever is coarser.
func (d *drawing) burn(b Slice, after measure, length, step time.Duration) (float64, bool) {
	if length < step {
		return 0, false
	}
	end := b.Start()
	if end.After(d.end) {
		end = d.end // As the verdict of now does.
	}
	from := SliceOf(end.Add(-length))
	histories := d.plan.histories(d.reading)
	grid := max(coarsest(histories, from), gridOf(length))
	if grid > length/2 {
		return 0, false
	}
	from = from / Slice(grid/SliceLength) * Slice(grid/SliceLength)
	for _, h := range histories {
		if from < h.oldestSlice(b, 0) {
			return 0, false
		}
	}
	m := after.minus(d.plan.running(d.reading, from))
	if len(d.reading.Excluded) > 0 {
		m = d.plan.measure(d.reading, from, b)
	}
	return d.plan.rate(m), m.counts.Total() > 0
}
