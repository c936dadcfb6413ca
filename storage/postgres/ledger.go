package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// ReadLedger reads all that was counted since an instant (its hour included)
// from one snapshot, and returns the state of every series, the coverage, and
// the sequence that each shard had reached: Commits continues from there.
//
// visit gets the buckets: what is older than three days by hour, what is older
// than seven hours, or lies in an hour since 1970 that is in detail, by minute,
// each as a Delta in the first slice of its group. A group may come in several
// parts: those of shards, and what is packed before what is not. Series in
// detail come last, one after the other, by minute at any age, in their order
// and each group in one part. It MUST NOT use the store.
func (s *Store) ReadLedger(
	ctx context.Context, since time.Time, detail slo.Detail, visit func(slo.Delta),
) (map[slo.SeriesID]slo.SeriesState, slo.Coverage, map[string]int64, error) {
	l := ledgerReader{detail: []int64{}, whole: detail.Series, visit: visit} // An array that is NULL would hide every row.
	for hour, in := range detail.Hours {
		if in {
			l.detail = append(l.detail, hour)
		}
	}
	err := s.look(ctx, func(tx pgx.Tx) error {
		// One day of many series takes longer than a statement usually may.
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '10min'`); err != nil {
			return err
		}
		l.tx = tx
		return l.read(ctx, since)
	})
	if err != nil {
		return nil, slo.Coverage{}, nil, fmt.Errorf("read the ledger: %w", err)
	}
	for shard, m := range l.marks {
		s.follow(shard, m)
	}
	return l.states, l.coverage, l.sequences, nil
}

type ledgerReader struct {
	tx        pgx.Tx
	detail    []int64
	whole     map[slo.SeriesID]bool
	visit     func(slo.Delta)
	states    map[slo.SeriesID]slo.SeriesState
	hashes    map[int32]slo.SeriesID
	coverage  slo.Coverage
	sequences map[string]int64
	marks     map[string]mark
}

func (l *ledgerReader) read(ctx context.Context, since time.Time) error {
	if err := l.readCoverage(ctx); err != nil {
		return fmt.Errorf("coverage: %w", err)
	}
	if err := l.readStates(ctx); err != nil {
		return fmt.Errorf("series: %w", err)
	}
	if err := l.readBuckets(ctx, since); err != nil {
		return fmt.Errorf("buckets: %w", err)
	}
	return nil
}

// readCoverage reads what all shards have measured: together they know an
// instant only once each of them has read it.
func (l *ledgerReader) readCoverage(ctx context.Context) error {
	l.sequences, l.marks = make(map[string]int64), make(map[string]mark)
	rows, err := l.tx.Query(ctx, `SELECT c.shard, c.sequence, c.measured_since_ns, c.measured_until_ns, k.committed_at
		FROM cursors c LEFT JOIN commits k ON k.shard = c.id AND k.sequence = c.sequence`)
	if err != nil {
		return err
	}
	var shard string
	var sequence int64
	var since, until *int64
	var committed *time.Time
	first := true
	_, err = pgx.ForEachRow(rows, []any{&shard, &sequence, &since, &until, &committed}, func() error {
		l.sequences[shard] = sequence
		if committed != nil {
			l.marks[shard] = mark{sequence, *committed}
		}
		if s := instant(since); first || s.Before(l.coverage.Since) {
			l.coverage.Since = s
		}
		if u := instant(until); first || u.Before(l.coverage.Until) {
			l.coverage.Until = u
		}
		first = false
		return nil
	})
	if err != nil {
		return err
	}
	if rows, err = l.tx.Query(ctx, `SELECT from_ns, to_ns FROM gaps`); err != nil {
		return err
	}
	gaps, err := pgx.CollectRows(rows, scanInterval)
	l.coverage.Gaps = union(gaps)
	return err
}

func (l *ledgerReader) readStates(ctx context.Context) error {
	l.states, l.hashes = make(map[slo.SeriesID]slo.SeriesState), make(map[int32]slo.SeriesID)
	rows, err := l.tx.Query(ctx, `SELECT id, hash, watermark_ns FROM series`)
	if err != nil {
		return err
	}
	var id int32
	var hash slo.SeriesID
	var watermark *int64
	_, err = pgx.ForEachRow(rows, []any{&id, &hash, &watermark}, func() error {
		l.hashes[id], l.states[hash] = hash, slo.SeriesState{Watermark: instant(watermark)}
		return nil
	})
	if err != nil {
		return err
	}
	if rows, err = l.tx.Query(ctx, `SELECT series, from_ns, to_ns FROM series_counted`); err != nil {
		return err
	}
	var from int64
	var to *int64
	counted := make(map[int32][]slo.Interval)
	_, err = pgx.ForEachRow(rows, []any{&id, &from, &to}, func() error {
		counted[id] = append(counted[id], slo.Interval{From: instant(&from), To: instant(to)})
		return nil
	})
	for id, intervals := range counted {
		state := l.states[l.hashes[id]]
		state.Counted = union(intervals)
		l.states[l.hashes[id]] = state
	}
	return err
}

func scanInterval(row pgx.CollectableRow) (slo.Interval, error) {
	var from int64
	var to *int64
	err := row.Scan(&from, &to)
	return slo.Interval{From: instant(&from), To: instant(to)}, err
}

// union sorts intervals and joins those that overlap or touch: two shards may
// tell of the same stretch. [1,3) and [2,5) make [1,5).
func union(intervals []slo.Interval) []slo.Interval {
	slices.SortFunc(intervals, func(a, b slo.Interval) int { return cmp.Compare(a.From.UnixNano(), b.From.UnixNano()) })
	joined := intervals[:0]
	for _, i := range intervals {
		if n := len(joined); n > 0 && (joined[n-1].To.IsZero() || !i.From.After(joined[n-1].To)) {
			if last := &joined[n-1]; !last.To.IsZero() && (i.To.IsZero() || i.To.After(last.To)) {
				last.To = i.To
			}
			continue
		}
		joined = append(joined, i)
	}
	return joined
}
