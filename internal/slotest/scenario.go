package slotest

import (
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// scenarioStart is when a scenario begins unless it says so: a Monday.
func scenarioStart() time.Time { return time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) }

// scenario makes the buckets of a scenario and says where it ends.
//
// Nothing in it is random. Of a stretch, the events of the first n slices are
// rate * n * 10s, rounded down, those that are bad are that times errors, rounded
// down, and each slice holds what the rounding gives it: whole numbers whose sum
// is exact. 7/m for ten minutes are 70 events, 3 % of which are 2.
func (t *test) scenario(definition slo.SLO, start time.Time) (simulate.Series, time.Time, error) {
	if !start.Equal(start.Truncate(slo.SliceLength)) {
		return nil, time.Time{}, fmt.Errorf("%s:%d: start: write a multiple of 10s", t.file, t.line)
	}
	series, at := simulate.Series{}, start
	for _, s := range t.Scenario {
		for name := range s.Objectives {
			if _, ok := objectiveIndex(definition, name); !ok {
				return nil, at, fmt.Errorf("%s:%d: objectives: %s has no objective %s", t.file, s.line, definition.Name, name)
			}
		}
		if at.Add(s.For.Duration).Sub(start) > simulate.MaxRange {
			return nil, at, fmt.Errorf("%s:%d: the scenario is longer than %s", t.file, s.line, slo.FormatDuration(simulate.MaxRange))
		}
		made := map[slo.SeriesID]bool{}
		for i := range definition.Objectives {
			one := definition.SeriesOf(i)
			if made[one.ID] {
				continue // Objectives of one indicator see the same.
			}
			made[one.ID] = true
			scale := int64(1)
			if v := one.Indicator.Value; v != nil && v.Raw != "" {
				scale = slo.RawUnit
			}
			series[one.ID] = append(series[one.ID], s.of(definition, i).buckets(at, s.For.Duration, scale)...)
		}
		at = at.Add(s.For.Duration)
	}
	return series, at, nil
}

// of is what an objective sees.
func (s stretch) of(definition slo.SLO, index int) traffic {
	for name, own := range s.Objectives {
		if i, _ := objectiveIndex(definition, name); i == index {
			return own
		}
	}
	return s.traffic
}

// objectiveIndex finds an objective by its index or its display name; the
// composite by that word.
func objectiveIndex(definition slo.SLO, name string) (int, bool) {
	if name == "composite" && definition.Composite() {
		return len(definition.Objectives), true
	}
	for i, o := range definition.Objectives {
		if o.DisplayName != "" && o.DisplayName == name {
			return i, true
		}
	}
	i, err := strconv.Atoi(name)
	return i, err == nil && i >= 0 && i < len(definition.Objectives)
}

// buckets are those of a stretch, slice by slice.
func (t traffic) buckets(from time.Time, length time.Duration, scale int64) []slo.Bucket {
	if t.empty() || t.Silence {
		return nil
	}
	perSlice := new(big.Rat).Mul(t.Rate.perSecond, big.NewRat(int64(slo.SliceLength/time.Second), 1))
	var before slo.Counts
	var all []slo.Bucket
	for n := range int64(length / slo.SliceLength) {
		events := times(perSlice, n+1)
		now := events - before.Total()
		c := slo.Counts{Bad: times(t.Errors.ratio, events) - before.Bad}
		c.Unknown = min(times(t.Unknown.ratio, events)-before.Unknown, now-c.Bad) // Both may be due at once: one waits.
		c.Good = now - c.Bad - c.Unknown
		before = before.Plus(c)
		if now > 0 {
			all = append(all, slo.Bucket{
				Slice:  slo.SliceOf(from) + slo.Slice(n),
				Counts: slo.Counts{Good: c.Good * scale, Bad: c.Bad * scale, Unknown: c.Unknown * scale},
			})
		}
	}
	return all
}

// times is a part of a number, rounded down.
func times(part *big.Rat, n int64) int64 {
	if part == nil {
		return 0
	}
	product := new(big.Int).Mul(part.Num(), big.NewInt(n))
	return product.Quo(product, part.Denom()).Int64()
}
