package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// Snapshot returns what the ledger of a shard says at one moment: its cursor,
// the stretches of every series, and the buckets of the slices [from, to).
func (s *Store) Snapshot(ctx context.Context, shard string, from, to slo.Slice) (slo.Snapshot, error) {
	var snapshot slo.Snapshot
	err := s.look(ctx, func(tx pgx.Tx) (err error) {
		// Many series take longer than a statement usually may.
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '10min'`); err != nil {
			return err
		}
		if snapshot.Cursor, err = readCursor(ctx, tx, shard); err != nil {
			return err
		}
		if snapshot.Stretches, err = readStretches(ctx, tx, shard); err != nil {
			return err
		}
		snapshot.Buckets, snapshot.Fine, err = readShardBuckets(ctx, tx, shard, from, to)
		return err
	})
	if err != nil {
		return slo.Snapshot{}, fmt.Errorf("read a snapshot of shard %s: %w", shard, err)
	}
	return snapshot, nil
}

// readShardBuckets reads the buckets of a shard, and from which slice on none
// is of a minute.
func readShardBuckets(ctx context.Context, tx pgx.Tx, shard string, from, to slo.Slice) (map[slo.SeriesID][]slo.Bucket, slo.Slice, error) {
	rows, err := tx.Query(ctx, `SELECT `+bucketColumns+`, s.hash FROM buckets b JOIN series s ON s.id = b.series
		WHERE b.shard = (SELECT id FROM cursors WHERE shard = $1) AND slice >= $2 AND slice < $3`, shard, from, to)
	if err != nil {
		return nil, 0, err
	}
	buckets := make(map[slo.SeriesID][]slo.Bucket)
	var series slo.SeriesID
	add := func(b slo.Bucket) { buckets[series] = append(buckets[series], b) }
	if err := eachBucket(rows, &series, add); err != nil {
		return nil, 0, err
	}
	rows, err = tx.Query(ctx, `SELECT `+packedColumns+`, s.hash FROM hours h JOIN series s ON s.id = h.series
		WHERE h.shard = (SELECT id FROM cursors WHERE shard = $1) AND hour >= $2 AND hour <= $3`,
		shard, hourOfSlice(from), hourOfSlice(to-1))
	if err != nil {
		return nil, 0, err
	}
	fine := from
	err = eachPacked(rows, from, to, func(h *packedHour, c cellRow) {
		if h.grid == byMinute {
			fine = max(fine, min(h.first()+slo.Slice(slicesPerHour), to))
		}
		add(c.bucket(h.grid))
	}, &series)
	for id, list := range buckets {
		buckets[id] = joinBuckets(list)
	}
	return buckets, fine, err
}
