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

// Evaluate judges the objective: counts of every look-back, the budget, the
// verdict of each tier. Firing, Pending and the state that depends on them are
// set by Conclude, once the episodes have moved. A reading that is stale is
// judged as of then: the silence since is Slowburn's own, not the service's.
func (p *Plan) Evaluate(r Reading) ObjectiveStatus {
	var s ObjectiveStatus
	p.EvaluateInto(&r, &s)
	return s
}

// EvaluateInto is Evaluate for whoever judges often: it writes over a status
// that nobody reads any longer and uses its slices again, so that it allocates
// nothing.
func (p *Plan) EvaluateInto(given *Reading, s *ObjectiveStatus) {
	r := given.merged()
	if !r.StaleSince.IsZero() {
		r.Now = r.StaleSince
	}
	r.whole = r.wholeSince()
	in := p.judged(&r)
	all := slices.Grow(s.BurnRates[:0], len(p.lengths))[:len(p.lengths)]
	members := p.lookBacks(&r, &in, all)
	in.window = p.held(all, members, p.shown-1)
	window := &all[p.shown-1]
	*s = ObjectiveStatus{
		Index: p.index, DisplayName: p.objective.displayName, Target: p.objective.target, Window: p.window,
		Method: p.method, Unit: p.unit, Composite: p.composite, Member: p.member,
		From: earliest(window.From, in.to), To: in.to, PeriodFrom: in.period.From, PeriodEnd: in.period.To,
		Counts: window.Counts, Budget: p.budgetOf(in.window, in.period),
		BurnRates: all[:p.shown], Tiers: slices.Grow(s.Tiers[:0], len(p.tiers))[:len(p.tiers)],
		LastEvent: r.Series.Watermark, Silent: r.Now.Sub(r.Series.Watermark) > watermarkReach,
		MeasuredUntil: r.Coverage.Until, MeasuredRatio: r.measuredAcross(window.From, in.to),
		StaleSince: r.StaleSince, CountedSince: r.Series.CountedSince(),
	}
	if len(r.Earlier) > 0 {
		s.Splices = p.splices(&r, in.since, in.end)
	}
	if in.reset {
		s.ResetAt = r.ResetAt
	}
	if len(r.Excluded) > 0 {
		p.exclude(s, &r, in.since, in.end, in.period)
	}
	for i := range p.tiers {
		tier := &p.tiers[i]
		switch {
		case !tier.windowed():
			s.Tiers[i] = p.watch(&r, tier)
		case len(r.Earlier) > 0:
			p.verdictAfterEdit(&r, tier, in, &s.Tiers[i])
		default:
			in.long, in.short = &all[p.long[i]], &all[p.short[i]]
			in.longMeasure, in.shortMeasure = p.held(all, members, p.long[i]), p.held(all, members, p.short[i])
			p.verdict(&r, tier, &in, &s.Tiers[i])
		}
	}
}

// judged is when and by what the tiers are judged, as far as they share it.
func (p *Plan) judged(r *Reading) verdictInput {
	in := verdictInput{to: r.to()}
	in.end, in.period = p.end(in.to), p.period(in.to)
	in.since, in.reset = p.windowSince(r, in.to)
	return in
}

// lookBacks counts every look-back; of a composite by Occurrences it returns the
// counts of the members, too.
func (p *Plan) lookBacks(r *Reading, in *verdictInput, all []LookBack) (members [][]Counts) {
	if p.weighted() {
		members = make([][]Counts, len(all))
	}
	latest := r.History.before(in.end)
	for i, length := range p.lengths {
		from := windowStart(in.to, length)
		if length == theWindow {
			from, length = in.since, p.window.Duration
			if p.calendar != nil {
				length = in.to.Sub(in.period.From)
			}
		}
		var m measure
		switch {
		case p.weighted() || len(r.Earlier) > 0 || len(r.Excluded) > 0:
			by := r
			if p.lengths[i] != theWindow {
				one, _ := r.judgedBy(from.Start()) // As the tiers are, so that both show the same.
				by = &one
			}
			m = p.measure(by, from, in.end)
		case from < in.end:
			m.counts = latest.Minus(r.History.beforeAgain(i, from))
		}
		if members != nil {
			members[i] = m.members
		}
		all[i] = LookBack{Length: length, From: from.Start(), To: in.to, Counts: m.counts, Rate: p.rate(m)}
	}
	return members
}

// held is what one look-back holds, to be compared.
func (p *Plan) held(all []LookBack, members [][]Counts, i int) measure {
	m := measure{counts: all[i].Counts}
	if members != nil {
		m.members = members[i]
	}
	return m
}

// end is the slice behind the last that counts at to: the open bucket counts as
// it stands, an open time slice does not, since one early failure would make it
// bad until the good events after it have come.
func (p *Plan) end(to time.Time) Slice {
	if p.method == Occurrences {
		return SliceOf(to) + 1
	}
	length := max(1, Slice(p.objective.sliceWindow/SliceLength))
	return SliceOf(to) / length * length
}

// Conclude fills in the open episodes of the objective and the state that
// follows from them.
func (s *ObjectiveStatus) Conclude(open map[string]Episode, now time.Time) {
	s.Firing, s.Pending = nil, nil
	for i := range s.Tiers {
		if len(open) == 0 {
			break
		}
		switch episode := open[s.Tiers[i].Name]; episode.State {
		case Firing:
			s.Firing = append(s.Firing, episode)
		case Pending:
			s.Pending = append(s.Pending, episode)
		case Resolved, Lapsed:
		}
	}
	burning := slices.ContainsFunc(s.Firing, func(e Episode) bool {
		return e.Tier != string(SourceSilent) && e.Tier != string(Blind)
	})
	switch {
	case s.Budget.Exhausted:
		s.State = Exhausted
	case burning:
		s.State = Burning
	case s.Counts.Total() == s.Counts.Unknown || now.Sub(s.MeasuredUntil) > StaleAfter:
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
