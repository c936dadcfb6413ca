package main

import (
	"context"
	"time"
)

// settleEvery is after how many kills everything is compared.
const settleEvery = 6

// randomKill kills the platform at a random time under load; one in twelve while
// it starts.
func (s *stand) randomKill(ctx context.Context) error {
	if s.turn("random")%12 == 7 {
		if err := s.down(ctx); err != nil {
			return err
		}
		if err := s.begin(nil); err != nil {
			return err
		}
		s.pause(ctx, 0, 700*time.Millisecond)
		return s.killNow("starting")
	}
	if err := s.up(ctx); err != nil {
		return err
	}
	s.pause(ctx, 20*time.Millisecond, 900*time.Millisecond)
	return s.killNow("random")
}

// killNow kills the platform, which must still run.
func (s *stand) killNow(kind string) error {
	if !s.running() {
		return s.endedByItself()
	}
	flying := s.meter.inFlight()
	s.kill()
	s.killed(kind, flying)
	s.logf("kill %d (%s), requests in flight %d", s.kills, kind, flying)
	return nil
}

// pause waits for a random time.
func (s *stand) pause(ctx context.Context, least, most time.Duration) {
	wait(ctx, least+time.Duration(s.random.Int64N(int64(most-least))))
}

// down kills the platform under load if it runs, for a start with a plan.
func (s *stand) down(ctx context.Context) error {
	if !s.running() {
		return nil
	}
	s.pause(ctx, 20*time.Millisecond, 500*time.Millisecond)
	return s.killNow("random")
}
