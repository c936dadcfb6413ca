package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// Receivers returns how the delivery to each receiver is doing that was ever
// sent anything, sorted by name.
func (s *Store) Receivers(ctx context.Context) ([]slo.ReceiverState, error) {
	rows, err := s.pool.Query(ctx, `
		WITH tried AS (
			SELECT o.receiver, a.outcome, a.cause, a.begun_ns, a.ended_ns
			FROM attempts a JOIN outbox o ON o.id = a.notification WHERE a.ended_ns IS NOT NULL
		), delivered AS (
			SELECT receiver, max(ended_ns) AS at_ns, max(begun_ns) AS begun_ns FROM tried WHERE outcome = 'delivered' GROUP BY receiver
		), failed AS (
			SELECT DISTINCT ON (t.receiver) t.receiver, t.begun_ns AS at_ns, t.cause
			FROM tried t LEFT JOIN delivered d USING (receiver)
			WHERE t.outcome IN ('retry', 'abandoned') AND (d.begun_ns IS NULL OR t.begun_ns > d.begun_ns)
			ORDER BY t.receiver, t.begun_ns DESC
		)
		SELECT o.receiver, count(*) FILTER (WHERE o.done_ns IS NULL), min(o.created_ns) FILTER (WHERE o.done_ns IS NULL),
			min(d.at_ns), min(f.at_ns), COALESCE(min(f.cause), '')
		FROM outbox o LEFT JOIN delivered d USING (receiver) LEFT JOIN failed f USING (receiver)
		GROUP BY o.receiver ORDER BY o.receiver`)
	if err != nil {
		return nil, fmt.Errorf("read the receivers: %w", err)
	}
	states, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (slo.ReceiverState, error) {
		var r slo.ReceiverState
		var oldest, delivered, failed *int64
		err := row.Scan(&r.Name, &r.Undelivered, &oldest, &delivered, &failed, &r.Cause)
		r.OldestAt, r.DeliveredAt, r.FailedAt = instant(oldest), instant(delivered), instant(failed)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the receivers: %w", err)
	}
	return states, nil
}

// Size is how many bytes the database takes on its disk.
func (s *Store) Size(ctx context.Context) (int64, error) {
	var n int64
	if err := s.pool.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&n); err != nil {
		return 0, fmt.Errorf("ask for the size of the database: %w", err)
	}
	return n, nil
}
