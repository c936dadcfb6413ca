package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// SaveResets stores resets of budgets, all of them or nothing. One that is
// there already stays as it was.
func (s *Store) SaveResets(ctx context.Context, resets []slo.Reset) error {
	var names, reasons []string
	var objectives []int32
	var instants []int64
	for _, r := range resets {
		names, reasons = append(names, r.SLO), append(reasons, r.Reason)
		objectives, instants = append(objectives, int32(r.Objective)), append(instants, r.At.UnixNano())
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO budget_resets (slo, objective, at_ns, reason)
		SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::text[]) ON CONFLICT DO NOTHING`, names, objectives, instants, reasons)
	if err != nil {
		return fmt.Errorf("store %d resets: %w", len(resets), err)
	}
	return nil
}

// Resets returns the resets of budgets since an instant, the newest first.
func (s *Store) Resets(ctx context.Context, since time.Time) ([]slo.Reset, error) {
	rows, err := s.pool.Query(ctx, `SELECT slo, objective, at_ns, reason FROM budget_resets WHERE at_ns >= $1
		ORDER BY at_ns DESC, slo COLLATE "C", objective`, since.UnixNano())
	if err != nil {
		return nil, fmt.Errorf("read the resets of budgets: %w", err)
	}
	resets, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r slo.Reset, err error) {
		var at int64
		err = row.Scan(&r.SLO, &r.Objective, &at, &r.Reason)
		r.At = time.Unix(0, at).UTC()
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the resets of budgets: %w", err)
	}
	return resets, nil
}
