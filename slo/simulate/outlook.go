package simulate

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// longestSkip bounds how far apart two evaluations lie: edges of calendars are
// pinned while the detail around them is kept.
const longestSkip = time.Hour

// fact is something that holds for the verdict of a tier at every step of a
// stretch, whatever the steps before it were.
type fact int

const (
	noFact     fact = iota
	neverOver       // the long look-back, with its gate, is not over
	shortUnder      // the long look-back is over and the short one is not
	bothOver        // both are over
	shortEmpty      // the short look-back holds no events
	anything        // nothing needs to hold
)

// outlook is how far ahead a fact is known to hold for one tier: at the steps
// in (known from, until].
type outlook struct {
	tier   slo.Tier
	fact   fact
	until  time.Time
	stride int // how many steps the last look ahead went
}

// nextChange is the next step at which anything may change, or that has to be
// judged in any case. Between at and that step every evaluation would give the
// same transitions: none.
//
// It looks on without evaluating as long as that is known. What episodes remember
// of the steps in between, when they were last over, is set as it would be.
func (r *run) nextChange(at time.Time) time.Time {
	limit := r.limit(at)
	needed := make([]fact, len(r.outlooks))
	for i := range r.outlooks {
		var until time.Time
		needed[i], until = r.needs(i, at)
		if needed[i] == noFact {
			return at.Add(step)
		}
		if !until.IsZero() && until.Before(limit) {
			limit = until
		}
	}
	for now := at; ; {
		until := limit
		for i := range r.outlooks {
			if needed[i] == anything {
				continue
			}
			if reach := r.look(i, needed[i], now, limit); reach.Before(until) {
				until = reach
			}
		}
		switch {
		case !until.After(now):
			r.remember(needed, at, now)
			return now.Add(step)
		case !until.Before(limit):
			return until
		}
		now = until
	}
}

// remember notes that episodes were over until now, though only at was judged.
func (r *run) remember(needed []fact, at, now time.Time) {
	if !now.After(at) {
		return
	}
	to := r.lane.to(now)
	for i, f := range needed {
		name := r.outlooks[i].tier.Name
		if e, open := r.open[name]; open && f == bothOver && to.After(e.LastOver) {
			e.LastOver = to
			r.open[name] = e
		}
	}
}

// limit is the last step that may be skipped to in any case.
func (r *run) limit(at time.Time) time.Time {
	limit := at.Add(longestSkip)
	for _, other := range []time.Time{r.nextPoint, r.drive.to} {
		if other.Before(limit) {
			limit = other
		}
	}
	if len(r.instants) > len(r.kept) && r.instants[len(r.kept)].Before(limit) {
		limit = r.instants[len(r.kept)]
	}
	if edges := r.plan.Edges(limit); len(edges) > 0 {
		if edge := ceil(edges[0].Start()); edge.After(at) && edge.Before(limit) {
			limit = edge
		}
	}
	return limit
}

// needs is the fact by which nothing changes for a tier while it holds, given
// where its episode stands, and the last step until which it suffices (zero for
// any); noFact if the next step has to be judged.
func (r *run) needs(i int, at time.Time) (fact, time.Time) {
	v := r.status.Tiers[i]
	if v.LeftOut != "" {
		return anything, time.Time{}
	}
	over, state := v.LongOver && v.ShortOver, r.open[v.Name].State
	windowed := windowed(v.Kind)
	switch {
	case state == "" && !v.LongOver:
		return neverOver, time.Time{}
	case v.Frozen:
		return noFact, time.Time{}
	case state == slo.Firing && over:
		return bothOver, time.Time{}
	case state == slo.Firing && windowed && v.Short.Total() == 0:
		return shortEmpty, time.Time{}
	case state == slo.Pending && v.After == 0 && !over:
		return shortUnder, time.Time{}
	case state == "" && v.After > 0 && !over:
		return shortUnder, time.Time{}
	case state == slo.Pending && over && windowed:
		return r.waits(v, at)
	default:
		return noFact, time.Time{}
	}
}

// waits is needs for an episode that is over and waits for its time, or for a
// faster tier: until then, and while the source speaks.
func (r *run) waits(v slo.TierStatus, at time.Time) (fact, time.Time) {
	until, known := r.lane.watermark(at)
	if !known {
		return noFact, time.Time{}
	}
	until = until.Add(silentAfter)
	earlier := func(other time.Time) {
		if other = ceil(other); other.Before(until) {
			until = other
		}
	}
	switch {
	case v.Inhibited != "" && v.After == 0:
		for _, ended := range r.ended {
			reach := v.Tier.Short
			if reach == 0 {
				reach = v.Tier.Long
			}
			if end := ended.Add(reach); end.After(at) {
				earlier(end)
			}
		}
	case v.Inhibited == "" && v.After > 0:
		earlier(r.open[v.Name].PendingSince.Add(v.After))
	default:
		return noFact, time.Time{}
	}
	if !until.After(at) {
		return noFact, time.Time{}
	}
	return bothOver, until
}

func windowed(kind slo.ConditionKind) bool {
	return kind != slo.NoData && kind != slo.SourceSilent && kind != slo.Blind
}

// look is how far ahead of now a fact holds for a tier, at most to limit: now if
// it is not known for the next step. It goes twice as far each time that this
// works, and half as far where it does not.
func (r *run) look(i int, needed fact, now, limit time.Time) time.Time {
	o := &r.outlooks[i]
	if o.fact == needed && o.until.After(now) {
		return o.until
	}
	o.fact, o.until = needed, now
	for {
		until := now.Add(time.Duration(o.stride) * step)
		if until.After(limit) {
			until = limit
		}
		if r.holds(o.tier, needed, now, until) {
			o.until = until
			o.stride = min(2*o.stride, int(longestSkip/step))
			return until
		}
		if o.stride == 1 || !until.After(now.Add(step)) {
			o.stride = 1
			return now
		}
		o.stride = max(1, min(o.stride, int(until.Sub(now)/step))/2)
	}
}
