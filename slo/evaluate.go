package slo

import (
	"slices"
	"time"
)

// watermarkReach is how long the windows of a series end at its newest event
// instead of at now: telemetry arrives in batches, and a window that ended at
// now would begin with a stretch that nobody has reported yet.
const watermarkReach = 2 * time.Minute

// StaleAfter is how old the last reading of the journal may be before nothing
// counts as measured now, and verdicts are no longer of now.
const StaleAfter = 30 * time.Second

// Plan is an objective made ready to be evaluated many times.
type Plan struct {
	index     int
	objective Objective
	window    Window
	tiers     []Tier
	// lengths are all look-backs, each once: first those that the status
	// shows, the window last of them, then what only tiers use.
	lengths []time.Duration
	shown   int
	// long and short are the places in lengths of each tier's look-backs.
	long, short []int
}

// maxLengths bounds Plan.lengths: nine usual look-backs, the window, and two
// for each of the five tiers.
const maxLengths = 20

// NewPlan prepares the objective of an SLO at an index, under the default policy.
func NewPlan(definition SLO, index int) Plan {
	objective := definition.Objectives[index]
	p := Plan{index: index, objective: objective, window: definition.Window}
	p.tiers = DefaultPolicy(objective.Target, definition.Window, 0)
	for _, length := range []time.Duration{
		10 * time.Second, 2 * time.Minute, 5 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
		6 * time.Hour, 24 * time.Hour, 72 * time.Hour,
	} {
		if length < p.window.Duration {
			p.lengths = append(p.lengths, length)
		}
	}
	p.lengths = append(p.lengths, p.window.Duration)
	p.shown = len(p.lengths)
	for _, tier := range p.tiers {
		p.long = append(p.long, p.place(tier.Long))
		p.short = append(p.short, p.place(tier.Short))
	}
	return p
}

// place finds or adds a look-back.
func (p *Plan) place(length time.Duration) int {
	if i := slices.Index(p.lengths, length); i >= 0 {
		return i
	}
	p.lengths = append(p.lengths, length)
	return len(p.lengths) - 1
}

// Reading is what is known of a series at an instant.
type Reading struct {
	// Now is the wall clock.
	Now      time.Time
	History  *History
	Series   SeriesState
	Coverage Coverage
	// StaleSince, if it is set, is the instant that can still be judged because
	// nobody knows what came later.
	StaleSince time.Time
}

// to is where the windows of the series end: at the watermark while that is
// within two minutes of now, else at now.
func (r Reading) to() time.Time {
	if w := r.Series.Watermark; !w.IsZero() && !w.After(r.Now) && r.Now.Sub(w) <= watermarkReach {
		return w
	}
	return r.Now
}

// Evaluate judges the objective: counts of every look-back, the budget, the
// verdict of each tier. Firing, Pending and the state that depends on them are
// set by Conclude, once the episodes have moved. A reading that is stale is
// judged as of then: the silence since is Slowburn's own, not the service's.
func (p *Plan) Evaluate(r Reading) ObjectiveStatus {
	if !r.StaleSince.IsZero() {
		r.Now = r.StaleSince
	}
	to := r.to()
	latest := r.History.before(SliceOf(to) + 1) // The open bucket is included.
	var all [maxLengths]LookBack
	for i, length := range p.lengths {
		from := windowStart(to, length)
		counts := latest.Minus(r.History.before(from))
		all[i] = LookBack{
			Length: length, From: from.Start(), To: to, Counts: counts, Rate: burnRate(p.objective.Target, counts),
		}
	}
	window := all[p.shown-1]
	s := ObjectiveStatus{
		Index: p.index, DisplayName: p.objective.DisplayName, Target: p.objective.Target, Window: p.window,
		From: window.From, To: to, Counts: window.Counts, Budget: BudgetOf(p.objective.Target, window.Counts),
		BurnRates: slices.Clone(all[:p.shown]), Tiers: make([]TierStatus, len(p.tiers)),
		LastEvent: r.Series.Watermark, Silent: r.Now.Sub(r.Series.Watermark) > watermarkReach,
		MeasuredUntil: r.Coverage.Until, MeasuredRatio: r.measured(window.From, to),
		StaleSince: r.StaleSince, CountedSince: r.Series.CountedSince(),
	}
	for i, tier := range p.tiers {
		long, short := &all[p.long[i]], &all[p.short[i]]
		s.Tiers[i] = TierStatus{
			Tier:      tier,
			Long:      LookBackCounts{Counts: long.Counts, Rate: long.Rate},
			Short:     LookBackCounts{Counts: short.Counts, Rate: short.Rate},
			LongOver:  long.Counts.Bad >= tier.MinBad && tier.threshold.reachedBy(long.Counts.Bad, long.Counts.Total()),
			ShortOver: tier.threshold.reachedBy(short.Counts.Bad, short.Counts.Total()),
			Frozen:    tier.LeftOut == "" && r.measured(short.From, to) < 0.5,
		}
	}
	return s
}

