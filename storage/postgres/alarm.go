package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// Tell stores messages that are about no episode: alarms. It needs no lead,
// since every process may be in trouble. What is already stored is left as it is.
func (s *Store) Tell(ctx context.Context, notifications []slo.Notification) error {
	batch := &pgx.Batch{}
	queueNotifications(batch, notifications)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() })
	if err != nil {
		return fmt.Errorf("store %d messages: %w", len(notifications), err)
	}
	return nil
}

// OpenAlarms returns the "firing" messages about alarms that no "resolved" one
// followed, the oldest first. It looks at the whole outbox: ask once at the start.
func (s *Store) OpenAlarms(ctx context.Context) ([]slo.Notification, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT id, receiver, episode, state, payload, created_ns, attempt FROM outbox o
		WHERE state = 'firing' AND NOT EXISTS (SELECT FROM episodes e WHERE e.id = o.episode)
			AND NOT EXISTS (SELECT FROM outbox r WHERE r.episode = o.episode AND r.state = 'resolved')
		ORDER BY position`)
	if err != nil {
		return nil, fmt.Errorf("read open alarms: %w", err)
	}
	open, err := pgx.CollectRows(rows, scanNotification)
	if err != nil {
		return nil, fmt.Errorf("read open alarms: %w", err)
	}
	return open, nil
}
