package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// AuditVerdicts returns what the newest audits say of the slices [from, to) of
// the series, the oldest first: of every slice that has a bucket, or that an
// audit counts something in; neighbours of which the same is said are joined.
// Where several shards count, the worst is said.
//
// A verdict is about the bucket as it is: one that was revised after the audit,
// or that was not closed then, is not audited, and the time says when it was.
func (s *Store) AuditVerdicts(ctx context.Context, series slo.SeriesID, from, to slo.Slice) ([]slo.SliceVerdict, error) {
	var v verdicts
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error { return v.read(ctx, tx, series, from, to) })
	if err != nil {
		return nil, fmt.Errorf("read the audits of series %s: %w", series, err)
	}
	return v.of(), nil
}

// verdicts gathers what the verdicts on one series rest on.
type verdicts struct {
	// audits are those that compared the series, the newest first.
	audits []auditOfSeries
	// cells are the slices to judge, with the commit that last revised each.
	cells map[cell]int64
	// differences are those kept, differing how many there are of each audit.
	differences map[int64]map[slo.Slice]bool
}

type cell struct {
	slice slo.Slice
	shard int32
}

type auditOfSeries struct {
	ID       int64
	Shard    int32
	AtNS     int64
	From, To slo.Slice
	Sequence int64
	Closed   slo.Slice
	Sealed   bool
	// Unlisted: it found more differences than were kept.
	Unlisted bool
}

func (v *verdicts) read(ctx context.Context, tx pgx.Tx, series slo.SeriesID, from, to slo.Slice) error {
	var id int32
	if err := tx.QueryRow(ctx, `SELECT COALESCE((SELECT id FROM series WHERE hash = $1), 0)`, series).Scan(&id); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT id, shard, at_ns, from_slice, to_slice, sequence, closed, sealed,
			differing > (SELECT count(*) FROM audit_differences d WHERE d.audit = audits.id)
		FROM audits WHERE $1 = ANY (series) AND from_slice < $3 AND to_slice > $2 ORDER BY sequence DESC, id DESC`, id, from, to)
	if err != nil {
		return err
	}
	if v.audits, err = pgx.CollectRows(rows, pgx.RowToStructByPos[auditOfSeries]); err != nil {
		return err
	}
	v.cells, v.differences = make(map[cell]int64), make(map[int64]map[slo.Slice]bool)
	rows, err = tx.Query(ctx, `SELECT slice, shard, COALESCE(revised_sequence, 0) FROM buckets
		WHERE series = $1 AND slice >= $2 AND slice < $3`, id, from, to)
	if err != nil {
		return err
	}
	var c cell
	var revised, audit int64
	if _, err = pgx.ForEachRow(rows, []any{&c.slice, &c.shard, &revised}, func() error {
		v.cells[c] = revised
		return nil
	}); err != nil {
		return err
	}
	rows, err = tx.Query(ctx, `SELECT d.audit, a.shard, d.slice FROM audit_differences d JOIN audits a ON a.id = d.audit
		WHERE d.series = $1 AND d.slice >= $2 AND d.slice < $3`, id, from, to)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, []any{&audit, &c.shard, &c.slice}, func() error {
		if v.differences[audit] == nil {
			v.differences[audit] = make(map[slo.Slice]bool)
		}
		v.differences[audit][c.slice] = true
		if _, known := v.cells[c]; !known {
			v.cells[c] = 0
		}
		return nil
	})
	return err
}

// of judges every cell, and joins those of one slice, and neighbours.
func (v *verdicts) of() []slo.SliceVerdict {
	joined := make(map[slo.Slice]slo.SliceVerdict)
	for c, revised := range v.cells {
		verdict := v.judge(c, revised)
		if other, both := joined[c.slice]; !both || gravity(verdict.Verdict) > gravity(other.Verdict) {
			joined[c.slice] = verdict
		}
	}
	var runs []slo.SliceVerdict
	for _, slice := range slices.Sorted(maps.Keys(joined)) {
		next := joined[slice]
		if n := len(runs); n > 0 {
			before := runs[n-1]
			before.From, before.To = next.From, next.To
			if runs[n-1].To == slice && before == next {
				runs[n-1].To = next.To
				continue
			}
		}
		runs = append(runs, next)
	}
	return runs
}

func gravity(v slo.AuditVerdict) int {
	return slices.Index([]slo.AuditVerdict{slo.AuditEqual, slo.NotAudited, slo.AuditDiffers}, v)
}

func (v *verdicts) judge(c cell, revised int64) slo.SliceVerdict {
	verdict := slo.SliceVerdict{From: c.slice, To: c.slice + 1, Verdict: slo.NotAudited}
	for _, a := range v.audits {
		if a.Shard != c.shard || c.slice < a.From || c.slice >= a.To {
			continue
		}
		verdict.At, verdict.Sealed = instant(&a.AtNS), a.Sealed
		differs := v.differences[a.ID][c.slice]
		switch {
		case revised > a.Sequence || c.slice >= a.Closed:
		case differs:
			verdict.Verdict = slo.AuditDiffers
		case !a.Unlisted:
			verdict.Verdict = slo.AuditEqual
		}
		return verdict
	}
	return verdict
}