// Conclude fills in the open episodes of the objective and the state that
// follows from them.
func (s *ObjectiveStatus) Conclude(open map[string]Episode, now time.Time) {
	s.Firing, s.Pending = nil, nil
	for _, tier := range s.Tiers {
		switch episode := open[tier.Name]; episode.State {
		case Firing:
			s.Firing = append(s.Firing, episode)
		case Pending:
			s.Pending = append(s.Pending, episode)
		case Resolved, Lapsed:
		}
	}
	switch {
	case s.Budget.Exhausted:
		s.State = Exhausted
	case len(s.Firing) > 0:
		s.State = Burning
	case s.Counts.Total() == 0 || now.Sub(s.MeasuredUntil) > StaleAfter:
		s.State = Unmeasured
	default:
		s.State = OK
	}
}

// Gravest returns the gravest state of the objectives, OK for none.
func Gravest(objectives []ObjectiveStatus) State {
	order := []State{Exhausted, Burning, Unmeasured, OK}
	gravest := len(order) - 1
	for _, o := range objectives {
		if i := slices.Index(order, o.State); i >= 0 {
			gravest = min(gravest, i)
		}
	}
	return order[gravest]
}

// burnRate is bad / total / (1 - target), for display.
func burnRate(target Target, c Counts) float64 {
	if c.Total() == 0 {
		return 0
	}
	n, d := target.budget()
	return float64(c.Bad) / float64(c.Total()) * float64(d) / float64(n)
}

// measured is the share of [from, to] in which Slowburn was accepting and the
// series was in force.
func (r Reading) measured(from, to time.Time) float64 {
	if !from.Before(to) {
		return 0
	}
	var total time.Duration
	for _, counted := range r.Series.Counted {
		begin, end := r.accepting(counted, from, to)
		if !begin.Before(end) {
			continue
		}
		total += end.Sub(begin)
		for _, gap := range r.Coverage.Gaps {
			if b, e := latest(begin, gap.From), earliest(end, gap.To); b.Before(e) {
				total -= e.Sub(b)
			}
		}
	}
	return float64(total) / float64(to.Sub(from))
}

// accepting is the part of [from, to] in which the journal was accepting, but
// for its gaps, and the series was counted in one of its stretches. A
// watermark may be a little ahead of the last journal record read, so the
// coverage is taken to last until now while it is fresh.
func (r Reading) accepting(counted Interval, from, to time.Time) (begin, end time.Time) {
	until := r.Coverage.Until
	if r.Now.Sub(until) <= StaleAfter {
		until = r.Now
	}
	begin, end = latest(from, counted.From, r.Coverage.Since), earliest(to, until)
	if !counted.To.IsZero() {
		end = earliest(end, counted.To)
	}
	return begin, end
}

// unmeasured are the stretches of [from, to) that are not measured, in their
// order: what measured leaves. What lies after now is not yet unmeasured.
func (r Reading) unmeasured(from, to time.Time) []Interval {
	to = earliest(to, r.Now)
	var measured []Interval
	for _, counted := range r.Series.Counted {
		if begin, end := r.accepting(counted, from, to); begin.Before(end) {
			measured = append(measured, Interval{From: begin, To: end})
		}
	}
	var missing []Interval
	at := from
	for _, m := range measured {
		if at.Before(m.From) {
			missing = append(missing, Interval{From: at, To: m.From})
		}
		at = latest(at, m.To)
		for _, gap := range r.Coverage.Gaps {
			if b, e := latest(m.From, gap.From), earliest(m.To, gap.To); b.Before(e) {
				missing = append(missing, Interval{From: b, To: e})
			}
		}
	}
	if at.Before(to) {
		missing = append(missing, Interval{From: at, To: to})
	}
	slices.SortFunc(missing, func(a, b Interval) int { return a.From.Compare(b.From) })
	return missing
}

func latest(first time.Time, others ...time.Time) time.Time {
	for _, t := range others {
		if t.After(first) {
			first = t
		}
	}
	return first
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
