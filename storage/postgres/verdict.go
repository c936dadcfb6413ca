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
// audit counts something in, and of the whole minute where that is all that is
// kept; neighbours of which the same is said are joined. Where several shards
// count, the worst is said.
//
// A verdict is about the bucket as it is: one that was revised after the audit,
// or that was not closed then, is not audited, and the time says when it was.
func (s *Store) AuditVerdicts(ctx context.Context, series slo.SeriesID, from, to slo.Slice) ([]slo.SliceVerdict, error) {
	var v verdicts
	err := s.look(ctx, func(tx pgx.Tx) error { return v.read(ctx, tx, series, from, to) })
	if err != nil {
		return nil, fmt.Errorf("read the audits of series %s: %w", series, err)
	}
	return v.of(), nil
}

// verdicts gathers what the verdicts on one series rest on.
type verdicts struct {
	// audits are those that compared the series, the newest first.
	audits []auditOfSeries
	// cells are what there is to judge.
	cells map[cell]cellState
	// differences are those kept, differing how many there are of each audit.
	differences map[int64]map[slo.Slice]bool
}

type cell struct {
	slice slo.Slice
	shard int32
}

// cellState is the commit that last revised a cell, and how many slices it has.
type cellState struct {
	revised int64
	length  slo.Slice
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
	v.cells, v.differences = make(map[cell]cellState), make(map[int64]map[slo.Slice]bool)
	if err := v.readCells(ctx, tx, id, from, to); err != nil {
		return err
	}
	return v.readDifferences(ctx, tx, id, from, to)
}

func (v *verdicts) readCells(ctx context.Context, tx pgx.Tx, series int32, from, to slo.Slice) error {
	add := func(c cell, state cellState) {
		known := v.cells[c]
		v.cells[c] = cellState{max(known.revised, state.revised), max(known.length, state.length)}
	}
	rows, err := tx.Query(ctx, `SELECT slice, shard, COALESCE(revised_sequence, 0) FROM buckets
		WHERE series = $1 AND slice >= $2 AND slice < $3`, series, from, to)
	if err != nil {
		return err
	}
	var c cell
	state := cellState{length: 1}
	if _, err = pgx.ForEachRow(rows, []any{&c.slice, &c.shard, &state.revised}, func() error {
		add(c, state)
		return nil
	}); err != nil {
		return err
	}
	rows, err = tx.Query(ctx, `SELECT `+packedColumns+` FROM hours WHERE series = $1 AND hour >= $2 AND hour <= $3`,
		series, hourOfSlice(from), hourOfSlice(to-1))
	if err != nil {
		return err
	}
	return eachPacked(rows, from, to, func(h *packedHour, packed cellRow) {
		add(cell{packed.slice, h.shard}, cellState{packed.revisedSequence, h.grid.step()})
	})
}

// readDifferences also adds the cells that only an audit counts something in.
func (v *verdicts) readDifferences(ctx context.Context, tx pgx.Tx, series int32, from, to slo.Slice) error {
	rows, err := tx.Query(ctx, `SELECT d.audit, a.shard, d.slice FROM audit_differences d JOIN audits a ON a.id = d.audit
		WHERE d.series = $1 AND d.slice >= $2 AND d.slice < $3`, series, from, to)
	if err != nil {
		return err
	}
	var c cell
	var audit int64
	_, err = pgx.ForEachRow(rows, []any{&audit, &c.shard, &c.slice}, func() error {
		if v.differences[audit] == nil {
			v.differences[audit] = make(map[slo.Slice]bool)
		}
		v.differences[audit][c.slice] = true
		minute := cell{c.slice - c.slice%byMinute.step(), c.shard}
		if _, known := v.cells[c]; !known && v.cells[minute].length <= 1 {
			v.cells[c] = cellState{length: 1}
		}
		return nil
	})
	return err
}

// of judges every cell, and joins those of one slice, and neighbours.
func (v *verdicts) of() []slo.SliceVerdict {
	joined := make(map[slo.Slice]slo.SliceVerdict)
	for c, state := range v.cells {
		verdict := v.judge(c, state)
		for slice := c.slice; slice < c.slice+state.length; slice++ {
			verdict.From, verdict.To = slice, slice+1
			if other, both := joined[slice]; !both || gravity(verdict.Verdict) > gravity(other.Verdict) {
				joined[slice] = verdict
			}
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

func (v *verdicts) judge(c cell, state cellState) slo.SliceVerdict {
	verdict := slo.SliceVerdict{Verdict: slo.NotAudited}
	end := c.slice + state.length
	for _, a := range v.audits {
		if a.Shard != c.shard || c.slice < a.From || end > a.To {
			continue
		}
		verdict.At, verdict.Sealed = instant(&a.AtNS), a.Sealed
		differs := false
		for slice := c.slice; slice < end; slice++ {
			differs = differs || v.differences[a.ID][slice]
		}
		switch {
		case state.revised > a.Sequence || end > a.Closed:
		case differs:
			verdict.Verdict = slo.AuditDiffers
		case !a.Unlisted:
			verdict.Verdict = slo.AuditEqual
		}
		return verdict
	}
	return verdict
}
