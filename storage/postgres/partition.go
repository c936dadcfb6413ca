package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	slicesPerDay = int64(24 * time.Hour / slo.SliceLength)
	// lastDay is 9999-12-31, beyond which the name of a partition has no form.
	lastDay = 2932896
	// partitionLock keeps two shards from making the same partition at once.
	partitionLock = 0x736c6f7762 // "slowb"
)

// ensureDays makes the partitions that the deltas need, and with today's also
// tomorrow's, so that midnight costs nothing.
//
// A table is made and then attached, since ATTACH PARTITION lets readers and
// writers of the other days go on, which CREATE TABLE ... PARTITION OF does not.
func (s *Store) ensureDays(ctx context.Context, conn *pgxpool.Conn, deltas []slo.Delta) error {
	missing, err := s.missingDays(deltas)
	if err != nil || len(missing) == 0 {
		return err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(partitionLock)); err != nil {
			return fmt.Errorf("take the lock: %w", err)
		}
		for _, day := range missing {
			if err := ensureDay(ctx, tx, day); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("make a partition of the ledger: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, day := range missing {
		s.days[day] = true
	}
	return nil
}

// missingDays are the days of the deltas that are not known to have a partition.
func (s *Store) missingDays(deltas []slo.Delta) ([]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var missing []int64
	asked := make(map[int64]bool)
	last := int64(-1)
	for _, d := range deltas {
		day := int64(d.Slice) / slicesPerDay
		if day == last {
			continue
		}
		last = day
		if d.Slice < 0 || day > lastDay {
			return nil, fmt.Errorf("count series %s: slice %d lies outside the years 1970 to 9999", d.Series, d.Slice)
		}
		for _, day := range []int64{day, min(day+1, lastDay)} {
			if !s.days[day] && !asked[day] {
				asked[day] = true
				missing = append(missing, day)
			}
		}
	}
	return missing, nil
}

// partitionLayout is the name of the table of a day: buckets_20260101.
const partitionLayout = "buckets_20060102"

func partitionName(day int64) string {
	return time.Unix(day*int64(24*time.Hour/time.Second), 0).UTC().Format(partitionLayout)
}

func dayOfPartition(name string) (int64, error) {
	t, err := time.Parse(partitionLayout, name)
	if err != nil {
		return 0, fmt.Errorf("partition %s of the ledger is not named by its day: %w", name, err)
	}
	return t.Unix() / int64(24*time.Hour/time.Second), nil
}

// daysOfBuckets are the days that have a partition, in order.
func daysOfBuckets(ctx context.Context, q querier) ([]int64, error) {
	names, err := partitions(ctx, q, "buckets")
	if err != nil {
		return nil, err
	}
	days := make([]int64, len(names))
	for i, name := range names {
		if days[i], err = dayOfPartition(name); err != nil {
			return nil, err
		}
	}
	return days, nil
}

// partitions are the names of the partitions of a table, in order.
func partitions(ctx context.Context, q querier, table string) ([]string, error) {
	rows, err := q.Query(ctx, `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = to_regclass($1) ORDER BY c.relname`, table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func ensureDay(ctx context.Context, tx pgx.Tx, day int64) error {
	// The room left in each page lets a row that is counted up stay in its page.
	return ensurePartition(ctx, tx, "buckets", partitionName(day), day*slicesPerDay, (day+1)*slicesPerDay, "WITH (fillfactor = 70)")
}

// monthLayout is the name of the table of a month of packed hours: hours_202601.
const monthLayout = "hours_200601"

// monthOf is the name of the partition of an hour, and its bounds.
func monthOf(hour int64) (name string, from, to int64) {
	t := time.Unix(hour*int64(time.Hour/time.Second), 0).UTC()
	begin := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return begin.Format(monthLayout), hourOf(begin), hourOf(begin.AddDate(0, 1, 0))
}

// ensureMonth makes the partition of packed hours that an hour lies in.
func ensureMonth(ctx context.Context, tx pgx.Tx, hour int64) error {
	name, from, to := monthOf(hour)
	return ensurePartition(ctx, tx, "hours", name, from, to, "")
}

// ensurePartition makes a partition unless it exists. Its statements take no
// parameters; the name holds letters and digits only.
func ensurePartition(ctx context.Context, tx pgx.Tx, table, name string, from, to int64, options string) error {
	var exists bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&exists); err != nil || exists {
		return err
	}
	for _, statement := range []string{
		fmt.Sprintf(`CREATE TABLE %s (LIKE %s INCLUDING ALL) %s`, name, table, options),
		fmt.Sprintf(`ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)`, table, name, from, to),
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
