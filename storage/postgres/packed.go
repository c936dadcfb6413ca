package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// look reads several things of one moment. What packing moves from one table
// to the other is then seen in exactly one of them.
func (s *Store) look(ctx context.Context, read func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, read)
}

// hourOfSlice is the hour that a slice lies in, -1 for those before 1970.
func hourOfSlice(s slo.Slice) int64 {
	if s < 0 {
		return -1
	}
	return int64(s) / slicesPerHour
}

// bucketColumns are the columns that eachBucket expects first.
const bucketColumns = `slice, good, bad, unknown, COALESCE(late, 0), COALESCE(repeats, 0), COALESCE(conflicts, 0),
	COALESCE(revisions, 0), revised_ns`

// eachBucket reads rows of loose buckets, whose last column is the series if
// that is asked for.
func eachBucket(rows pgx.Rows, series *slo.SeriesID, visit func(slo.Bucket)) error {
	var b slo.Bucket
	var revised *int64
	fields := []any{&b.Slice, &b.Counts.Good, &b.Counts.Bad, &b.Counts.Unknown, &b.Late, &b.Repeats, &b.Conflicts, &b.Revisions, &revised}
	if series != nil {
		fields = append(fields, series)
	}
	_, err := pgx.ForEachRow(rows, fields, func() error {
		b.RevisedAt = instant(revised)
		visit(b)
		return nil
	})
	return err
}

// eachPacked reads rows of packed hours, with further columns if there are
// any, and visits their cells that begin in the slices [from, to).
func eachPacked(rows pgx.Rows, from, to slo.Slice, visit func(*packedHour, cellRow), further ...any) error {
	var h packedHour
	var cells []cellRow
	_, err := pgx.ForEachRow(rows, append(h.fields(), further...), func() (err error) {
		if cells, err = h.cells(cells[:0]); err != nil {
			return err
		}
		for _, c := range cells {
			if c.slice >= from && c.slice < to {
				visit(&h, c)
			}
		}
		return nil
	})
	return err
}

// joinBuckets sorts buckets and adds up those of one slice, in place: of
// several shards, and of what is packed and what came after. An hour that is
// packed to minutes may have slices that are not packed yet.
func joinBuckets(buckets []slo.Bucket) []slo.Bucket {
	slices.SortFunc(buckets, func(a, b slo.Bucket) int { return cmp.Compare(a.Slice, b.Slice) })
	joined := buckets[:0]
	for _, b := range buckets {
		n := len(joined)
		if n == 0 || joined[n-1].Slice != b.Slice {
			joined = append(joined, b)
			continue
		}
		last := &joined[n-1]
		last.Minute = last.Minute || b.Minute
		last.Counts, last.Corrections = last.Counts.Plus(b.Counts), last.Plus(b.Corrections)
		last.Revisions += b.Revisions
		if b.RevisedAt.After(last.RevisedAt) {
			last.RevisedAt = b.RevisedAt
		}
	}
	return joined
}
