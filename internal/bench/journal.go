package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// benchJournal measures durable appends of batches of 500 spans, from one
// caller (latency) and from four (throughput).
func benchJournal(ctx context.Context, o options, out io.Writer) error {
	for _, callers := range []int{1, 4} {
		if err := appendFrom(ctx, o, callers, out); err != nil {
			return err
		}
	}
	return nil
}

func appendFrom(ctx context.Context, o options, callers int, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "slowburn-bench-journal-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	j, err := journal.Open(dir, journal.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	payload, err := encode(traces("orders", time.Now(), batchSize, false))
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var latencies []time.Duration
	begin := time.Now()
	duration := o.duration / 2
	var group errgroup.Group
	for range callers {
		group.Go(func() error {
			var own []time.Duration
			for time.Since(begin) < duration {
				at := time.Now()
				if _, err := j.Append(ctx, slo.Record{Kind: slo.RecordTraces, Payload: payload}); err != nil {
					return err
				}
				own = append(own, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	took := time.Since(begin)
	slices.Sort(latencies)
	spans := int64(len(latencies)) * batchSize
	fmt.Fprintf(out, "journal callers=%d batch=%d appends=%d spans_per_second=%.0f mb_per_second=%.0f bytes_per_span=%.1f p50_ms=%.2f p99_ms=%.2f\n",
		callers, batchSize, len(latencies), float64(spans)/took.Seconds(),
		float64(len(payload))*float64(len(latencies))/took.Seconds()/1e6, float64(j.Size())/float64(spans),
		quantile(latencies, 0.5).Seconds()*1e3, quantile(latencies, 0.99).Seconds()*1e3)
	return nil
}

// quantile reads a quantile off sorted durations, the upper of two neighbours.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
