package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// bucketColumns are the columns that scanBucket expects, summed over shards.
const bucketColumns = `slice, sum(good)::bigint, sum(bad)::bigint, sum(unknown)::bigint,
	COALESCE(sum(late), 0)::bigint, COALESCE(sum(repeats), 0)::bigint, COALESCE(sum(conflicts), 0)::bigint,
	COALESCE(sum(revisions), 0)::bigint, max(revised_ns)`

// bucketFields are where to scan them; the last must be made an instant.
func bucketFields(b *slo.Bucket, revised **int64) []any {
	return []any{&b.Slice, &b.Counts.Good, &b.Counts.Bad, &b.Counts.Unknown, &b.Late, &b.Repeats, &b.Conflicts, &b.Revisions, revised}
}

// Snapshot returns what the ledger of a shard says at one moment: its cursor,
// the stretches of every series, and the buckets of the slices [from, to).
func (s *Store) Snapshot(ctx context.Context, shard string, from, to slo.Slice) (slo.Snapshot, error) {
	var snapshot slo.Snapshot
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) (err error) {
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
		snapshot.Buckets, err = readShardBuckets(ctx, tx, shard, from, to)
		return err
	})
	if err != nil {
		return slo.Snapshot{}, fmt.Errorf("read a snapshot of shard %s: %w", shard, err)
	}
	return snapshot, nil
}

func readShardBuckets(ctx context.Context, q querier, shard string, from, to slo.Slice) (map[slo.SeriesID][]slo.Bucket, error) {
	rows, err := q.Query(ctx, `SELECT s.hash, `+bucketColumns+` FROM buckets b JOIN series s ON s.id = b.series
		WHERE b.shard = (SELECT id FROM cursors WHERE shard = $1) AND slice >= $2 AND slice < $3
		GROUP BY s.hash, slice ORDER BY s.hash, slice`, shard, from, to)
	if err != nil {
		return nil, err
	}
	buckets := make(map[slo.SeriesID][]slo.Bucket)
	var series slo.SeriesID
	var b slo.Bucket
	var revised *int64
	_, err = pgx.ForEachRow(rows, append([]any{&series}, bucketFields(&b, &revised)...), func() error {
		b.RevisedAt = instant(revised)
		buckets[series] = append(buckets[series], b)
		return nil
	})
	return buckets, err
}
