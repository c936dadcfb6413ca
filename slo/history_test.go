package slo_test

import (
	"math/big"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
)

// recount is the oracle: every event kept as it came, every window counted by
// looking at all of them, thresholds compared as arbitrary-precision rationals.
// It shares no code with what it checks.
type recount struct {
	events []counted
}

type counted struct {
	second int64
	counts slo.Counts
}

func (r *recount) window(to time.Time, length time.Duration) slo.Counts {
	grid := int64(3600)
	if length <= 6*time.Hour {
		grid = 10
	} else if length <= 72*time.Hour {
		grid = 60
	}
	from := floorDiv(to.Add(-length).Unix(), grid) * grid
	end := (floorDiv(to.Unix(), 10) + 1) * 10
	var sum slo.Counts
	for _, e := range r.events {
		if e.second >= from && e.second < end {
			sum.Good += e.counts.Good
			sum.Bad += e.counts.Bad
			sum.Unknown += e.counts.Unknown
		}
	}
	return sum
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}

// chanceOf is the chance of at least so many bad events of n if the target is
// met, to 300 bits: what the chances of fewer leave.
func chanceOf(bad, n int64, target *big.Rat) float64 {
	number := func() *big.Float { return new(big.Float).SetPrec(300) }
	met := number().SetRat(target)
	missed := number().Sub(number().SetInt64(1), met)
	term, square := number().SetInt64(1), number().Copy(met)
	for k := n; k > 0; k /= 2 { // target to the n
		if k%2 == 1 {
			term.Mul(term, square)
		}
		square.Mul(square, square)
	}
	rest, ratio := number().SetInt64(1), number().Quo(missed, met)
	for i := range bad {
		rest.Sub(rest, term)
		term.Mul(term, ratio)
		term.Mul(term, number().SetInt64(n-i))
		term.Quo(term, number().SetInt64(i+1))
	}
	chance, _ := rest.Float64()
	return chance
}

func burnsAt(c slo.Counts, share *big.Rat, window, long time.Duration, target *big.Rat) bool {
	n := c.Good + c.Bad + c.Unknown
	if n == 0 {
		return false
	}
	if target.Cmp(big.NewRat(1, 1)) == 0 {
		return false
	}
	ratio := big.NewRat(c.Bad, n)
	rate := ratio.Quo(ratio, new(big.Rat).Sub(big.NewRat(1, 1), target))
	factor := new(big.Rat).Mul(share, big.NewRat(int64(window), int64(long))) // Of windows of a week and more.
	return rate.Cmp(factor) >= 0
}

// TestEveryWindowEqualsARecount drives a history with events of any age and
// order through hours and days, and compares every look-back, the budget and
// the verdict of every tier with the oracle.
func TestEveryWindowEqualsARecount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		windowDays := rapid.SampledFrom([]int{7, 28, 30, 90}).Draw(t, "days")
		text := rapid.SampledFrom([]string{"0.9", "0.99", "0.999", "0.9995", "0.99999"}).Draw(t, "target")
		parsed, err := slo.ParseTarget(text, false)
		require.NoError(t, err)
		exact, _ := new(big.Rat).SetString(text)
		definition := slo.SLO{
			Name: "x", Window: slo.Window{Duration: time.Duration(windowDays) * day},
			Objectives: []slo.Objective{{Target: parsed}},
		}
		plan := slo.NewPlan(definition, 0)
		history := slo.NewHistory(definition.Window.Duration)
		oracle := &recount{}
		now := time.Unix(rapid.Int64Range(1_700_000_000, 1_800_000_000).Draw(t, "start"), 0).UTC()
		start := now
		var watermark time.Time
		steps := rapid.IntRange(1, 40).Draw(t, "steps")
		for range steps {
			now = now.Add(rapid.SampledFrom([]time.Duration{
				0, time.Second, 9 * time.Second, 10 * time.Second, time.Minute, 7 * time.Minute, time.Hour, 5 * time.Hour, day, 9 * day,
			}).Draw(t, "pass"))
			for range rapid.IntRange(0, 6).Draw(t, "events") {
				age := rapid.SampledFrom([]time.Duration{
					-9 * time.Minute, 0, time.Second, 30 * time.Second, 3 * time.Minute, 59 * time.Minute, 5 * time.Hour, 23 * time.Hour,
				}).Draw(t, "age")
				at := now.Add(-age)
				c := slo.Counts{
					Good:    rapid.Int64Range(0, 5_000_000_000).Draw(t, "good"),
					Bad:     rapid.Int64Range(0, 40).Draw(t, "bad"),
					Unknown: rapid.Int64Range(0, 2).Draw(t, "unknown"),
				}
				history.Add(slo.SliceOf(at), c)
				oracle.events = append(oracle.events, counted{at.Unix(), c})
				if at.After(watermark) && !at.After(now) {
					watermark = at
				}
			}
			reading := slo.Reading{
				Now: now, History: history,
				Series:   slo.SeriesState{Watermark: watermark, Counted: []slo.Interval{{From: start}}},
				Coverage: slo.Coverage{Since: start, Until: now},
			}
			status := plan.Evaluate(reading)

			to := now
			if !watermark.IsZero() && now.Sub(watermark) <= 2*time.Minute {
				to = watermark
			}
			require.Equal(t, to, status.To)
			for _, lookBack := range status.BurnRates {
				require.Equal(t, oracle.window(to, lookBack.Length), lookBack.Counts, "%s at %s", lookBack.Length, to)
			}
			whole := oracle.window(to, definition.Window.Duration)
			require.Equal(t, whole, status.Counts)
			total := big.NewRat(whole.Good+whole.Bad+whole.Unknown, 1)
			budget := total.Mul(total, new(big.Rat).Sub(big.NewRat(1, 1), exact))
			require.Equal(t, whole.Bad > 0 && big.NewRat(whole.Bad, 1).Cmp(budget) >= 0, status.Budget.Exhausted)
			for _, tier := range status.Tiers[1:5] {
				share := map[time.Duration]*big.Rat{
					time.Hour: big.NewRat(2, 100), 6 * time.Hour: big.NewRat(5, 100), day: big.NewRat(10, 100), 3 * day: big.NewRat(10, 100),
				}[tier.Tier.Long]
				long, short := oracle.window(to, tier.Tier.Long), oracle.window(to, tier.Tier.Short)
				over := long.Bad >= 3 && burnsAt(long, share, definition.Window.Duration, tier.Tier.Long, exact)
				if over && tier.Severity == slo.Page {
					over = chanceOf(long.Bad, long.Good+long.Bad+long.Unknown, exact) <= 0.01
				}
				require.Equal(t, over, tier.LongOver, tier.Name)
				require.Equal(t, burnsAt(short, share, definition.Window.Duration, tier.Tier.Long, exact), tier.ShortOver, tier.Name)
			}
		}
	})
}

