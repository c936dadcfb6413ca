package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// Corrections sums what befell the buckets of the series in the slices
// [from, to), of all shards.
func (s *Store) Corrections(ctx context.Context, series slo.SeriesID, from, to slo.Slice) (slo.Corrections, error) {
	var sum slo.Corrections
	err := s.look(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `SELECT COALESCE(sum(late), 0)::bigint, COALESCE(sum(repeats), 0)::bigint, COALESCE(sum(conflicts), 0)::bigint
			FROM buckets WHERE series = (SELECT id FROM series WHERE hash = $1) AND slice >= $2 AND slice < $3`, series, from, to).
			Scan(&sum.Late, &sum.Repeats, &sum.Conflicts)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT `+packedColumns+` FROM hours
			WHERE series = (SELECT id FROM series WHERE hash = $1) AND hour >= $2 AND hour <= $3`,
			series, hourOfSlice(from), hourOfSlice(to-1))
		if err != nil {
			return err
		}
		return eachPacked(rows, from, to, func(_ *packedHour, c cellRow) { sum = sum.Plus(c.Corrections) })
	})
	if err != nil {
		return slo.Corrections{}, fmt.Errorf("read corrections of series %s: %w", series, err)
	}
	return sum, nil
}

// RefusedBetween returns how many items were refused in [from, to), widened to
// whole hours, by reason. It goes back a month.
func (s *Store) RefusedBetween(ctx context.Context, from, to time.Time) (map[string]int64, error) {
	rows, err := s.pool.Query(ctx, `SELECT reason, sum(items)::bigint FROM refusals WHERE hour >= $1 AND hour <= $2 GROUP BY reason`,
		hourOf(from), hourOf(to.Add(-time.Nanosecond)))
	if err != nil {
		return nil, fmt.Errorf("read refusals by reason: %w", err)
	}
	refused := make(map[string]int64)
	for rows.Next() {
		var reason string
		var items int64
		if err := rows.Scan(&reason, &items); err != nil {
			rows.Close()
			return nil, fmt.Errorf("read refusals by reason: %w", err)
		}
		refused[reason] = items
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read refusals by reason: %w", err)
	}
	return refused, nil
}
