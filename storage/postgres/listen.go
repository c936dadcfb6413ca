package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// listenQuiet is after how long without a notification the connection is
	// asked whether it still works.
	listenQuiet      = 20 * time.Second
	listenBackoff    = 100 * time.Millisecond
	listenBackoffMax = 5 * time.Second
)

// Listen calls wake for every commit of the ledger, and once after each
// connect, since commits may have been missed before. It uses a connection of
// its own, connects again when that breaks, and returns the error of ctx when
// it ends. Notifications are hints: poll Commits as well.
func (s *Store) Listen(ctx context.Context, wake func()) error {
	backoff, told := listenBackoff, false
	for {
		err := s.listenOnce(ctx, func() {
			if told {
				s.logger.InfoContext(ctx, "listening for commits again")
			}
			backoff, told = listenBackoff, false
			wake()
		}, wake)
		if ctx.Err() != nil {
			return fmt.Errorf("listen for commits: %w", ctx.Err())
		}
		if !told {
			s.logger.WarnContext(ctx, "listening for commits interrupted", "error", err)
			told = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, listenBackoffMax)
	}
}

// listenOnce listens until its connection breaks or ctx ends.
func (s *Store) listenOnce(ctx context.Context, connected, wake func()) error {
	config := s.pool.Config().ConnConfig
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+commitsChannel); err != nil {
		return err
	}
	connected()
	for {
		quiet, cancel := context.WithTimeout(ctx, listenQuiet)
		_, err := conn.WaitForNotification(quiet)
		cancel()
		switch {
		case err == nil:
			wake()
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) || conn.IsClosed():
			return err
		default:
			ping, cancel := context.WithTimeout(ctx, listenQuiet)
			err := conn.Ping(ping)
			cancel()
			if err != nil {
				return err
			}
		}
	}
}
