package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// Buckets returns what the series counted in the slices [from, to), summed
// over the shards, the oldest first, with their corrections; slices without
// events are left out. One may have corrections alone. Hours that are packed to
// minutes give a bucket for each minute that begins in the range.
func (s *Store) Buckets(ctx context.Context, series slo.SeriesID, from, to slo.Slice) ([]slo.Bucket, error) {
	var buckets []slo.Bucket
	err := s.look(ctx, func(tx pgx.Tx) (err error) {
		buckets, err = readSeriesBuckets(ctx, tx, series, from, to)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read buckets of series %s: %w", series, err)
	}
	return buckets, nil
}

func readSeriesBuckets(ctx context.Context, tx pgx.Tx, series slo.SeriesID, from, to slo.Slice) ([]slo.Bucket, error) {
	rows, err := tx.Query(ctx, `SELECT `+bucketColumns+`
		FROM buckets WHERE series = (SELECT id FROM series WHERE hash = $1) AND slice >= $2 AND slice < $3`, series, from, to)
	if err != nil {
		return nil, err
	}
	buckets := []slo.Bucket{}
	err = eachBucket(rows, nil, func(b slo.Bucket) { buckets = append(buckets, b) })
	if err != nil {
		return nil, err
	}
	if rows, err = tx.Query(ctx, `SELECT `+packedColumns+` FROM hours
		WHERE series = (SELECT id FROM series WHERE hash = $1) AND hour >= $2 AND hour <= $3`,
		series, hourOfSlice(from), hourOfSlice(to-1)); err != nil {
		return nil, err
	}
	err = eachPacked(rows, from, to, func(h *packedHour, c cellRow) { buckets = append(buckets, c.bucket(h.grid)) })
	return joinBuckets(buckets), err
}

// Services returns every service seen, by name.
func (s *Store) Services(ctx context.Context) ([]slo.Service, error) {
	rows, err := s.pool.Query(ctx, `SELECT name, spans, last_seen_ns FROM services ORDER BY name COLLATE "C"`)
	if err != nil {
		return nil, fmt.Errorf("read services: %w", err)
	}
	services, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (slo.Service, error) {
		var service slo.Service
		var seen *int64
		err := row.Scan(&service.Name, &service.Spans, &seen)
		service.LastSeen = instant(seen)
		return service, err
	})
	if err != nil {
		return nil, fmt.Errorf("read services: %w", err)
	}
	return services, nil
}

// Refused returns how many spans were refused for each reason.
func (s *Store) Refused(ctx context.Context) (map[string]int64, error) {
	rows, err := s.pool.Query(ctx, `SELECT reason, spans FROM refused`)
	if err != nil {
		return nil, fmt.Errorf("read refusals: %w", err)
	}
	return countsByReason(rows)
}

func countsByReason(rows pgx.Rows) (map[string]int64, error) {
	refused := make(map[string]int64)
	var reason string
	var spans int64
	_, err := pgx.ForEachRow(rows, []any{&reason, &spans}, func() error {
		refused[reason] = spans
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read refusals: %w", err)
	}
	return refused, nil
}
