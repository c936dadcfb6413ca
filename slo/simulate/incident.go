package simulate

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Incident is a stretch in which something was wrong, [From, To).
type Incident struct {
	From, To time.Time
	// Lost is the share of a window's budget that it cost, of the objective that
	// it cost most; 0 for an incident that people gave.
	Lost float64
}

// LeastLost is the share of a window's budget that makes a stretch an incident:
// what the first page of the default policy spends.
const LeastLost = 0.02

// How incidents are found.
const (
	// incidentReach is how long one looks back to say that the budget burns.
	incidentReach = 5 * minute
	// incidentBurn is the burn rate from which it does: in half of the window
	// everything would be gone.
	incidentBurn = 2.0
	// incidentBad is how many bad events those minutes hold at least.
	incidentBad = 2
	// incidentGap joins what burns with pauses in between.
	incidentGap = 10 * minute
)

// FindIncidents finds the stretches that cost at least a share of the budget of
// a window (0 is LeastLost), whichever objective lost it. A stretch goes on while
// the last five minutes burn at twice the budget or more, with two bad events at
// least, and with pauses of ten minutes at most. What it lost is bad events /
// (1 - target) / events of a usual window: the rate of all of [from, to] times
// the window. What is excluded burns nothing.
//
// 300 bad events within ten minutes, at 99.9 % and 10 000 000 events in 28 days,
// cost 300 / 0.001 / 10 000 000 = 3 %.
func FindIncidents(definition slo.SLO, series Series, from, to time.Time, leastLost float64, excluded []slo.Excluded) []Incident {
	if leastLost <= 0 {
		leastLost = LeastLost
	}
	var all []Incident
	for i, o := range definition.Objectives {
		one := definition.SeriesOf(i)
		f := newFeed(series[one.ID], to, 0)
		b := burning{target: o.Target, leastBad: incidentBad}
		if v := one.Indicator.Value; v != nil && v.Raw != "" {
			b.leastBad *= slo.RawUnit
		}
		all = append(all, b.incidents(judged(f.buckets, excluded), definition.Window.Duration, from, to, leastLost)...)
	}
	slices.SortFunc(all, func(a, b Incident) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	var joined []Incident
	for _, one := range all {
		if last := len(joined) - 1; last >= 0 && !one.From.After(joined[last].To) {
			if one.To.After(joined[last].To) {
				joined[last].To = one.To
			}
			joined[last].Lost = max(joined[last].Lost, one.Lost)
			continue
		}
		joined = append(joined, one)
	}
	return joined
}

// burning finds the incidents of one objective.
type burning struct {
	target   slo.Target
	leastBad int64
	// begin and last are the first and the last bucket of the incident that goes
	// on, if any does. What stands before free belongs to none yet.
	open        bool
	begin, last int
	free        int
}

// incidents looks at buckets in their order.
func (s *burning) incidents(buckets []slo.Bucket, window time.Duration, from, to time.Time, leastLost float64) []Incident {
	first, _ := slices.BinarySearchFunc(buckets, slo.SliceOf(from), func(b slo.Bucket, at slo.Slice) int { return cmp.Compare(b.Slice, at) })
	buckets = buckets[first:]
	var total int64
	for _, b := range buckets {
		total += b.Counts.Total()
	}
	usual := float64(total) * float64(window) / float64(to.Sub(from))
	var all []Incident
	end := func() {
		if !s.open {
			return
		}
		s.open = false
		if i := s.incident(buckets, usual); i.Lost >= leastLost {
			all = append(all, i)
		}
	}
	var recent slo.Counts
	oldest := 0
	for i, b := range buckets {
		recent = recent.Plus(b.Counts)
		for buckets[oldest].Slice <= b.Slice-incidentReach {
			recent = recent.Minus(buckets[oldest].Counts)
			oldest++
		}
		if s.open && buckets[s.last].Slice+incidentGap < b.Slice {
			end()
		}
		if rate, _ := s.target.BurnRate(recent); b.Counts.Bad == 0 || rate < incidentBurn || recent.Bad < s.leastBad {
			continue
		}
		if !s.open {
			s.open, s.begin = true, s.heaviest(buckets, max(oldest, s.free), i)
		}
		s.last = i
	}
	end()
	return all
}

// excess is by how much a bucket burns more than an incident has to.
func (s *burning) excess(b slo.Bucket) float64 {
	return float64(b.Counts.Bad) - incidentBurn*(1-s.target.Float())*float64(b.Counts.Total())
}

// heaviest is where to begin so that what lies up to last burns most in excess:
// the usual errors before an outage are no part of it.
func (s *burning) heaviest(buckets []slo.Bucket, first, last int) int {
	begin, sum, most := last, 0.0, math.Inf(-1)
	for i := last; i >= first; i-- {
		if sum += s.excess(buckets[i]); sum > most {
			begin, most = i, sum
		}
	}
	return begin
}

// incident is the one that has ended. Its last minutes are cut off where they
// only look bad for what came before.
func (s *burning) incident(buckets []slo.Bucket, usual float64) Incident {
	tail := s.last
	for sum, most, i := 0.0, 0.0, s.last; i > s.begin && buckets[i].Slice > buckets[s.last].Slice-incidentReach; i-- {
		if sum -= s.excess(buckets[i]); sum > most {
			most, tail = sum, i-1
		}
	}
	var bad int64
	for _, b := range buckets[s.begin : tail+1] {
		bad += b.Counts.Bad
	}
	s.free = s.last + 1
	return Incident{
		From: buckets[s.begin].Slice.Start(), To: buckets[tail].Slice.End(),
		Lost: float64(bad) / (1 - s.target.Float()) / usual,
	}
}
