package shop

import (
	"context"
	"fmt"
	"time"
)

const (
	// flushEvery is how long a span waits in its SDK: short, so that an outage
	// is seen soon.
	flushEvery = time.Second
	// progressEvery is how much history lies between two reports of progress.
	progressEvery = 30 * time.Minute
)

// History sends the requests of a past stretch as fast as they are taken, and
// tells of its progress now and then. It waits until all were acknowledged.
func (s *Shop) History(ctx context.Context, from, to time.Time, progress func(done time.Duration)) error {
	r := &request{shop: s, random: s.random, incident: pastIncident(from, to)}
	reported := from
	for at := from; at.Before(to); at = at.Add(time.Second) {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.second(r, at)
		if at.Sub(reported) >= progressEvery {
			reported = at
			progress(at.Sub(from))
		}
	}
	if err := s.Flush(ctx); err != nil {
		return fmt.Errorf("send the history: %w", err)
	}
	return nil
}

// Live sends requests as they happen until the context ends.
func (s *Shop) Live(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	r := &request{shop: s, random: s.random}
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			// A request of this second began in the last: none ends in the future
			// unless it is slow.
			s.second(r, now.Add(-time.Second))
		}
	}
}

// second makes the requests of one second.
func (s *Shop) second(r *request, at time.Time) {
	for range arrivals(s.random, s.settings.Rate*busy(at)) {
		r.visit(at.Add(time.Duration(s.random.Int64N(int64(time.Second)))))
	}
}
