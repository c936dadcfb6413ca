package slo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestCountedSinceIsTheBeginningOfWhatIsStillGoingOn(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return time.Unix(1_780_000_000, 0).Add(time.Duration(hour) * time.Hour) }
	span := func(from, to int) slo.Interval {
		if to == 0 {
			return slo.Interval{From: at(from)}
		}
		return slo.Interval{From: at(from), To: at(to)}
	}
	for name, c := range map[string]struct {
		counted []slo.Interval
		want    time.Time
	}{
		"never counted":                           {nil, time.Time{}},
		"counted no longer":                       {[]slo.Interval{span(1, 2)}, time.Time{}},
		"one stretch":                             {[]slo.Interval{span(3, 0)}, at(3)},
		"a pause between":                         {[]slo.Interval{span(1, 2), span(3, 0)}, at(3)},
		"stretches that touch are one":            {[]slo.Interval{span(1, 3), span(3, 0)}, at(1)},
		"also in another order":                   {[]slo.Interval{span(3, 0), span(2, 3), span(1, 2)}, at(1)},
		"stretches that overlap are one":          {[]slo.Interval{span(1, 4), span(3, 0)}, at(1)},
		"what touches only what lies before does": {[]slo.Interval{span(1, 2), span(2, 3), span(4, 0)}, at(4)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, slo.SeriesState{Counted: c.counted}.CountedSince())
		})
	}
}

func TestARecountMovesItsStretchBack(t *testing.T) {
	t.Parallel()
	begin := time.Unix(1_780_000_000, 0)
	state := slo.SeriesState{Counted: []slo.Interval{{From: begin.Add(-9 * time.Hour), To: begin.Add(-3 * time.Hour)}, {From: begin}}}
	require.True(t, state.Recounted(slo.Recounted{Since: begin.Add(-time.Hour), Until: begin}))
	require.Equal(t, begin.Add(-time.Hour), state.CountedSince())
	require.False(t, state.Recounted(slo.Recounted{Since: begin.Add(-2 * time.Hour), Until: begin}), "no stretch begins there any more")
	require.True(t, state.Recounted(slo.Recounted{Since: begin.Add(-3 * time.Hour), Until: begin.Add(-time.Hour)}))
	require.Equal(t, begin.Add(-9*time.Hour), state.CountedSince(), "it has met the stretch before")
}

// TestARecountAddsToAnyAge counts live and, between, ever older slices, and
// compares sums over whole hours with a plain list: nothing is lost or misplaced
// by the finer grids, which hold only the last hours and days.
func TestARecountAddsToAnyAge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		history := slo.NewHistory(30 * day)
		now := time.Unix(1_780_000_000, 0).UTC()
		type event struct {
			slice slo.Slice
			n     int64
		}
		var all []event
		add := func(at time.Time, n int64) {
			history.Add(slo.SliceOf(at), slo.Counts{Good: n})
			all = append(all, event{slo.SliceOf(at), n})
		}
		add(now, 1)
		back := now
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "live") {
				now = now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour, 9 * time.Hour}).Draw(t, "pass"))
				add(now, rapid.Int64Range(1, 9).Draw(t, "n"))
				continue
			}
			back = back.Add(-rapid.SampledFrom([]time.Duration{10 * time.Second, time.Hour, 7 * time.Hour, 20 * time.Hour}).Draw(t, "further"))
			if now.Sub(back) < 29*day {
				add(back, rapid.Int64Range(1, 9).Draw(t, "n"))
			}
		}
		for _, length := range []time.Duration{10 * time.Second, 2 * time.Minute, time.Hour, 6 * time.Hour, day, 3 * day, 30 * day} {
			grid := 10 * time.Second
			if length > 6*time.Hour {
				grid = time.Minute
			}
			if length > 72*time.Hour {
				grid = time.Hour
			}
			from, to := slo.SliceOf(now.Add(-length).Truncate(grid)), slo.SliceOf(now)+1
			var want int64
			for _, e := range all {
				if e.slice >= from && e.slice < to {
					want += e.n
				}
			}
			require.Equal(t, want, history.Sum(from, to).Good, "the last %s", length)
		}
	})
}
