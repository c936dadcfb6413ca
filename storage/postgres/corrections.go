package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Corrections sums what befell the buckets [from, to) of a series beside their
// counts.
func (s *Store) Corrections(ctx context.Context, series slo.SeriesID, from, to slo.Slice) (slo.Corrections, error) {
	var c slo.Corrections
	err := s.pool.QueryRow(ctx, `SELECT COALESCE(sum(late), 0)::bigint, COALESCE(sum(repeats), 0)::bigint, COALESCE(sum(conflicts), 0)::bigint
		FROM buckets WHERE series = (SELECT id FROM series WHERE hash = $1) AND slice >= $2 AND slice < $3`, series, from, to).
		Scan(&c.Late, &c.Repeats, &c.Conflicts)
	if err != nil {
		return slo.Corrections{}, fmt.Errorf("read the corrections of series %s: %w", series, err)
	}
	return c, nil
}

// RefusedBetween returns how many items that arrived in [from, to), widened to
// whole hours, were refused, by reason. It goes back a month.
func (s *Store) RefusedBetween(ctx context.Context, from, to time.Time) (map[string]int64, error) {
	rows, err := s.pool.Query(ctx, `SELECT reason, sum(items)::bigint FROM refusals WHERE hour >= $1 AND hour <= $2 GROUP BY reason`,
		hourOf(from), hourOf(to.Add(-1)))
	if err != nil {
		return nil, fmt.Errorf("read refusals: %w", err)
	}
	return countsByReason(rows)
}
