package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Packing says what Pack does. What lies between its instants is up to whoever
// knows how late events may be, how far back slices are compared, and which
// windows are in use.
type Packing struct {
	// Closed: hours that ended by then are packed. What is added to them later
	// is packed by the next pass.
	Closed time.Time
	// Minutes: hours that ended by then are packed to minutes.
	Minutes time.Time
	// Days: those that ended by then lose their partition of buckets once all
	// of it is packed. What comes later makes it again.
	Days time.Time
	// Oldest: months of packed hours that ended by then are deleted; where the
	// newest of them ended before Closed, those as much older than that.
	Oldest time.Time
	// Between is called after each transaction with the time that it took. An
	// error of it ends the pass. May be nil.
	Between func(ctx context.Context, took time.Duration) error
}

// Packed is what a pass has done.
type Packed struct {
	// Buckets were moved into Hours; Coarsened hours were packed to minutes.
	Buckets, Hours, Coarsened int64
	// Dropped are the partitions that went: empty days, and months too old.
	Dropped []string
}

// packLock is held by who packs, for a transaction.
const packLock = 0x736c6f7770 // "slowp"

// errPacking says that another packs.
var errPacking = errors.New("another process packs")

// Pack moves the buckets of closed hours into a row an hour, in transactions
// of some thousand buckets each: a reader finds each count in one of both
// tables, and a crash at any time leaves it in one. It waits for no commit of a
// ledger; what such a one has in hand is left for the next pass.
//
// It returns slo.ErrFenced unless this store leads (see Lead). Where another
// call packs, it leaves the work to that.
func (s *Store) Pack(ctx context.Context, p Packing) (Packed, error) {
	k := packer{Packing: p, store: s, months: make(map[string]bool)}
	err := k.run(ctx)
	if err != nil && !errors.Is(err, errPacking) {
		return k.done, fmt.Errorf("pack closed hours: %w", err)
	}
	return k.done, nil
}

// packer is one pass.
type packer struct {
	Packing
	store *Store
	// months are the partitions of hours known to exist.
	months map[string]bool
	done   Packed
	// took is how long the newest transaction was.
	took time.Duration
}

func (k *packer) run(ctx context.Context) error {
	if err := k.step(ctx, func(pgx.Tx) error { return nil }); err != nil {
		return err // Who may not is told, even where there is nothing to do.
	}
	days, err := daysOfBuckets(ctx, k.store.pool)
	if err != nil {
		return err
	}
	for _, day := range days {
		if err := k.packDay(ctx, day); err != nil {
			return err
		}
	}
	if err := k.coarsen(ctx); err != nil {
		return err
	}
	for _, day := range days {
		if err := k.dropDay(ctx, day); err != nil {
			return err
		}
	}
	return k.dropMonths(ctx)
}

// closed is the first hour that is not closed.
func (k *packer) closed() int64 { return hourOf(k.Closed) }

// gridOf is the grid that an hour is packed to if it is not packed yet.
func (k *packer) gridOf(hour int64) grid {
	if hour < hourOf(k.Minutes) {
		return byMinute
	}
	return bySlice
}

// step runs one transaction that decides, if no other packs.
func (k *packer) step(ctx context.Context, change func(pgx.Tx) error) error {
	begin := time.Now()
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted} // A row that was counted up meanwhile is taken as it is now.
	err := pgx.BeginTxFunc(ctx, k.store.pool, options, func(tx pgx.Tx) error {
		if err := k.store.fence(ctx, tx, k.store.epoch.Load()); err != nil {
			return err
		}
		var free bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(packLock)).Scan(&free); err != nil {
			return err
		}
		if !free {
			return errPacking
		}
		return change(tx)
	})
	k.took = time.Since(begin)
	return err
}

// rest lets others work.
func (k *packer) rest(ctx context.Context) error {
	if k.Between == nil {
		return nil
	}
	return k.Between(ctx, k.took)
}

// The number of series that one transaction takes is fitted to these numbers
// of buckets.
const (
	fewBuckets  = 2000
	manyBuckets = 8000
	maxSeries   = 4096
)

// packDay packs the closed hours of a day, the oldest first.
func (k *packer) packDay(ctx context.Context, day int64) error {
	end := min((day+1)*24, k.closed())
	size := 16
	for hour := day * 24; hour < end; hour++ {
		var series []int32
		var err error
		if hour, series, err = k.firstLoose(ctx, hour, end); err != nil || len(series) == 0 {
			return err
		}
		if err := k.ensureMonth(ctx, hour); err != nil {
			return err
		}
		for len(series) > 0 {
			n := min(size, len(series))
			moved, err := k.packSeries(ctx, hour, series[:n])
			if err != nil {
				return fmt.Errorf("hour %d: %w", hour, err)
			}
			if err := k.rest(ctx); err != nil {
				return err
			}
			series = series[n:]
			switch {
			case moved < fewBuckets:
				size = min(2*size, maxSeries)
			case moved > manyBuckets:
				size = max(size/2, 1)
			}
		}
	}
	return nil
}

// firstLoose finds the first hour of [hour, end) in which a series has buckets,
// and all that have some in it. It asks the index once for each series.
func (k *packer) firstLoose(ctx context.Context, hour, end int64) (first int64, series []int32, err error) {
	rows, err := k.store.pool.Query(ctx, `SELECT s.id, b.hour FROM series s CROSS JOIN LATERAL (
			SELECT slice / $3 AS hour FROM buckets WHERE series = s.id AND slice >= $1 AND slice < $2 ORDER BY slice LIMIT 1) AS b`,
		hour*slicesPerHour, end*slicesPerHour, slicesPerHour)
	if err != nil {
		return 0, nil, err
	}
	first = end
	var id int32
	var h int64
	_, err = pgx.ForEachRow(rows, []any{&id, &h}, func() error {
		if h < first {
			first, series = h, series[:0]
		}
		if h == first {
			series = append(series, id)
		}
		return nil
	})
	return first, series, err
}

func (k *packer) ensureMonth(ctx context.Context, hour int64) error {
	name, _, _ := monthOf(hour)
	if k.months[name] {
		return nil
	}
	err := k.step(ctx, func(tx pgx.Tx) error { return ensureMonth(ctx, tx, hour) })
	k.months[name] = err == nil
	return err
}
