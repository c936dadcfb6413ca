package main

import (
	"context"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

const backtestDays = 90

// benchBacktest measures how long it takes to try eight policies on 90 days of
// one objective by the slice, 777 600 buckets.
func benchBacktest(_ context.Context, _ options, out io.Writer) error {
	target, err := slo.ParseTarget("0.999", false)
	if err != nil {
		return err
	}
	definition := slo.SLO{
		Name: "shop", Window: slo.Window{Duration: 28 * 24 * time.Hour}, Objectives: []slo.Objective{{Target: target}},
		Indicator: slo.Indicator{Total: slo.SpanSource{Service: "shop"}, Bad: &slo.SpanSource{}},
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	to := from.Add(backtestDays * 24 * time.Hour)
	buckets := backtestBuckets(slo.SliceOf(from), slo.SliceOf(to))
	policies := backtestPolicies(definition)
	begin, used := time.Now(), cpuTime()
	report, err := simulate.Backtest(definition, policies, simulate.Series{definition.SeriesOf(0).ID: buckets}, simulate.BacktestOptions{From: from, To: to})
	if err != nil {
		return err
	}
	took, cpu := time.Since(begin), cpuTime()-used
	evaluations := 0
	for _, s := range report.Scores {
		evaluations += s.Objectives[0].Evaluations
	}
	_, err = fmt.Fprintf(out, "backtest days=%d buckets=%d policies=%d incidents=%d evaluations=%d took_s=%.2f cpu_s=%.2f load_average=%s\n",
		backtestDays, len(buckets), len(policies), len(report.Incidents), evaluations, took.Seconds(), cpu.Seconds(), loadAverage())
	return err
}

// cpuTime is the CPU that this process has used.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// backtestBuckets have 500 events each, 60 at night, of which one in 2000 is
// bad; every 15 days there is an outage of ten minutes and a slow leak.
func backtestBuckets(first, last slo.Slice) []slo.Bucket {
	const day = slo.Slice(24 * time.Hour / slo.SliceLength)
	all := make([]slo.Bucket, 0, last-first)
	var carry int64
	for s := first; s < last; s++ {
		n, perMillion := int64(500), int64(500)
		if s%day < day/3 {
			n = 60
		}
		switch at := (s - first) % (15 * day); {
		case at >= 50_000 && at < 50_060:
			perMillion = 500_000
		case at >= 100_000 && at < 101_000:
			perMillion = 12_000
		}
		carry += n * perMillion
		bad := carry / 1_000_000
		carry %= 1_000_000
		all = append(all, slo.Bucket{Slice: s, Counts: slo.Counts{Good: n - bad, Bad: bad}})
	}
	return all
}

// backtestPolicies are the default one and seven others.
func backtestPolicies(definition slo.SLO) []simulate.NamedPolicy {
	all := simulate.Candidates(definition)
	for _, p := range []struct {
		factor      slo.Decimal
		long, short time.Duration
	}{
		{"14.4", time.Hour, 5 * time.Minute},
		{"10", 30 * time.Minute, 2 * time.Minute},
		{"6", time.Hour, 0},
		{"6", 6 * time.Hour, 30 * time.Minute},
		{"3", 24 * time.Hour, 2 * time.Hour},
		{"1", 72 * time.Hour, 6 * time.Hour},
		{"2", 5 * time.Minute, time.Minute},
	} {
		name := slo.FormatDuration(p.long) + "-" + string(p.factor)
		all = append(all, simulate.NamedPolicy{Name: name, Policies: []slo.AlertPolicy{{
			Name: name, WhenBreaching: true, WhenResolved: true, Condition: slo.AlertCondition{
				Severity: slo.Page, Kind: slo.BurnRate, Op: slo.GTE, Threshold: p.factor, LookBack: p.long, ShortLookBack: p.short,
			},
		}}})
	}
	return all
}