func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := slo.SliceOf(time.Unix(1_780_000_000, 0))
		slices := rapid.SliceOfN(rapid.Int64Range(-8640, 60), 1, 60).Draw(t, "slices")
		shuffled := rapid.Permutation(slices).Draw(t, "shuffled")
		newest := base
		forward, mixed := slo.NewHistory(30*day), slo.NewHistory(30*day)
		for i := range slices {
			forward.Add(base+slo.Slice(slices[i]), slo.Counts{Good: slices[i] + 9000, Bad: 1})
			mixed.Add(base+slo.Slice(shuffled[i]), slo.Counts{Good: shuffled[i] + 9000, Bad: 1})
			newest = max(newest, base+slo.Slice(slices[i]))
		}
		for _, hours := range []slo.Slice{1, 2, 6} {
			from := newest - hours*360
			require.Equal(t, forward.Sum(from, newest+1), mixed.Sum(from, newest+1))
		}
		from := newest/360*360 - 24*360
		require.Equal(t, forward.Sum(from, newest+1), mixed.Sum(from, newest+1))
		require.Equal(t, int64(len(slices)), mixed.Sum(from-30*24*360, newest+1).Bad)
	})
}

func TestAHistoryOf90DaysStaysBelow100KB(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	histories := make([]*slo.History, 20)
	last := slo.SliceOf(time.Unix(1_780_000_000, 0))
	for i := range histories {
		histories[i] = slo.NewHistory(90 * day)
		for s := last - 90*24*360; s <= last; s += 2 {
			histories[i].Add(s, slo.Counts{Good: 100, Bad: int64(s % 3)})
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(histories)
	perSeries := (after.HeapAlloc - before.HeapAlloc) / uint64(len(histories))
	t.Logf("%d bytes a series, bad events in every minute", perSeries)
	require.Less(t, perSeries, uint64(100_000))
}

func BenchmarkEvaluate(b *testing.B) {
	definition := slo.SLO{
		Name: "x", Window: slo.Window{Duration: 30 * day}, Objectives: []slo.Objective{{Target: target(b, "0.999")}},
	}
	plan := slo.NewPlan(definition, 0)
	history := slo.NewHistory(30 * day)
	now := time.Unix(1_780_001_234, 0).UTC()
	for s := slo.SliceOf(now.Add(-30 * day)); s <= slo.SliceOf(now); s++ {
		history.Add(s, slo.Counts{Good: 1000, Bad: int64(s % 2)})
	}
	reading := slo.Reading{
		Now: now, History: history,
		Series:   slo.SeriesState{Watermark: now, Counted: []slo.Interval{{From: now.Add(-90 * day)}}},
		Coverage: slo.Coverage{Since: now.Add(-90 * day), Until: now},
	}
	b.ReportAllocs()
	var status slo.ObjectiveStatus
	for b.Loop() {
		plan.EvaluateInto(&reading, &status)
		slo.Advance(&definition, &status, nil, nil, now)
	}
}

func TestNothingLiesBefore1970(t *testing.T) {
	t.Parallel()
	history := slo.NewHistory(30 * day)
	history.Add(0, slo.Counts{Good: 7})
	require.Equal(t, int64(7), history.Sum(-400, 1).Good)
	plan := slo.NewPlan(slo.SLO{Window: slo.Window{Duration: 30 * day}, Objectives: []slo.Objective{{Target: target(t, "0.99")}}}, 0)
	status := plan.Evaluate(slo.Reading{Now: time.Unix(5, 0), History: history, Series: slo.SeriesState{Watermark: time.Unix(1, 0)}})
	require.Equal(t, int64(7), status.Counts.Good)
}
