package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
)

// seriesOfShard names a row of an hour.
type seriesOfShard struct{ series, shard int32 }

// packSeries moves the buckets of some series in one hour, and returns how many.
func (k *packer) packSeries(ctx context.Context, hour int64, series []int32) (moved int64, err error) {
	var packed int
	err = k.step(ctx, func(tx pgx.Tx) error {
		cells, n, err := takeBuckets(ctx, tx, hour, series)
		if err != nil || n == 0 {
			return err
		}
		failpoint.Here(failpoint.InPacking)
		hours, err := k.merge(ctx, tx, hour, series, cells)
		if err != nil {
			return err
		}
		moved, packed = n, len(hours)
		return storeHours(ctx, tx, hours)
	})
	if err == nil {
		k.done.Buckets += moved
		k.done.Hours += int64(packed)
	}
	return moved, err
}

// merge adds cells to what is packed of the hour already.
func (k *packer) merge(ctx context.Context, tx pgx.Tx, hour int64, series []int32, cells map[seriesOfShard][]cellRow) ([]packedHour, error) {
	rows, err := tx.Query(ctx, `SELECT `+packedColumns+` FROM hours WHERE hour = $1 AND series = ANY ($2)`, hour, series)
	if err != nil {
		return nil, err
	}
	grids := make(map[seriesOfShard]grid)
	var h packedHour
	_, err = pgx.ForEachRow(rows, h.fields(), func() (err error) {
		of := seriesOfShard{h.series, h.shard}
		if cells[of] == nil {
			return nil
		}
		grids[of] = h.grid
		cells[of], err = h.cells(cells[of])
		return err
	})
	if err != nil {
		return nil, err
	}
	hours := make([]packedHour, 0, len(cells))
	for of, list := range cells {
		h := packedHour{series: of.series, shard: of.shard, hour: hour, grid: max(grids[of], k.gridOf(hour))}
		h.pack(list)
		hours = append(hours, h)
	}
	return hours, nil
}

// takeBuckets deletes the buckets of some series in one hour, and returns them.
// Those that a commit holds are skipped, so that it never waits for a commit:
// where nobody waits for the other, there is no deadlock. A commit that adds to
// a bucket that was taken waits for this transaction, and makes a new one.
func takeBuckets(ctx context.Context, tx pgx.Tx, hour int64, series []int32) (cells map[seriesOfShard][]cellRow, n int64, err error) {
	rows, err := tx.Query(ctx, `WITH taken AS (SELECT series, slice, shard FROM buckets
			WHERE slice >= $1 AND slice < $2 AND series = ANY ($3) FOR UPDATE SKIP LOCKED)
		DELETE FROM buckets AS b USING taken WHERE b.slice >= $1 AND b.slice < $2
			AND b.series = taken.series AND b.slice = taken.slice AND b.shard = taken.shard
		RETURNING b.series, b.shard, b.slice, b.good, b.bad, b.unknown, COALESCE(b.late, 0), COALESCE(b.repeats, 0),
			COALESCE(b.conflicts, 0), COALESCE(b.revisions, 0), COALESCE(b.revised_ns, 0), COALESCE(b.revised_sequence, 0)`,
		hour*slicesPerHour, (hour+1)*slicesPerHour, series)
	if err != nil {
		return nil, 0, err
	}
	cells = make(map[seriesOfShard][]cellRow)
	var of seriesOfShard
	var c cellRow
	_, err = pgx.ForEachRow(rows, []any{
		&of.series, &of.shard, &c.slice, &c.counts.Good, &c.counts.Bad, &c.counts.Unknown, &c.Late, &c.Repeats,
		&c.Conflicts, &c.revisions, &c.revisedNS, &c.revisedSequence,
	}, func() error {
		cells[of] = append(cells[of], c)
		n++
		return nil
	})
	return cells, n, err
}

// storeHours writes packed hours, each of which may be there already.
func storeHours(ctx context.Context, tx pgx.Tx, hours []packedHour) error {
	n := len(hours)
	series, shards, of, grids := make([]int32, n), make([]int32, n), make([]int64, n), make([]int16, n)
	good, bad, unknown, data := make([]int64, n), make([]int64, n), make([]int64, n), make([][]byte, n)
	for i, h := range hours {
		series[i], shards[i], of[i], grids[i] = h.series, h.shard, h.hour, int16(h.grid)
		good[i], bad[i], unknown[i], data[i] = h.sum.Good, h.sum.Bad, h.sum.Unknown, h.data
	}
	_, err := tx.Exec(ctx, `INSERT INTO hours (`+packedColumns+`)
		SELECT * FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::smallint[],
			$5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[])
		ON CONFLICT (series, hour, shard) DO UPDATE SET grid = excluded.grid,
			good = excluded.good, bad = excluded.bad, unknown = excluded.unknown, data = excluded.data`,
		series, shards, of, grids, good, bad, unknown, data)
	return err
}
