package simulate

import (
	"cmp"
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
	incidentBurn = 2
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
// the window.
//
// 300 bad events within ten minutes, at 99.9 % and 10 000 000 events in 28 days,
// cost 300 / 0.001 / 10 000 000 = 3 %.
func FindIncidents(definition slo.SLO, series Series, from, to time.Time, leastLost float64) []Incident {
	if leastLost <= 0 {
		leastLost = LeastLost
	}
	var all []Incident
	for i, o := range definition.Objectives {
		one := definition.SeriesOf(i)
		f := newFeed(series[one.ID], to, 0)
		b := burning{target: o.Target, leastBad: incidentBad, step: stepOf(map[slo.SeriesID]*feed{one.ID: f})}
		if v := one.Indicator.Value; v != nil && v.Raw != "" {
			b.leastBad *= slo.RawUnit
		}
		all = append(all, b.incidents(f.buckets, definition.Window.Duration, from, to, leastLost)...)
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
	step     slo.Slice
	// open is the incident that goes on, bad what it has cost so far: the
	// buckets before counted are in it.
	open    *Incident
	bad     int64
	counted int
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
		if s.open == nil {
			return
		}
		if s.open.Lost = float64(s.bad) / (1 - s.target.Float()) / usual; s.open.Lost >= leastLost {
			all = append(all, *s.open)
		}
		s.open = nil
	}
	var recent slo.Counts
	oldest := 0
	for i, b := range buckets {
		recent = recent.Plus(b.Counts)
		for buckets[oldest].Slice <= b.Slice-incidentReach {
			recent = recent.Minus(buckets[oldest].Counts)
			oldest++
		}
		if s.open != nil && slo.SliceOf(s.open.To)+incidentGap < b.Slice {
			end()
		}
		if rate, _ := s.target.BurnRate(recent); b.Counts.Bad > 0 && rate >= incidentBurn && recent.Bad >= s.leastBad {
			s.extend(buckets, oldest, i)
		}
	}
	end()
	return all
}

// extend makes the incident reach to a bucket; a new one begins with the first
// bad event that made the last minutes burn.
func (s *burning) extend(buckets []slo.Bucket, oldest, i int) {
	if s.open == nil {
		begin := max(oldest, s.counted)
		for buckets[begin].Counts.Bad == 0 {
			begin++
		}
		s.open, s.bad, s.counted = &Incident{From: buckets[begin].Slice.Start()}, 0, begin
	}
	for ; s.counted <= i; s.counted++ {
		s.bad += buckets[s.counted].Counts.Bad
	}
	s.open.To = (buckets[i].Slice + s.step).Start()
}
