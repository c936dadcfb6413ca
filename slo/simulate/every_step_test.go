package simulate_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

const day = 24 * time.Hour

func targetOf(t require.TestingT, text string) slo.Target {
	target, err := slo.ParseTarget(text, false)
	require.NoError(t, err)
	return target
}

// drawDefinition draws an SLO of any kind.
func drawDefinition(t *rapid.T) slo.SLO {
	target := func(name string) slo.Target {
		return targetOf(t, rapid.SampledFrom([]string{"0.5", "0.9", "0.99", "0.999"}).Draw(t, name))
	}
	d := slo.SLO{
		Name:   "x",
		Method: rapid.SampledFrom([]slo.BudgetingMethod{slo.Occurrences, slo.Occurrences, slo.Timeslices, slo.RatioTimeslices}).Draw(t, "method"),
		Window: rapid.SampledFrom([]slo.Window{
			{Duration: time.Hour},
			{Duration: day},
			{Duration: 28 * day},
			{Duration: day, Calendar: slo.Calendar{Count: 1, Unit: 'd', Start: "2026-01-01 02:30", Zone: "Europe/Berlin"}},
			{Duration: 7 * day, Calendar: slo.Calendar{Count: 1, Unit: 'w', Start: "2026-01-05 09:15", Zone: "America/New_York"}},
		}).Draw(t, "window"),
		Indicator: slo.Indicator{Total: slo.SpanSource{Service: "a"}, Bad: &slo.SpanSource{}},
	}
	length := rapid.SampledFrom([]time.Duration{time.Minute, 5 * time.Minute, 7 * time.Minute, time.Hour}).Draw(t, "slice window")
	members := rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "members")
	if members == 1 && d.Method == slo.Occurrences && rapid.Bool().Draw(t, "raw") {
		d.Indicator = slo.Indicator{Total: slo.SpanSource{Service: "a"}, Value: &slo.Value{Of: "x", Raw: slo.RawSuccess}}
	}
	for i := range members {
		o := slo.Objective{Target: target("target")}
		if d.Method != slo.Occurrences {
			o.SliceWindow, o.SliceTarget = length, target("slice target")
		}
		if members > 1 {
			o.Indicator = &slo.Indicator{Total: slo.SpanSource{Service: string(rune('a' + i%2))}, Bad: &slo.SpanSource{}}
			o.Weight = rapid.SampledFrom([]slo.Decimal{"", "0.5", "1", "100"}).Draw(t, "weight")
		}
		d.Objectives = append(d.Objectives, o)
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "policies") {
		d.Policies = append(d.Policies, drawPolicy(t, string(rune('p'+i))))
	}
	return d
}

func drawPolicy(t *rapid.T, name string) slo.AlertPolicy {
	c := slo.AlertCondition{
		Severity:  rapid.SampledFrom([]slo.Severity{slo.Page, slo.Ticket}).Draw(t, "severity"),
		Kind:      rapid.SampledFrom([]slo.ConditionKind{slo.BurnRate, slo.BurnRate, slo.BudgetConsumed, slo.BudgetDrop, slo.TimeToExhaustion}).Draw(t, "kind"),
		Op:        rapid.SampledFrom([]slo.Operator{slo.GTE, slo.GTE, slo.GT, slo.LTE, slo.LT}).Draw(t, "op"),
		Threshold: rapid.SampledFrom([]slo.Decimal{"0.5", "1", "2", "14.4", "72"}).Draw(t, "threshold"),
		LookBack:  rapid.SampledFrom([]time.Duration{5 * time.Minute, time.Hour, 6 * time.Hour, day}).Draw(t, "look-back"),
		After:     rapid.SampledFrom([]time.Duration{0, 0, time.Minute, 10 * time.Minute}).Draw(t, "after"),
		MinBad:    rapid.SampledFrom([]int64{0, 3}).Draw(t, "min bad"),
	}
	if c.Kind == slo.BurnRate {
		c.ShortLookBack = rapid.SampledFrom([]time.Duration{0, time.Minute, 5 * time.Minute}).Draw(t, "short")
	}
	p := slo.AlertPolicy{Name: name, WhenBreaching: true, WhenResolved: true, Condition: c}
	if rapid.Bool().Draw(t, "tells of missing data") {
		p.WhenNoData, p.Condition.NoDataAfter = true, rapid.SampledFrom([]time.Duration{time.Minute, 20 * time.Minute}).Draw(t, "no data after")
	}
	return p
}

// drawExcluded draws stretches of whole minutes that are excluded, which may lie
// over each other.
func drawExcluded(t *rapid.T, from, to time.Time) []slo.Excluded {
	var all []slo.Excluded
	for range rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "exclusions") {
		begin := from.Truncate(time.Minute).Add(time.Duration(rapid.IntRange(0, int(to.Sub(from)/time.Minute)).Draw(t, "begins")) * time.Minute)
		length := rapid.SampledFrom([]time.Duration{time.Minute, 17 * time.Minute, time.Hour, 3 * time.Hour}).Draw(t, "lasts")
		as := rapid.SampledFrom([]slo.ExclusionKind{slo.Drop, slo.CountGood}).Draw(t, "as")
		all = append(all, slo.Excluded{Interval: slo.Interval{From: begin, To: begin.Add(length)}, As: as, Reason: "x"})
	}
	return all
}

