package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// SaveNotifications puts messages about Slowburn itself into the outbox, and
// leaves those alone that it has. Nobody needs to lead for that: each process
// knows best what is wrong with it, under names of its own.
func (s *Store) SaveNotifications(ctx context.Context, notifications []slo.Notification) error {
	batch := &pgx.Batch{}
	queueNotifications(batch, notifications)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() })
	if err != nil {
		return fmt.Errorf("save notifications: %w", err)
	}
	return nil
}

// OpenAlarms returns the firing messages about Slowburn itself (not about an
// episode) that no message has resolved yet, the oldest first.
func (s *Store) OpenAlarms(ctx context.Context) ([]slo.Notification, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, receiver, episode, state, payload, created_ns, attempt FROM outbox o
		WHERE state = 'firing' AND NOT EXISTS (SELECT FROM episodes e WHERE e.id = o.episode)
			AND NOT EXISTS (SELECT FROM outbox r WHERE r.episode = o.episode AND r.receiver = o.receiver AND r.state = 'resolved')
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
