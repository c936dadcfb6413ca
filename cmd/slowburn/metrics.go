package main

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metricsHandler answers GET /metrics with the health of Slowburn itself.
func (p *platform) metricsHandler() (http.Handler, error) {
	registry := prometheus.NewRegistry()
	all := []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&selfCollector{platform: p},
	}
	gauges := []struct {
		name, help string
		value      func() float64
	}{
		{"slowburn_journal_size_bytes", "Size of the journal on disk.", func() float64 { return float64(p.journal.Size()) }},
		{"slowburn_journal_records", "Offset of the newest durable record.", func() float64 { return float64(p.journal.Durable()) }},
		{"slowburn_ledger_offset", "Offset of the newest record counted.", func() float64 { return float64(p.ledger.Progress().Offset) }},
		{"slowburn_ledger_lag_seconds", "Age of the newest record counted; about one second at rest.", func() float64 { return p.ledger.Progress().Lag.Seconds() }},
		{"slowburn_slo_files_refused", "1 while the files of --slos, as they are now, are not in force.", func() float64 {
			if p.catalog.Problems() != nil {
				return 1
			}
			return 0
		}},
		{"slowburn_objectives", "SLO definitions in force.", func() float64 { return float64(len(p.catalog.Definitions())) }},
	}
	for _, g := range gauges {
		all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, g.value))
	}
	all = append(all,
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "slowburn_engine_evaluations_total", Help: "Objectives evaluated.",
		}, func() float64 { return float64(p.engine.Evaluations()) }),
	)
	for _, c := range all {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: nil, ErrorHandling: promhttp.ContinueOnError}), nil
}

// selfCollector reads what only the store knows.
type selfCollector struct{ platform *platform }

func (c *selfCollector) descriptions() (refused, undelivered, oldest *prometheus.Desc) {
	return prometheus.NewDesc("slowburn_refused_spans_total", "Spans that were accepted but not counted, by reason.", []string{"reason"}, nil),
		prometheus.NewDesc("slowburn_undelivered_notifications", "Notifications that no receiver has taken yet.", nil, nil),
		prometheus.NewDesc("slowburn_oldest_undelivered_notification_seconds", "Age of the oldest undelivered notification; 0 without any.", nil, nil)
}

// Describe implements prometheus.Collector.
func (c *selfCollector) Describe(ch chan<- *prometheus.Desc) {
	refused, undelivered, oldest := c.descriptions()
	ch <- refused
	ch <- undelivered
	ch <- oldest
}

// Collect implements prometheus.Collector. While the store does not answer,
// these metrics are absent rather than wrong.
func (c *selfCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	refused, undelivered, oldest := c.descriptions()
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