// expandTo expands any exclusion to these stretches.
func expandTo(all []slo.Excluded) simulate.Expand {
	return func(_ []slo.Exclusion, from, to time.Time) ([]slo.Excluded, error) {
		var within []slo.Excluded
		for _, e := range all {
			if e.From.Before(to) && e.To.After(from) {
				within = append(within, e)
			}
		}
		return within, nil
	}
}

// drawBuckets draws stretches of traffic that is steady but for its noise: busy
// or quiet, healthy or not, and silences between.
func drawBuckets(t *rapid.T, from, to slo.Slice, scale int64, minutes bool) []slo.Bucket {
	step := slo.Slice(1)
	if minutes {
		step = 6
	}
	var all []slo.Bucket
	seed := rapid.Uint64().Draw(t, "seed")
	next := func(n int64) int64 { // xorshift, so that a failure is drawn in a few numbers.
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		return int64(seed>>1) % n
	}
	seed |= 1
	for at := from; at < to; {
		end := at + slo.Slice(rapid.SampledFrom([]int{1, 5, 30, 100, 360, 1500}).Draw(t, "length"))
		rate := rapid.SampledFrom([]int64{0, 1, 20, 1000}).Draw(t, "rate")
		perMille := rapid.SampledFrom([]int64{0, 0, 1, 5, 30, 200, 1000}).Draw(t, "bad per mille")
		unknown := rapid.SampledFrom([]int64{0, 0, 0, 600}).Draw(t, "unknown per mille")
		for ; at < min(end, to); at += step {
			n := rate
			if rate == 1 {
				n = next(10) / 9
			}
			bad := (n*perMille + next(1000)) / 1000
			lost := min((n*unknown+next(1000)*min(unknown, 1))/1000, n-min(bad, n))
			bad = min(bad, n-lost)
			if n > 0 {
				all = append(all, slo.Bucket{Slice: at, Minute: minutes, Counts: slo.Counts{Good: (n - bad - lost) * scale, Bad: bad * scale, Unknown: lost * scale}})
			}
		}
	}
	return all
}

// TestSkippingChangesNothing compares what is found by evaluating only where
// something may change with what evaluating at every step finds.
func TestSkippingChangesNothing(t *testing.T) {
	t.Parallel()
	var evaluations, steps int
	rapid.Check(t, func(t *rapid.T) {
		definition := drawDefinition(t)
		start := time.Unix(rapid.SampledFrom([]int64{1_771_000_020, 1_774_663_200, 1_792_850_040}).Draw(t, "start"), 0).UTC()
		from := start.Add(time.Duration(rapid.SampledFrom([]int{0, 3600, 100_000}).Draw(t, "warm-up")) * time.Second)
		to := from.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "quarters")) * 15 * time.Minute)
		minutes := rapid.IntRange(0, 3).Draw(t, "by the minute") == 0
		if minutes {
			start = start.Truncate(time.Minute)
		}
		scale := int64(1)
		if v := definition.Indicator.Value; v != nil {
			scale = slo.RawUnit
		}
		series := simulate.Series{}
		for i := range definition.Objectives {
			id := definition.SeriesOf(i).ID
			if _, known := series[id]; !known {
				series[id] = drawBuckets(t, slo.SliceOf(start), slo.SliceOf(to), scale, minutes)
			}
		}
		excluded := drawExcluded(t, start, to)
		definition.Exclusions = make([]slo.Exclusion, len(excluded))
		options := simulate.Options{BudgetPoints: 7, At: []time.Time{from.Add(17 * time.Minute), to}, Expand: expandTo(excluded)}
		fast, err := simulate.Run(definition, series, from, to, options)
		require.NoError(t, err)
		options.EveryStep = true
		slow, err := simulate.Run(definition, series, from, to, options)
		require.NoError(t, err)
		require.Len(t, fast.Objectives, definition.Evaluated())
		for i := range fast.Objectives {
			a, b := fast.Objectives[i], slow.Objectives[i]
			evaluations, steps = evaluations+a.Evaluations, steps+b.Evaluations
			a.Evaluations, b.Evaluations = 0, 0
			require.Equal(t, transitions(b), transitions(a), "objective %d", i)
			require.True(t, reflect.DeepEqual(b, a), "objective %d: figures differ", i)
		}
	})
	t.Logf("%d evaluations instead of %d", evaluations, steps)
}

// transitions are what a run tells, in few words.
func transitions(o simulate.Objective) []string {
	var all []string
	word := func(at time.Time) string {
		if at.IsZero() {
			return "-"
		}
		return at.Format("02T15:04:05")
	}
	for _, e := range o.Episodes {
		all = append(all, e.Episode.Tier+" "+word(e.PendingSince)+" "+word(e.FiredAt)+" "+word(e.ResolvedAt)+" "+word(e.LastOver)+" "+string(e.State))
	}
	return all
}
