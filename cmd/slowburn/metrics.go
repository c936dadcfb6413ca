package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/engine"
)

// metricsHandler answers GET /metrics with the health of Slowburn itself.
func (p *platform) metricsHandler() (http.Handler, error) {
	registry := prometheus.NewRegistry()
	all := []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&selfCollector{platform: p},
		&eventsCollector{engine: p.engine},
	}
	gauges := []struct {
		name, help string
		value      func() float64
	}{
		{"slowburn_journal_size_bytes", "Size of the journal on disk.", func() float64 { return float64(p.journal.Size()) }},
		{"slowburn_journal_records", "Offset of the newest durable record.", func() float64 { return float64(p.journal.Durable()) }},
		{"slowburn_ledger_offset", "Offset of the newest record counted.", func() float64 { return float64(p.ledger.Progress().Offset) }},
		{"slowburn_ledger_lag_seconds", "Age of the newest record counted; about one second at rest.", func() float64 { return p.ledger.Progress().Lag.Seconds() }},
		{"slowburn_slo_files_refused", "1 while the files of --slos, as they are now, are not in force.", func() float64 { return one(p.catalog.Problems() != nil) }},
		{"slowburn_journal_refusing", "1 while the journal takes no telemetry.", func() float64 { return one(p.journal.Refusing() != nil) }},
		{"slowburn_sightings_items", "Items remembered, to recognise those that come again.", func() float64 { return float64(p.sightings.Stats().Items) }},
		{"slowburn_sightings_memory_bytes", "Memory that they take.", func() float64 {
			stats := p.sightings.Stats()
			return float64(stats.TableBytes + stats.FilterBytes)
		}},
		{"slowburn_sightings_disk_bytes", "Disk that they take.", func() float64 { return float64(p.sightings.Stats().DiskBytes) }},
		{"slowburn_leading", "1 while this process judges and tells.", func() float64 { return one(p.engine.Leading()) }},
		{"slowburn_objectives", "SLO definitions in force.", func() float64 { return float64(len(p.catalog.Definitions())) }},
	}
	for _, g := range gauges {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, g.value))
	}
	counters := []struct {
		name, help string
		value      func() float64
	}{
		{"slowburn_engine_evaluations_total", "Objectives evaluated.", func() float64 { return float64(p.engine.Evaluations()) }},
		{"slowburn_packed_buckets_total", "Buckets of closed hours that were packed.", func() float64 { return float64(p.packed.Load()) }},
		{"slowburn_audits_total", "Audits done since the start.", func() float64 { return float64(p.audit.Totals().Audits) }},
		{"slowburn_audited_buckets_total", "Buckets that audits compared.", func() float64 { return float64(p.audit.Totals().Buckets) }},
		{"slowburn_audit_differences_total", "Buckets that audits counted otherwise.", func() float64 { return float64(p.audit.Totals().Differing) }},
	}
	for _, c := range counters {
		all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: c.name, Help: c.help}, c.value))
	}
	for _, c := range all {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: nil, ErrorHandling: promhttp.ContinueOnError}), nil
}

func one(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

// selfCollector reads what only the store knows.
type selfCollector struct{ platform *platform }

func (c *selfCollector) descriptions() (refused, repeated, undelivered, oldest *prometheus.Desc) {
	return prometheus.NewDesc("slowburn_refused_items_total", "Items that were refused for good, by reason.", []string{"reason"}, nil),
		prometheus.NewDesc("slowburn_repeated_items_total", "Items that were not counted because they had been seen before, by verdict: repeat or conflict.", []string{"verdict"}, nil),
		prometheus.NewDesc("slowburn_undelivered_notifications", "Notifications that no receiver has taken yet.", nil, nil),
		prometheus.NewDesc("slowburn_oldest_undelivered_notification_seconds", "Age of the oldest undelivered notification; 0 without any.", nil, nil)
}

// Describe implements prometheus.Collector.
func (c *selfCollector) Describe(ch chan<- *prometheus.Desc) {
	refused, repeated, undelivered, oldest := c.descriptions()
	ch <- refused
	ch <- repeated
	ch <- undelivered
	ch <- oldest
}

// Collect implements prometheus.Collector. While the store does not answer,
// these metrics are absent rather than wrong.
func (c *selfCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	refused, repeated, undelivered, oldest := c.descriptions()
	if repeats, conflicts, err := c.platform.store.Repeated(ctx); err == nil {
		ch <- prometheus.MustNewConstMetric(repeated, prometheus.CounterValue, float64(repeats), "repeat")
		ch <- prometheus.MustNewConstMetric(repeated, prometheus.CounterValue, float64(conflicts), "conflict")
	}
	if reasons, err := c.platform.store.Refused(ctx); err == nil {
		for reason, n := range reasons {
			ch <- prometheus.MustNewConstMetric(refused, prometheus.CounterValue, float64(n), reason)
		}
	}
	if n, since, err := c.platform.store.Undelivered(ctx); err == nil {
		age := 0.0
		if n > 0 {
			age = time.Since(since).Seconds()
		}
		ch <- prometheus.MustNewConstMetric(undelivered, prometheus.GaugeValue, float64(n))
		ch <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, age)
	}
}

// eventsCollector reads what the objectives counted since the start.
type eventsCollector struct{ engine *engine.Engine }

func (c *eventsCollector) description() *prometheus.Desc {
	return prometheus.NewDesc("slowburn_events_total", "Events counted for an objective since the start, by result: good, bad or unknown.",
		[]string{"slo", "objective", "result"}, nil)
}

// Describe implements prometheus.Collector.
func (c *eventsCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.description() }

// Collect implements prometheus.Collector.
func (c *eventsCollector) Collect(ch chan<- prometheus.Metric) {
	description := c.description()
	c.engine.Counted(func(name string, objective int, unit slo.Unit, counts slo.Counts) {
		name, index := strings.ToValidUTF8(name, "?"), strconv.Itoa(objective)
		for _, one := range []struct {
			result string
			n      int64
		}{{"good", counts.Good}, {"bad", counts.Bad}, {"unknown", counts.Unknown}} {
			ch <- prometheus.MustNewConstMetric(description, prometheus.CounterValue, float64(one.n)/float64(unit.Scale()), name, index, one.result)
		}
	})
}
