package simulate

import (
	"math"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// What slo judges by, as far as it is told when something may change; the
// property tests compare with evaluations of every step.
const (
	// silentAfter is how long a source is not silent after its newest event.
	silentAfter = 2 * time.Minute
	// shortestSilence is the least silence that is told.
	shortestSilence = 15 * time.Minute
	fewToBeBlind    = 10
	// slack keeps floats from claiming what exact fractions would deny.
	slack = 1e-9
)

// holds reports that a fact is certain for a tier at every step in (now, until].
func (r *run) holds(tier slo.Tier, f fact, now, until time.Time) bool {
	if !windowed(tier.Kind) {
		never, always := r.watched(tier, now, until)
		return f == neverOver && never || f == bothOver && always
	}
	long := r.lookBack(tier.Long, now, until)
	if f == neverOver {
		return r.never(tier, long, now, until)
	}
	short := long
	if tier.Short > 0 {
		short = r.lookBack(tier.Short, now, until)
	}
	if f == shortEmpty {
		return r.empty(short)
	}
	if _, always := r.compares(tier, long, now, until); !always || !r.passes(tier, long) {
		return false
	}
	if tier.Short == 0 {
		return f == bothOver
	}
	never, always := r.compares(tier, short, now, until)
	return f == bothOver && always || f == shortUnder && never
}

// empty reports that a look-back holds nothing, not even a part of an event.
func (r *run) empty(s stretch) bool {
	for _, m := range r.lane.members {
		if _, total := m.between(s.begin, s.latest, s.first, s.until); total.most != 0 {
			return false
		}
	}
	return true
}

// never reports that the long look-back is not over, or does not pass the gate.
func (r *run) never(tier slo.Tier, long stretch, now, until time.Time) bool {
	if never, _ := r.compares(tier, long, now, until); never {
		return true
	}
	if tier.Op == slo.LTE || tier.Op == slo.LT {
		return false
	}
	bad, total := r.counts(long)
	return bad.most < tier.MinBad || tier.MaxTotal > 0 && total.least > tier.MaxTotal ||
		r.asksChance(tier) && slo.Chance(bad.most, total.least, r.status.Target) > tier.MaxChance*(1+1e-6)
}

// passes reports that the gate lets the long look-back pass.
func (r *run) passes(tier slo.Tier, long stretch) bool {
	if tier.Op == slo.LTE || tier.Op == slo.LT {
		return true
	}
	bad, total := r.counts(long)
	return bad.least >= tier.MinBad && (tier.MaxTotal == 0 || total.most <= tier.MaxTotal) &&
		(!r.asksChance(tier) || slo.Chance(bad.least, total.most, r.status.Target) <= tier.MaxChance*(1-1e-6))
}

// asksChance reports whether the gate asks for the chance.
func (r *run) asksChance(tier slo.Tier) bool {
	return tier.MaxChance > 0 && r.lane.slices == nil && r.lane.index < len(r.definition.Objectives)
}

// stretch is where look-backs of one length begin, and where the first and the
// last of them end.
type stretch struct{ begin, latest, first, until slo.Slice }

// lookBack are the look-backs of a length at the steps in (now, until]; 0 stands
// for the window. They end at the watermark while that is near, else at the step;
// either only goes forward. For one step all bounds are exact.
func (r *run) lookBack(length time.Duration, now, until time.Time) stretch {
	next := now.Add(step)
	first := r.lane.to(next)
	s := stretch{first: slo.SliceOf(first), until: slo.SliceOf(until)}
	if window := r.definition.Window; length == 0 && window.Rolling() {
		length = window.Duration
	}
	if length == 0 {
		s.begin, s.latest = r.plan.Edges(first)[0], r.plan.Edges(r.lane.to(until))[0]
		return s
	}
	s.begin, s.latest = slo.LookBackStart(first, length), slo.LookBackStart(r.lane.to(until), length)
	return s
}

// counts are the bounds of the events that gates look at; of a composite by
// slices they look at the slices.
func (r *run) counts(s stretch) (bad, total bounds) {
	if r.lane.slices != nil && len(r.lane.feeds) > 1 {
		return r.lane.members[0].between(s.begin, s.latest, s.first, s.until)
	}
	end := s.first
	if r.lane.slices != nil { // The events of a slice that is still open are no evidence yet.
		length := r.lane.members[0].length
		end = end / length * length
	}
	for _, e := range r.lane.events {
		b, t := e.between(s.begin, s.latest, end, s.until)
		bad.least, bad.most = bad.least+b.least, bad.most+b.most
		total.least, total.most = total.least+t.least, total.most+t.most
	}
	scale := r.eventScale()
	return bad.over(scale), total.over(scale)
}

// eventScale is how many units of count make one event.
func (r *run) eventScale() int64 {
	if i := r.lane.index; i < len(r.definition.Objectives) {
		if v := r.definition.IndicatorOf(i).Value; v != nil && v.Raw != "" {
			return slo.RawUnit
		}
	}
	return 1
}

// over are the bounds in units that are so many times larger, rounded down.
func (b bounds) over(scale int64) bounds { return bounds{least: b.least / scale, most: b.most / scale} }

// span is between what and what a number lies.
type span struct{ low, high float64 }

// burn is what a look-back burns, measured against the events of another one:
// against its own for a burn rate. some: it is certain to hold events.
func (r *run) burn(s, against stretch) (burn span, some bool) {
	for _, m := range r.lane.members {
		bad, own := m.between(s.begin, s.latest, s.first, s.until)
		total, highest := own, 1.0
		if against != s { // A look-back may hold more than a calendar period that has just begun.
			_, total = m.between(against.begin, against.latest, against.first, against.until)
			highest = math.Inf(1)
		}
		some = some || own.least > 0
		budget := m.budget
		if r.lane.slices != nil {
			budget = 1 - r.status.Target.Float()
		}
		share := shareOf(bad, total, highest)
		burn.low += m.weight * share.low / budget
		burn.high += m.weight * share.high / budget
	}
	return burn, some
}

// shareOf is the share that some are of all; of none it is 0.
func shareOf(some, all bounds, highest float64) span {
	var share span
	if some.most > 0 {
		share.high = highest
		if all.least > 0 {
			share.high = min(highest, float64(some.most)/float64(all.least))
		}
	}
	if all.least > 0 {
		share.low = float64(max(0, some.least)) / float64(all.most)
	}
	return share
}

// compares reports whether a look-back certainly never, or certainly always,
// compares with the factor as the tier asks for.
func (r *run) compares(tier slo.Tier, s stretch, now, until time.Time) (never, always bool) {
	value, some := r.burn(s, s)
	switch tier.Kind {
	case slo.BudgetDrop:
		value, _ = r.burn(s, r.lookBack(0, now, until))
	case slo.TimeToExhaustion:
		window := r.lookBack(0, now, until)
		spent, _ := r.burn(window, window)
		value = r.lasts(value, spent)
	case slo.BurnRate, slo.BudgetConsumed, slo.NoData, slo.SourceSilent, slo.Blind:
	}
	under, above := value.high < tier.Factor*(1-slack), value.low > tier.Factor*(1+slack)
	if tier.Op == slo.LTE || tier.Op == slo.LT {
		return above, under && some
	}
	return under, above && some
}

// lasts is in how many hours the budget is gone.
func (r *run) lasts(burn, spent span) span {
	length := span{low: r.definition.Window.Duration.Hours(), high: r.definition.Window.Duration.Hours() + 1}
	if !r.definition.Window.Rolling() {
		length = span{low: 0.85 * length.low, high: 1.2 * length.high} // Months and days differ in length.
	}
	hours := func(left, length, burn float64) float64 {
		switch {
		case left <= 0:
			return 0
		case burn <= 0:
			return math.Inf(1)
		default:
			return left * length / burn
		}
	}
	return span{low: hours(1-spent.high-slack, length.low, burn.high), high: hours(1-spent.low+slack, length.high, burn.low)}
}

// watched is compares for a tier that tells of what is not known.
func (r *run) watched(tier slo.Tier, now, until time.Time) (never, always bool) {
	mark, any := r.lane.watermark(now)
	later, _ := r.lane.watermark(until)
	same := later.Equal(mark)
	switch tier.Kind {
	case slo.NoData:
		since := r.lane.since
		if mark.After(since) {
			since = mark
		}
		return waited(r.drive.excluded, since, until) < tier.Long, same && waited(r.drive.excluded, since, now) >= tier.Long
	case slo.SourceSilent:
		pause := shortestSilence
		if same && r.status.LastEvent.Equal(mark) {
			for _, v := range r.status.Tiers {
				if v.Kind == slo.SourceSilent {
					pause = max(pause, v.Pause)
				}
			}
			always = any && waited(r.drive.excluded, mark, now) >= pause && r.status.Silent
		}
		return !any && same || any && waited(r.drive.excluded, mark, until) < pause, always
	case slo.Blind:
		return r.blind(now, until, any)
	case slo.BurnRate, slo.BudgetConsumed, slo.BudgetDrop, slo.TimeToExhaustion:
	}
	return false, false
}

// blind is watched for what could not be judged.
func (r *run) blind(now, until time.Time, any bool) (never, always bool) {
	next := now.Add(step)
	s := stretch{
		begin: slo.LookBackStart(next, time.Hour), latest: slo.LookBackStart(until, time.Hour),
		first: slo.SliceOf(next), until: slo.SliceOf(until),
	}
	var unknown, total bounds
	for _, e := range r.lane.events {
		u := e.unknownBetween(s.begin, s.latest, s.first, s.until)
		_, t := e.between(s.begin, s.latest, s.first, s.until)
		unknown.least, unknown.most = unknown.least+u.least, unknown.most+u.most
		total.least, total.most = total.least+t.least, total.most+t.most
	}
	unknown, total = unknown.over(r.eventScale()), total.over(r.eventScale())
	few := unknown.most < fewToBeBlind || 2*unknown.most < total.least
	return few && (any || until.Sub(r.lane.since) < time.Hour), unknown.least >= fewToBeBlind && 2*unknown.least >= total.most
}
