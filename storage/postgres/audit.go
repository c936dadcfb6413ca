package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// keptAudits and keptSealed bound what is kept of each shard. Sealed ones
	// are kept longer: nobody can audit their slices again.
	keptAudits = 1000
	keptSealed = 5000
)

// SaveAudit stores the audit with its differences, and the messages about it,
// in one transaction; a sealed one also moves the sealed position of the shard
// forward to SealedThrough. Older audits that compared nothing else are
// dropped. It returns slo.ErrFenced, having stored nothing, unless this store
// leads (see Lead).
//
// a.Cursor MUST be that of the snapshot that was compared.
func (s *Store) SaveAudit(ctx context.Context, a slo.Audit, tell []slo.Notification) error {
	if err := s.saveAudit(ctx, a, tell); err != nil {
		return fmt.Errorf("save an audit of shard %s: %w", a.Shard, err)
	}
	return nil
}

func (s *Store) saveAudit(ctx context.Context, a slo.Audit, tell []slo.Notification) error {
	if a.Cursor.Sequence == 0 {
		return errors.New("it does not say at which commit of the ledger it was made")
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	compared, err := s.seriesIDs(ctx, conn, a.Series)
	if err != nil {
		return err
	}
	differences := a.Differences[:min(len(a.Differences), slo.MaxDifferences)]
	differing := make([]slo.SeriesID, len(differences))
	for i, d := range differences {
		differing[i] = d.Series
	}
	ids, err := s.seriesIDs(ctx, conn, differing)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := s.fence(ctx, tx, s.epoch.Load()); err != nil {
			return err
		}
		var shard int32
		err := tx.QueryRow(ctx, `SELECT id FROM cursors WHERE shard = $1`, a.Shard).Scan(&shard)
		if err != nil {
			return fmt.Errorf("find the shard: %w", err)
		}
		var audit int64
		err = tx.QueryRow(ctx, `INSERT INTO audits (shard, at_ns, from_slice, to_slice, through, sequence, closed,
				buckets, spans, series, differing, sealed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id`,
			shard, a.At.UnixNano(), a.From, a.To, a.Through, a.Cursor.Sequence, closedBefore(a.Cursor.MeasuredUntil),
			a.Buckets, a.Spans, compared, a.Differing, a.Sealed).Scan(&audit)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		queueDifferences(batch, audit, ids, differences)
		queueNotifications(batch, tell)
		if a.Sealed {
			batch.Queue(`UPDATE cursors SET sealed = GREATEST(sealed, $2) WHERE id = $1`, shard, a.SealedThrough)
		}
		queuePrune(batch, shard, audit, a.Sealed)
		return tx.SendBatch(ctx, batch).Close()
	})
}

func queueDifferences(batch *pgx.Batch, audit int64, series []int32, differences []slo.Difference) {
	for i, d := range differences {
		batch.Queue(`INSERT INTO audit_differences (audit, series, slice, ledger_good, ledger_bad, ledger_unknown,
				recount_good, recount_bad, recount_unknown)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (audit, series, slice) DO NOTHING`,
			audit, series[i], d.Slice, d.Ledger.Good, d.Ledger.Bad, d.Ledger.Unknown,
			d.Recount.Good, d.Recount.Bad, d.Recount.Unknown)
	}
}

// queuePrune drops the audits that the new one covers, and the oldest. A
// sealed one is the last word: only another such takes its place.
func queuePrune(batch *pgx.Batch, shard int32, audit int64, sealed bool) {
	batch.Queue(`DELETE FROM audits AS old USING audits AS new
		WHERE new.id = $2 AND old.shard = $1 AND old.id < new.id AND (new.sealed OR NOT old.sealed)
			AND old.from_slice >= new.from_slice AND old.to_slice <= new.to_slice AND old.series <@ new.series
			AND old.sequence <= new.sequence`, shard, audit)
	kept := keptAudits
	if sealed {
		kept = keptSealed
	}
	batch.Queue(`DELETE FROM audits WHERE shard = $1 AND sealed = $2 AND id <= (
			SELECT id FROM audits WHERE shard = $1 AND sealed = $2 ORDER BY id DESC OFFSET $3 LIMIT 1)`, shard, sealed, kept)
}

// Sealed returns the newest record of the shard up to which every event lies
// in a slice that an audit had the last word on: what the journal may lose
// without anything being lost that was not audited. 0 if there is none.
func (s *Store) Sealed(ctx context.Context, shard string) (slo.Offset, error) {
	var sealed slo.Offset
	err := s.pool.QueryRow(ctx, `SELECT sealed FROM cursors WHERE shard = $1`, shard).Scan(&sealed)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read up to where shard %s is sealed: %w", shard, err)
	}
	return sealed, nil
}

// LatestAudits returns at most limit audits with their differences, the newest
// first. Of Cursor they have the sequence alone, and SealedThrough is not kept.
func (s *Store) LatestAudits(ctx context.Context, limit int) ([]slo.Audit, error) {
	audits, err := s.latestAudits(ctx, limit)
	if err != nil {
		return nil, fmt.Errorf("read the audits: %w", err)
	}
	return audits, nil
}

func (s *Store) latestAudits(ctx context.Context, limit int) ([]slo.Audit, error) {
	rows, err := s.pool.Query(ctx, `SELECT a.id, c.shard, a.at_ns, a.from_slice, a.to_slice, a.sequence, a.through,
			a.buckets, a.spans, a.differing, a.sealed,
			ARRAY(SELECT hash FROM series WHERE id = ANY (a.series) ORDER BY hash)
		FROM audits a JOIN cursors c ON c.id = a.shard ORDER BY a.id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	var ids []int64
	place := make(map[int64]int)
	audits, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (slo.Audit, error) {
		var a slo.Audit
		var id, at int64
		err := row.Scan(&id, &a.Shard, &at, &a.From, &a.To, &a.Cursor.Sequence, &a.Through,
			&a.Buckets, &a.Spans, &a.Differing, &a.Sealed, &a.Series)
		a.At = instant(&at)
		place[id] = len(ids)
		ids = append(ids, id)
		return a, err
	})
	if err != nil {
		return nil, err
	}
	rows, err = s.pool.Query(ctx, `SELECT d.audit, s.hash, d.slice, d.ledger_good, d.ledger_bad, d.ledger_unknown,
			d.recount_good, d.recount_bad, d.recount_unknown
		FROM audit_differences d JOIN series s ON s.id = d.series WHERE d.audit = ANY ($1) ORDER BY d.audit, s.hash, d.slice`, ids)
	if err != nil {
		return nil, err
	}
	var id int64
	var d slo.Difference
	_, err = pgx.ForEachRow(rows, []any{
		&id, &d.Series, &d.Slice, &d.Ledger.Good, &d.Ledger.Bad, &d.Ledger.Unknown,
		&d.Recount.Good, &d.Recount.Bad, &d.Recount.Unknown,
	}, func() error {
		a := &audits[place[id]]
		a.Differences = append(a.Differences, d)
		return nil
	})
	return audits, err
}
