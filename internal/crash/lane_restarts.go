package main

import (
	"context"
	"time"
)

// drainLimit is how long an orderly stop under full load may take.
const drainLimit = 10 * time.Second

// restart ends the platform in order under full load. A sender that is told to
// drop its data complains by itself (see client).
func (s *stand) restart(ctx context.Context) error {
	if err := s.up(ctx); err != nil {
		return err
	}
	s.pause(ctx, 100*time.Millisecond, 800*time.Millisecond)
	flying := s.meter.inFlight()
	took, err := s.terminate(3 * drainLimit)
	if err != nil {
		return redError{err}
	}
	if took > drainLimit {
		return red("SIGTERM under load took %s, at most %s are allowed", took, drainLimit)
	}
	s.drained = max(s.drained, took)
	s.count(&s.faults, "SIGTERM")
	s.logf("SIGTERM with %d requests in flight: ended in order after %s", flying, took.Round(time.Millisecond))
	return nil
}
