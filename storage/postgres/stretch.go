package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// recountedColumns are the recounted stretches by column.
type recountedColumns struct {
	hashes           []slo.SeriesID
	series           []int32
	after, through   []int64
	sinceNS, untilNS []int64
}

func newRecountedColumns(recounted []slo.Recounted) recountedColumns {
	n := len(recounted)
	c := recountedColumns{
		hashes: make([]slo.SeriesID, n), series: []int32{}, after: make([]int64, n), through: make([]int64, n),
		sinceNS: make([]int64, n), untilNS: make([]int64, n),
	}
	for i, r := range recounted {
		c.hashes[i], c.after[i], c.through[i], c.sinceNS[i] = r.Series, int64(r.After), int64(r.Through), r.Since.UnixNano()
	}
	return c
}

// checkRecounted refuses what no recount can be.
func checkRecounted(c slo.Commit) error {
	if len(c.Recounted) > 0 && c.From != c.To {
		return errors.New("a commit with recounted stretches must not hold records of its own")
	}
	seen := make(map[slo.SeriesID]bool, len(c.Recounted))
	for _, r := range c.Recounted {
		if r.After >= r.Through || r.Since.IsZero() {
			return fmt.Errorf("the recount of series %s covers no records: after %d through %d since %v", r.Series, r.After, r.Through, r.Since)
		}
		if seen[r.Series] {
			return fmt.Errorf("series %s is recounted twice in one commit", r.Series)
		}
		seen[r.Series] = true
	}
	return nil
}

// joinRecounted lets the stretches that begin after the recounted records begin
// before them. What another stretch holds already would be counted twice.
func (r *commitRows) joinRecounted(ctx context.Context, tx pgx.Tx, shard int32) error {
	if len(r.recounted.series) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `UPDATE series_counted AS s SET from_position = new.after, from_ns = LEAST(old.from_ns, new.since)
		FROM unnest($2::integer[], $3::bigint[], $4::bigint[], $5::bigint[]) WITH ORDINALITY AS new (series, after, through, since, place)
		JOIN series_counted AS old ON old.series = new.series AND old.shard = $1 AND old.from_position = new.through
		WHERE s.series = old.series AND s.shard = old.shard AND s.from_position = old.from_position
			AND NOT EXISTS (SELECT FROM series_counted AS p
				WHERE p.series = s.series AND p.shard = s.shard AND (p.from_position IS NULL OR p.from_position < new.through)
					AND CASE WHEN p.to_position IS NOT NULL THEN p.to_position > new.after
						WHEN p.to_ns IS NOT NULL THEN p.to_ns > new.since ELSE true END)
		RETURNING new.place, old.from_ns`,
		shard, r.recounted.series, r.recounted.after, r.recounted.through, r.recounted.sinceNS)
	if err != nil {
		return fmt.Errorf("join recounted stretches: %w", err)
	}
	var joined int
	var place, until int64
	_, err = pgx.ForEachRow(rows, []any{&place, &until}, func() error {
		joined++
		r.recounted.untilNS[place-1] = until
		return nil
	})
	if err != nil {
		return fmt.Errorf("join recounted stretches: %w", err)
	}
	if joined != len(r.recounted.series) {
		return slo.ErrRecountMoved
	}
	return nil
}

// Stretches returns the records for which the shard counted each series, the
// oldest first. Those that touch are not joined.
func (s *Store) Stretches(ctx context.Context, shard string) (map[slo.SeriesID][]slo.Stretch, error) {
	stretches, err := readStretches(ctx, s.pool, shard)
	if err != nil {
		return nil, fmt.Errorf("read the stretches of shard %s: %w", shard, err)
	}
	return stretches, nil
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) pgx.Row
}

func readStretches(ctx context.Context, q querier, shard string) (map[slo.SeriesID][]slo.Stretch, error) {
	rows, err := q.Query(ctx, `SELECT s.hash, c.from_ns, c.to_ns, c.from_position, c.to_position
		FROM series_counted c JOIN series s ON s.id = c.series
		WHERE c.shard = (SELECT id FROM cursors WHERE shard = $1) ORDER BY s.hash, c.from_ns, c.from_position`, shard)
	if err != nil {
		return nil, err
	}
	stretches := make(map[slo.SeriesID][]slo.Stretch)
	var series slo.SeriesID
	var fromNS int64
	var toNS, after, through *int64
	_, err = pgx.ForEachRow(rows, []any{&series, &fromNS, &toNS, &after, &through}, func() error {
		stretches[series] = append(stretches[series], slo.Stretch{
			Interval: slo.Interval{From: instant(&fromNS), To: instant(toNS)},
			After:    offset(after), Through: offset(through), Unplaced: after == nil,
		})
		return nil
	})
	return stretches, err
}

// offset is a position that may not be known.
func offset(position *int64) slo.Offset {
	if position == nil {
		return 0
	}
	return slo.Offset(*position)
}
