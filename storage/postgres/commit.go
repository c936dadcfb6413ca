package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
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
	c, err := readCursor(ctx, s.pool, shard)
	if err != nil {
		return slo.Cursor{}, fmt.Errorf("read the cursor of shard %s: %w", shard, err)
	}
	return c, nil
}

func readCursor(ctx context.Context, q querier, shard string) (slo.Cursor, error) {
	var c slo.Cursor
	var until *int64
	err := q.QueryRow(ctx, `SELECT position, sequence, measured_until_ns, definitions FROM cursors WHERE shard = $1`, shard).
		Scan(&c.Offset, &c.Sequence, &until, &c.Definitions)
	if errors.Is(err, pgx.ErrNoRows) {
		return slo.Cursor{}, nil
	}
	c.MeasuredUntil = instant(until)
	return c, err
}

// Commit adds the counts and moves the cursor over them, in one transaction.
// It returns slo.ErrCursorMoved, having changed nothing, unless the cursor stands
// at c.From and c.Sequence-1. After any other error the outcome may be unknown
// (the connection broke during COMMIT): the caller reads the cursor to learn it.
//
// The cursor is also the ledger's fence: of two ledgers of one shard, only the
// one that knows where it stands gets through, whoever leads (see Lead).
//
// A commit with Recounted moves the sequence alone. It returns
// slo.ErrRecountMoved, having changed nothing, unless for each of them there is
// a stretch that begins after Through, and none in between.
func (s *Store) Commit(ctx context.Context, c slo.Commit) error {
	if err := s.commit(ctx, c); err != nil {
		return fmt.Errorf("commit %d of shard %s: %w", c.Sequence, c.Shard, err)
	}
	return nil
}

func (s *Store) commit(ctx context.Context, c slo.Commit) error {
	if err := checkRecounted(c); err != nil {
		return err
	}
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
		moved, err := moveCursor(ctx, tx, c)
		if err != nil {
			return err
		}
		if err := r.joinRecounted(ctx, tx, moved.shard); err != nil {
			return err
		}
		if err := tx.SendBatch(ctx, r.batch(moved, c)).Close(); err != nil {
			return err
		}
		failpoint.Here(failpoint.InTransaction)
		return nil
	})
	if err == nil {
		failpoint.Here(failpoint.Committed)
	}
	if err != nil && !errors.Is(err, slo.ErrCursorMoved) && !errors.Is(err, slo.ErrRecountMoved) {
		// Whatever went wrong, partitions may be what is missing.
		s.forget()
	}
	return err
}

// movedCursor is the number of the shard, and until when it has measured.
type movedCursor struct {
	shard int32
	until *int64
}

// moveCursor moves the cursor from where the commit begins to where it ends.
// It locks the cursor, so that of two equal commits the second waits for the
// first, and is refused.
func moveCursor(ctx context.Context, tx pgx.Tx, c slo.Commit) (movedCursor, error) {
	if c.Sequence == 1 {
		if _, err := tx.Exec(ctx, `INSERT INTO cursors (shard) VALUES ($1) ON CONFLICT (shard) DO NOTHING`, c.Shard); err != nil {
			return movedCursor{}, fmt.Errorf("begin the cursor: %w", err)
		}
	}
	// A recount has measured nothing new, but it reaches back to records from
	// before the first definitions.
	var moved movedCursor
	err := tx.QueryRow(ctx, `UPDATE cursors SET position = $4, sequence = $3 + 1,
			measured_until_ns = CASE WHEN $8 THEN measured_until_ns ELSE $5 END,
			measured_since_ns = CASE WHEN $8 THEN LEAST(measured_since_ns, $6) ELSE COALESCE(measured_since_ns, $6) END,
			definitions = COALESCE($7, definitions), repeats = repeats + $9, conflicts = conflicts + $10
		WHERE shard = $1 AND position = $2 AND sequence = $3 RETURNING id, measured_until_ns`,
		c.Shard, c.From, c.Sequence-1, c.To, nanos(c.MeasuredUntil), nanos(measuredSince(c)), c.Definitions,
		len(c.Recounted) > 0, c.Repeats, c.Conflicts).Scan(&moved.shard, &moved.until)
	if errors.Is(err, pgx.ErrNoRows) {
		return moved, slo.ErrCursorMoved
	}
	if err != nil {
		return moved, fmt.Errorf("move the cursor: %w", err)
	}
	return moved, nil
}

// measuredSince is the earliest instant that the first commit of a shard knows
// of: the arrival of its first definitions, else of its last record; of a
// recount, the arrival of the first record that it judged.
func measuredSince(c slo.Commit) time.Time {
	if len(c.Recounted) > 0 {
		first := slices.MinFunc(c.Recounted, func(a, b slo.Recounted) int { return a.Since.Compare(b.Since) })
		return first.Since
	}
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
