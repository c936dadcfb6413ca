package main

import (
	"context"
	"errors"
	"syscall"
	"time"
)

var errNoServer = errors.New("none runs")

// databaseFault takes the database away under load and gives it back, and
// checks that telemetry was taken meanwhile. own is nil for the platform's own
// server, which the platform starts again.
func (s *stand) databaseFault(ctx context.Context, own *server) error {
	if err := s.up(ctx); err != nil {
		return err
	}
	s.pause(ctx, 100*time.Millisecond, 500*time.Millisecond)
	before, _ := s.meter.progress()
	postmaster := 0
	if err := s.poll(ctx, startLimit, "a database server", func(context.Context) (bool, error) {
		postmaster = postmasterOf(s.cluster)
		return postmaster != 0, errNoServer
	}); err != nil {
		return redError{err} // The platform starts its own again.
	}
	away := 300*time.Millisecond + time.Duration(s.random.Int64N(int64(2*time.Second)))
	kind := []string{"SIGKILL", "SIGQUIT", "SIGSTOP"}[s.random.IntN(3)]
	s.count(&s.faults, "PostgreSQL "+kind)
	switch kind {
	case "SIGSTOP":
		n := signalServer(s.cluster, syscall.SIGSTOP)
		s.logf("database: %d processes stopped for %s", n, away)
		wait(ctx, away)
		signalServer(s.cluster, syscall.SIGCONT)
	default:
		signal := syscall.SIGKILL
		if kind == "SIGQUIT" { // What pg_ctl calls immediate.
			signal = syscall.SIGQUIT
		}
		if err := syscall.Kill(postmaster, signal); err != nil {
			return err
		}
		s.logf("database: %s to its postmaster", kind)
		if own != nil {
			wait(ctx, away)
			<-own.gone
			if err := errors.Join(awaitGone(ctx, s.cluster), own.start(ctx)); err != nil {
				return err
			}
		}
	}
	if !s.running() {
		return red("%w because its database was away: %s", errDied, s.state)
	}
	after, _ := s.meter.progress()
	s.outageAcks += after - before
	if after == before && kind == "SIGSTOP" {
		return red("nothing was acknowledged while the database was away for %s", away)
	}
	if s.random.IntN(2) == 0 { // Now and then both die.
		return s.killNow("random")
	}
	return s.ready(ctx)
}
