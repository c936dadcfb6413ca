package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// benchAck measures how long a durable answer takes at half of the load that
// the machine can take, sent on schedule (an open loop).
func benchAck(ctx context.Context, o options, out io.Writer) (err error) {
	p, err := serveObjectives(ctx, o, 1000)
	if p != nil {
		defer func() { err = errors.Join(err, p.stop()) }()
	}
	if err != nil {
		return err
	}
	l, err := newLoad(p.grpc, 0)
	if err != nil {
		return err
	}
	if _, err := l.run(ctx, 3*time.Second); err != nil {
		return err
	}
	before := l.sent.Load()
	took, err := l.run(ctx, o.duration/2)
	if err != nil {
		return err
	}
	full := float64(l.sent.Load()-before) / took.Seconds()
	answers, err := l.pace(ctx, full/2, o.duration)
	if err != nil {
		return err
	}
	if err := p.counts(ctx, l.sent.Load()*10, time.Minute); err != nil {
		return err
	}
	fmt.Fprintf(out, "ack objectives=1000 full_spans_per_second=%.0f half_spans_per_second=%.0f requests=%d p50_ms=%.1f p99_ms=%.1f worst_ms=%.1f load_average=%s\n",
		full, full/2, len(answers), ms(at(answers, 0.5)), ms(at(answers, 0.99)), ms(answers[len(answers)-1]), loadAverage())
	return nil
}

// at is the value below which a share of the sorted durations lies.
func at(sorted []time.Duration, share float64) time.Duration {
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
