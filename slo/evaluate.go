package slo

import (
	"math/big"
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

// usualLengths is how many look-backs a plan has without policies of its own:
// nine usual ones, the window, and two for each tier.
const usualLengths = 24

// NewPlan prepares the objective of an SLO at an index; the index behind the
// last stands for the composite (see SLO.Evaluated). A calendar that does not
// exist (see Calendar.Check) counts as a rolling window of its nominal length.
func NewPlan(definition SLO, index int) Plan {
	p := Plan{
		index: index, window: definition.Window, method: definition.Method, composite: index == len(definition.Objectives),
		member: index < len(definition.Objectives) && definition.Composite(),
	}
	if p.method == "" {
		p.method = Occurrences
	}
	if !p.window.Rolling() {
		if c, err := p.window.Calendar.compile(); err == nil {
			p.calendar = &c
		}
	}
	if p.composite {
		p.compose(definition)
	} else {
		p.objective = definition.Objectives[index]
		p.budget = p.objective.Target.budgetRat()
	}
	p.unit, p.eventScale = unitOf(p.method, definition, index), eventScale(definition, index)
	p.tiers = p.policy(definition)
	for _, length := range usualLookBacks() {
		if length < p.window.Duration {
			p.lengths = append(p.lengths, length)
		}
	}
	p.lengths = append(p.lengths, theWindow)
	p.shown = len(p.lengths)
	for i := range p.tiers {
		tier := &p.tiers[i]
		if !tier.windowed() {
			p.long, p.short = append(p.long, 0), append(p.short, 0)
			continue
		}
		long := p.place(tier.Long)
		short := long
		if tier.Short > 0 {
			short = p.place(tier.Short)
		}
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
func (p *Plan) policy(definition SLO) []Tier {
	if p.member {
		return watchers()
	}
	s := scale{budget: p.budget, highest: p.highestBurn(), window: p.window}
	if p.method != Occurrences {
		s.slice = p.objective.SliceWindow
	}
	switch {
	case len(definition.Policies) > 0:
		return s.own(definition.Policies)
	case p.composite:
		return s.defaults()
	default:
		return append(s.defaults(), watchers()...)
	}
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

// Evaluate judges the objective: counts of every look-back, the budget, the
// verdict of each tier. Firing, Pending and the state that depends on them are
// set by Conclude, once the episodes have moved. A reading that is stale is
// judged as of then: the silence since is Slowburn's own, not the service's.
func (p *Plan) Evaluate(r Reading) ObjectiveStatus {
	r = r.merged()
	if !r.StaleSince.IsZero() {
		r.Now = r.StaleSince
	}
	to := r.to()
	end := p.end(to)
	period := p.period(to)
	var room [usualLengths]LookBack
	all := append(room[:0], make([]LookBack, max(0, len(p.lengths)-usualLengths))...)[:len(p.lengths)]
	var burns [usualLengths]measure
	measures := append(burns[:0], make([]measure, max(0, len(p.lengths)-usualLengths))...)[:len(p.lengths)]
	latest := r.History.before(end)
	since, reset := p.windowSince(r, to)
	for i, length := range p.lengths {
		from := windowStart(to, length)
		if length == theWindow {
			from, length = since, p.window.Duration
			if p.calendar != nil {
				length = to.Sub(period.From)
			}
		}
		var m measure
		switch {
		case p.weighted() || len(r.Earlier) > 0 || len(r.Excluded) > 0:
			by := r
			if p.lengths[i] != theWindow {
				by, _ = r.judgedBy(from.Start()) // As the tiers are, so that both show the same.
			}
			m = p.measure(by, from, end)
		case from < end:
			m.counts = latest.Minus(r.History.before(from))
		}
		measures[i] = m
		all[i] = LookBack{Length: length, From: from.Start(), To: to, Counts: m.counts, Rate: p.rate(m)}
	}
	window := all[p.shown-1]
	s := ObjectiveStatus{
		Index: p.index, DisplayName: p.objective.DisplayName, Target: p.objective.Target, Window: p.window,
		Method: p.method, Unit: p.unit, Composite: p.composite, Member: p.member,
		From: earliest(window.From, to), To: to, PeriodFrom: period.From, PeriodEnd: period.To,
		Counts: window.Counts, Budget: p.budgetOf(measures[p.shown-1], period),
		BurnRates: slices.Clone(all[:p.shown]), Tiers: make([]TierStatus, len(p.tiers)),
		LastEvent: r.Series.Watermark, Silent: r.Now.Sub(r.Series.Watermark) > watermarkReach,
		MeasuredUntil: r.Coverage.Until, MeasuredRatio: r.measuredAcross(window.From, to),
		StaleSince: r.StaleSince, CountedSince: r.Series.CountedSince(),
	}
	if len(r.Earlier) > 0 {
		s.Splices = p.splices(r, since, end)
	}
	if reset {
		s.ResetAt = r.ResetAt
	}
	if len(r.Excluded) > 0 {
		p.exclude(&s, r, since, end, period)
	}
	in := verdictInput{window: measures[p.shown-1], length: period.To.Sub(period.From), to: to, end: end, since: since, reset: reset}
	for i := range p.tiers {
		tier := &p.tiers[i]
		if !tier.windowed() {
			s.Tiers[i] = p.watch(r, tier)
			continue
		}
		if len(r.Earlier) > 0 {
			s.Tiers[i] = p.verdictAfterEdit(r, tier, in)
			continue
		}
		in.long, in.short = &all[p.long[i]], &all[p.short[i]]
		in.longMeasure, in.shortMeasure = measures[p.long[i]], measures[p.short[i]]
		s.Tiers[i] = p.verdict(r, tier, in)
	}
	return s
}

// end is the slice behind the last that counts at to: the open bucket counts as
// it stands, an open time slice does not, since one early failure would make it
// bad until the good events after it have come.
func (p *Plan) end(to time.Time) Slice {
	if p.method == Occurrences {
		return SliceOf(to) + 1
	}
	length := max(1, Slice(p.objective.SliceWindow/SliceLength))
	return SliceOf(to) / length * length
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
