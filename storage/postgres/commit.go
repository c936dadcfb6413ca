package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// commitsChannel is where every commit is announced, by its shard.
	commitsChannel = "slowburn_commits"
	// keptCommits and keptCommitsFor bound what followers may catch up with;
	// one that is further behind reads the ledger anew.
	keptCommits    = 2000
	keptCommitsFor = 10 * time.Minute
	pruneEvery     = 64
)

// Cursor returns how far the ledger of the shard has got, the zero Cursor if
// it never began.
func (s *Store) Cursor(ctx context.Context, shard string) (slo.Cursor, error) {
	var c slo.Cursor
	var until *int64
	err := s.pool.QueryRow(ctx,
		`SELECT position, sequence, measured_until_ns, definitions FROM cursors WHERE shard = $1`, shard).
		Scan(&c.Offset, &c.Sequence, &until, &c.Definitions)
	if errors.Is(err, pgx.ErrNoRows) {
		return slo.Cursor{}, nil
	}
	if err != nil {
		return slo.Cursor{}, fmt.Errorf("read the cursor of shard %s: %w", shard, err)
	}
	c.MeasuredUntil = instant(until)
	return c, nil
}

// Commit adds the counts and moves the cursor over them, in one transaction.
// It returns slo.ErrCursorMoved, having changed nothing, unless the cursor stands
// at c.From and c.Sequence-1. After any other error the outcome may be unknown
// (the connection broke during COMMIT): the caller reads the cursor to learn it.
func (s *Store) Commit(ctx context.Context, c slo.Commit) error {
	if err := s.commit(ctx, c); err != nil {
		return fmt.Errorf("commit %d of shard %s: %w", c.Sequence, c.Shard, err)
	}
	return nil
}

func (s *Store) commit(ctx context.Context, c slo.Commit) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if err := s.ensureDays(ctx, conn, c.Deltas); err != nil {
		return err
	}
	r := newCommitRows(c)
	if err := r.number(func(series []slo.SeriesID) ([]int32, error) { return s.seriesIDs(ctx, conn, series) }); err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		shard, err := moveCursor(ctx, tx, c)
		if err != nil {
			return err
		}
		return tx.SendBatch(ctx, r.batch(shard, c)).Close()
	})
	if err != nil && !errors.Is(err, slo.ErrCursorMoved) {
		// Whatever went wrong, partitions may be what is missing.
		s.forget()
	}
	return err
}

// moveCursor moves the cursor from where the commit begins to where it ends,
// and returns the number of the shard. It locks the cursor, so that of two
// equal commits the second waits for the first, and is refused.
func moveCursor(ctx context.Context, tx pgx.Tx, c slo.Commit) (shard int32, err error) {
	if c.Sequence == 1 {
		if _, err := tx.Exec(ctx, `INSERT INTO cursors (shard) VALUES ($1) ON CONFLICT (shard) DO NOTHING`, c.Shard); err != nil {
			return 0, fmt.Errorf("begin the cursor: %w", err)
		}
	}
	err = tx.QueryRow(ctx, `UPDATE cursors SET position = $4, sequence = $3 + 1, measured_until_ns = $5,
			measured_since_ns = COALESCE(measured_since_ns, $6), definitions = COALESCE($7, definitions)
		WHERE shard = $1 AND position = $2 AND sequence = $3 RETURNING id`,
		c.Shard, c.From, c.Sequence-1, c.To, nanos(c.MeasuredUntil), nanos(measuredSince(c)), c.Definitions).Scan(&shard)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, slo.ErrCursorMoved
	}
	if err != nil {
		return 0, fmt.Errorf("move the cursor: %w", err)
	}
	return shard, nil
}

// measuredSince is the earliest instant that the first commit of a shard knows
// of: the arrival of its first definitions, else of its last record.
func measuredSince(c slo.Commit) time.Time {
	since := c.MeasuredUntil
	for _, started := range c.Started {
		if since.IsZero() || started.Before(since) {
			since = started
		}
	}
	for _, gap := range c.Gaps {
		if gap.From.Before(since) {
			since = gap.From
		}
	}
	return since
}
