package slo

import (
	"slices"
	"time"
)

// watermarkReach is how long the windows of a series end at its newest event
// instead of at now: telemetry arrives in batches, and a window that ended at
// now would begin with a stretch that nobody has reported yet.
const watermarkReach = 2 * time.Minute

// staleAfter is how old the last reading of the journal may be before nothing
// counts as measured now.
const staleAfter = 30 * time.Second

// Plan is an objective made ready to be evaluated many times.
type Plan struct {
	index     int
	objective Objective
	window    Window
	tiers     []Tier
	lookBacks []time.Duration
}

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
			p.lookBacks = append(p.lookBacks, length)
		}
	}
	p.lookBacks = append(p.lookBacks, p.window.Duration)
	return p
}

// Reading is what is known of a series at an instant.
type Reading struct {
	// Now is the wall clock.
	Now      time.Time
	History  *History
	Series   SeriesState
	Coverage Coverage
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
// set by Conclude, once the episodes have moved.
func (p *Plan) Evaluate(r Reading) ObjectiveStatus {
	to := r.to()
	end := SliceOf(to) + 1 // The open bucket is included.
	s := ObjectiveStatus{
		Index: p.index, DisplayName: p.objective.DisplayName, Target: p.objective.Target, Window: p.window,
		To: to, MeasuredUntil: r.Coverage.Until,
		BurnRates: make([]LookBack, len(p.lookBacks)), Tiers: make([]TierStatus, len(p.tiers)),
	}
	latest := r.History.before(end)
	sum := func(length time.Duration) (Slice, Counts) {
		from := windowStart(to, length)
		return from, latest.Minus(r.History.before(from))
	}
	for i, length := range p.lookBacks {
		from, counts := sum(length)
		s.BurnRates[i] = LookBack{
			Length: length, From: from.Start(), To: to, Counts: counts, Rate: burnRate(p.objective.Target, counts),
		}
	}
	window := s.BurnRates[len(s.BurnRates)-1]
	s.From, s.Counts = window.From, window.Counts
	s.Budget = BudgetOf(p.objective.Target, s.Counts)
	s.MeasuredRatio = r.measured(s.From, to)
	for i, tier := range p.tiers {
		_, long := sum(tier.Long)
		from, short := sum(tier.Short)
		s.Tiers[i] = TierStatus{
			Tier:      tier,
			Long:      LookBackCounts{Counts: long, Rate: burnRate(p.objective.Target, long)},
			Short:     LookBackCounts{Counts: short, Rate: burnRate(p.objective.Target, short)},
			LongOver:  long.Bad >= tier.MinBad && tier.threshold.reachedBy(long.Bad, long.Total()),
			ShortOver: tier.threshold.reachedBy(short.Bad, short.Total()),
			Frozen:    tier.LeftOut == "" && r.measured(from.Start(), to) < 0.5,
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
	case s.Counts.Total() == 0 || now.Sub(s.MeasuredUntil) > staleAfter:
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
// series was in force. A watermark may be a little ahead of the last journal
// record read, so the coverage is taken to last until now while it is fresh.
func (r Reading) measured(from, to time.Time) float64 {
	if !from.Before(to) {
		return 0
	}
	until := r.Coverage.Until
	if r.Now.Sub(until) <= staleAfter {
		until = r.Now
	}
	var total time.Duration
	for _, counted := range r.Series.Counted {
		begin := latest(from, counted.From, r.Coverage.Since)
		end := earliest(to, until)
		if !counted.To.IsZero() {
			end = earliest(end, counted.To)
		}
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
