package slo

import (
	"fmt"
	"math"
	"time"
)

// verdictInput is what one tier is judged by.
type verdictInput struct {
	long, short               *LookBack
	longMeasure, shortMeasure measure
	window                    measure
	// period is the window as an interval, to where it ends, end the slice behind that.
	period Interval
	to     time.Time
	end    Slice
	// since is the first slice of the window; reset: it begins with a reset.
	since Slice
	reset bool
}

// length is that of the window: of a calendar the whole period.
func (in *verdictInput) length() time.Duration { return in.period.To.Sub(in.period.From) }

// verdict judges one tier.
func (p *Plan) verdict(r *Reading, tier *Tier, in *verdictInput, v *TierStatus) {
	*v = TierStatus{
		Tier: tier,
		Unit: p.unit, Weighted: p.weighted(),
		Long:   LookBackCounts{Counts: in.long.Counts, Rate: in.long.Rate},
		Short:  LookBackCounts{Counts: in.short.Counts, Rate: in.short.Rate},
		Frozen: tier.LeftOut == "" && r.measured(in.frozenFrom(tier), in.to) < 0.5,
	}
	v.Events = v.Long.Counts
	if r.Events != nil {
		v.Events = r.sum(r.Events, SliceOf(in.long.From), in.end)
	}
	v.Events = v.Events.in(p.eventScale)
	if in.reset && tier.Kind == BudgetDrop && SliceOf(in.long.From) < in.since {
		in.longMeasure = in.window // What was spent before the reset drops nothing from the budget of now.
	}
	v.Value = p.value(tier, in)
	v.LongOver = p.over(tier, &in.longMeasure, in)
	v.ShortOver = tier.Short == 0 && v.LongOver || tier.Short > 0 && p.over(tier, &in.shortMeasure, in)
	if v.LongOver && tier.LeftOut == "" {
		v.Gate = p.gate(tier, v.Events, &v.Chance)
		v.LongOver = v.Gate == ""
	}
}

// frozenFrom is from where on at least half must be measured: the shortest
// look-back. What the window has spent stays spent, whatever of it was measured,
// so that a tier that judges the whole window asks for the last minutes only.
func (in *verdictInput) frozenFrom(tier *Tier) time.Time {
	if tier.Long == theWindow {
		return in.to.Add(-5 * time.Minute)
	}
	return in.short.From
}

// value is what a tier of another kind than the burn rate compares, for display.
func (p *Plan) value(tier *Tier, in *verdictInput) float64 {
	var share float64
	switch tier.Kind {
	case BudgetConsumed:
		share, _ = p.spent(in.window, in.window).Float64()
	case BudgetDrop:
		share, _ = p.spent(in.longMeasure, in.window).Float64()
	case TimeToExhaustion:
		spent, _ := p.spent(in.window, in.window).Float64()
		burn, _ := p.spent(in.longMeasure, in.longMeasure).Float64()
		if burn == 0 {
			return math.Inf(1)
		}
		return max(0, 1-spent) * in.length().Hours() / burn
	default:
	}
	return share
}

// verdictAfterEdit judges one tier of an objective whose indicator was edited:
// by what covers its long look-back.
func (p *Plan) verdictAfterEdit(r *Reading, tier *Tier, in verdictInput, v *TierStatus) {
	from := windowStart(in.to, tier.Long)
	if tier.Long == theWindow {
		from = in.since
	}
	by, revision := r.judgedBy(from.Start())
	if tier.Long == theWindow {
		by, revision = *r, 0
	}
	lookBack := func(length time.Duration, from Slice) (LookBack, measure) {
		m := p.measure(&by, from, in.end)
		return LookBack{Length: length, From: from.Start(), To: in.to, Counts: m.counts, Rate: p.rate(m)}, m
	}
	long, longMeasure := lookBack(tier.Long, from)
	short, shortMeasure := long, longMeasure
	if tier.Short > 0 {
		short, shortMeasure = lookBack(tier.Short, windowStart(in.to, tier.Short))
	}
	in.long, in.short, in.longMeasure, in.shortMeasure = &long, &short, longMeasure, shortMeasure
	p.verdict(&by, tier, &in, v)
	v.Revision = revision
}

