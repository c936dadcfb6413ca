package simulate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// candidates are eight policies to compare.
func candidates(definition slo.SLO) []simulate.NamedPolicy {
	all := simulate.Candidates(definition)
	for _, p := range []struct {
		name        string
		factor      slo.Decimal
		long, short time.Duration
	}{
		{"hour", "14.4", time.Hour, 5 * time.Minute},
		{"half-hour", "10", 30 * time.Minute, 2 * time.Minute},
		{"single", "6", time.Hour, 0},
		{"six", "6", 6 * time.Hour, 30 * time.Minute},
		{"day", "3", day, 2 * time.Hour},
		{"three-days", "1", 3 * day, 6 * time.Hour},
		{"twitchy", "2", 5 * time.Minute, time.Minute},
	} {
		all = append(all, simulate.NamedPolicy{Name: p.name, Policies: []slo.AlertPolicy{{
			Name: p.name, WhenBreaching: true, WhenResolved: true, Condition: slo.AlertCondition{
				Severity: slo.Page, Kind: slo.BurnRate, Op: slo.GTE, Threshold: p.factor, LookBack: p.long, ShortLookBack: p.short,
			},
		}}})
	}
	return all
}

// quarter are 90 days of a service by the slice: 500 events each by day and 60
// by night, of which one in 2000 is bad, and six incidents.
func quarter(from time.Time, days int) []slo.Bucket {
	var all []slo.Bucket
	first := slo.SliceOf(from)
	var carry int64
	for i := range slo.Slice(days * 8640) {
		n := int64(500)
		if second := int64(i) % 8640; second < 2500 {
			n = 60
		}
		perMillion := int64(500)
		switch at := int64(i) % (15 * 8640); {
		case at >= 50_000 && at < 50_060:
			perMillion = 500_000
		case at >= 100_000 && at < 101_000:
			perMillion = 12_000
		}
		carry += n * perMillion
		bad := carry / 1_000_000
		carry %= 1_000_000
		all = append(all, slo.Bucket{Slice: first + i, Counts: slo.Counts{Good: n - bad, Bad: bad}})
	}
	return all
}

func BenchmarkBacktestOf90DaysAndEightPolicies(b *testing.B) {
	definition := slo.SLO{
		Name: "x", Window: slo.Window{Duration: 28 * day}, Objectives: []slo.Objective{{Target: targetOf(b, "0.999")}},
		Indicator: slo.Indicator{Total: slo.SpanSource{Service: "a"}, Bad: &slo.SpanSource{}},
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	series := simulate.Series{definition.SeriesOf(0).ID: quarter(from, 90)}
	for b.Loop() {
		report, err := simulate.Backtest(definition, candidates(definition), series, simulate.BacktestOptions{From: from, To: from.Add(90 * day)})
		require.NoError(b, err)
		require.Len(b, report.Scores, 8)
		evaluations := 0
		for _, s := range report.Scores {
			b.Logf("%s: pages %d tickets %d false %d detected %d median %s worst %s firing %s evals %d", s.Policy, s.Pages, s.Tickets, s.FalsePages, s.Detected, s.Median, s.Worst, s.Firing, s.Objectives[0].Evaluations)
			evaluations += s.Objectives[0].Evaluations
		}
		b.Log(report.Incidents)
		b.Log(report.Recommended, report.Reason)
		b.ReportMetric(float64(evaluations), "evaluations")
	}
}