// over reports whether the look-back compares with the threshold as the tier
// wants it. Without events it does not.
func (p *Plan) over(tier *Tier, m *measure, in *verdictInput) bool {
	if m.counts.Total() <= 0 {
		return false
	}
	switch {
	case tier.Kind == BudgetDrop:
		return tier.Op.Holds(p.spent(*m, in.window).Cmp(tier.exact))
	case tier.Kind == TimeToExhaustion:
		return tier.Op.Holds(tier.exhaustion(p.spent(*m, *m), p.spent(in.window, in.window), in.length()))
	case p.weighted() || tier.exact != nil:
		// The threshold is an error ratio, except that of a composite, whose
		// budget is 1.
		burn := p.spent(*m, *m)
		return tier.Op.Holds(burn.Mul(burn, p.budget).Cmp(tier.bound()))
	default:
		return tier.Op.Holds(tier.threshold.compare(m.counts.Bad, m.counts.Total()))
	}
}

// gate says why what is over the threshold does not count: too few events are
// bad, or as many may well be by chance. Empty if it counts.
func (p *Plan) gate(tier *Tier, events Counts, likely *float64) string {
	n := events.Total()
	switch {
	case tier.Op == LTE || tier.Op == LT:
		return ""
	case events.Bad < tier.MinBad:
		return fmt.Sprintf("%d of at least %d bad events", events.Bad, tier.MinBad)
	case tier.MaxTotal > 0 && n > tier.MaxTotal:
		return fmt.Sprintf("%d events, more than the %d of a quiet service", n, tier.MaxTotal)
	case tier.MaxChance <= 0 || p.method != Occurrences || p.weighted():
		return ""
	}
	budget, ok := fractionOf(p.budget)
	if !ok {
		return ""
	}
	*likely = chance(events.Bad, n, budget)
	if *likely > tier.MaxChance {
		return fmt.Sprintf("%d bad of %d events happen by chance once in %.0f times even if the objective is met, it asks for once in %.0f",
			events.Bad, n, 1 / *likely, 1/tier.MaxChance)
	}
	return ""
}

// in are the counts in units that are so many times larger, rounded down.
func (c Counts) in(scale int64) Counts {
	if scale == 1 {
		return c
	}
	whole := c.Total() / scale
	bad, unknown := c.Bad/scale, c.Unknown/scale
	return Counts{Good: whole - bad - unknown, Bad: bad, Unknown: unknown}
}

// The silence of a source that is told is three times its longest pause, within
// these bounds: at least a quarter of an hour, and a day while it was seen for so
// short a time that its pauses are not known.
const (
	shortestSilence = 15 * time.Minute
	unknownSilence  = 24 * time.Hour
	knownAfter      = time.Hour
)

// fewToBeBlind is how many unknown events of the last hour make blind.
const fewToBeBlind = 10

// watch judges a tier that tells of what is not known.
func (p *Plan) watch(r *Reading, tier *Tier) TierStatus {
	v := TierStatus{Tier: tier}
	last := r.Series.Watermark
	switch tier.Kind {
	case NoData:
		since := latest(last, r.Series.CountedSince())
		v.LongOver = r.waited(since, r.Now) >= tier.Long
		v.Frozen = r.measured(r.Now.Add(-max(tier.Long, time.Minute)), r.Now) < 0.5
	case SourceSilent:
		if last.IsZero() || r.Now.Sub(last) < shortestSilence {
			break // However short its pauses are, it is too early to know.
		}
		v.Pause = unknownSilence
		if pause, span := r.usualPause(SliceOf(last)); span >= knownAfter {
			v.Pause = max(shortestSilence, 3*pause)
		}
		v.LongOver = r.waited(last, r.Now) >= v.Pause
		v.Frozen = r.measured(r.Now.Add(-v.Pause), r.Now) < 0.5
	case Blind:
		since := r.Series.CountedSince()
		v.Events = r.lastHour()
		v.Events = v.Events.in(p.eventScale)
		v.LongOver = v.Events.Unknown >= fewToBeBlind && 2*v.Events.Unknown >= v.Events.Total() ||
			last.IsZero() && !since.IsZero() && r.Now.Sub(since) >= time.Hour
		v.Frozen = r.measured(r.Now.Add(-time.Hour), r.Now) < 0.5
	default:
	}
	v.ShortOver = v.LongOver
	return v
}
