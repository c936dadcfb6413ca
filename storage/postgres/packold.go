package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// coarsenHours is how many hours one transaction packs to minutes.
const coarsenHours = 500

// coarsen packs hours to minutes whose slices nobody needs any more.
func (k *packer) coarsen(ctx context.Context) error {
	for {
		var n int
		err := k.step(ctx, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `SELECT `+packedColumns+` FROM hours WHERE grid = $1 AND hour < $2 ORDER BY hour LIMIT $3`,
				bySlice, hourOf(k.Minutes), coarsenHours)
			if err != nil {
				return err
			}
			var hours []packedHour
			var h packedHour
			_, err = pgx.ForEachRow(rows, h.fields(), func() error {
				cells, err := h.cells(nil)
				if err != nil {
					return err
				}
				minutes := h
				minutes.grid = byMinute
				minutes.pack(cells)
				hours = append(hours, minutes)
				return nil
			})
			if n = len(hours); err != nil || n == 0 {
				return err
			}
			return storeHours(ctx, tx, hours)
		})
		if err != nil {
			return fmt.Errorf("pack to minutes: %w", err)
		}
		k.done.Coarsened += int64(n)
		if n < coarsenHours {
			return nil
		}
		if err := k.rest(ctx); err != nil {
			return err
		}
	}
}

// dropDay drops the partition of a day of buckets that is done with. That it
// holds no row is not enough: a reader may look at a moment when it did. Once
// vacuum has left it without a page, nobody can.
func (k *packer) dropDay(ctx context.Context, day int64) error {
	if (day+1)*24 > min(k.closed(), hourOf(k.Days)) {
		return nil
	}
	name := partitionName(day)
	var rows bool
	err := k.store.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+name+`)`).Scan(&rows)
	if err != nil || rows {
		return k.unlessGone(err)
	}
	if err := k.vacuum(ctx, name); err != nil {
		return k.unlessGone(err)
	}
	dropped := false
	err = k.step(ctx, func(tx pgx.Tx) error {
		if err := lockBriefly(ctx, tx, "buckets"); err != nil {
			return err
		}
		var pages int64
		if err := tx.QueryRow(ctx, `SELECT pg_relation_size(to_regclass($1))`, name).Scan(&pages); err != nil || pages > 0 {
			return err
		}
		dropped = true
		_, err := tx.Exec(ctx, `DROP TABLE `+name)
		return err
	})
	if err != nil || !dropped {
		return k.unlessGone(err)
	}
	k.store.mu.Lock()
	delete(k.store.days, day)
	k.store.mu.Unlock()
	k.done.Dropped = append(k.done.Dropped, name)
	return nil
}

// vacuum frees the pages of a partition. It takes its time, and lets others work.
func (k *packer) vacuum(ctx context.Context, name string) error {
	conn, err := k.store.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for _, statement := range []string{
		`SET statement_timeout = '10min'`, `SET vacuum_cost_delay = '1ms'`, `VACUUM ` + name,
		`RESET statement_timeout`, `RESET vacuum_cost_delay`,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			_ = conn.Conn().Close(context.WithoutCancel(ctx)) // It is not as others expect it.
			return err
		}
	}
	return nil
}

// dropMonths deletes the months of hours that no window reaches any more. A
// clock that runs years ahead must not empty the ledger: what is counted shows
// which year it is.
func (k *packer) dropMonths(ctx context.Context) error {
	names, err := partitions(ctx, k.store.pool, "hours")
	if err != nil || len(names) == 0 {
		return err
	}
	newest, err := time.Parse(monthLayout, names[len(names)-1])
	if err != nil {
		return fmt.Errorf("partition %s of packed hours is not named by its month: %w", names[len(names)-1], err)
	}
	oldest := k.Oldest
	if counted := newest.AddDate(0, 1, 0).Add(k.Oldest.Sub(k.Closed)); counted.Before(oldest) {
		oldest = counted
	}
	first, _, _ := monthOf(hourOf(oldest))
	for _, name := range names {
		if name >= first {
			return nil
		}
		err := k.step(ctx, func(tx pgx.Tx) error {
			if err := lockBriefly(ctx, tx, "hours"); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `DROP TABLE IF EXISTS `+name)
			return err
		})
		if err != nil {
			return k.unlessGone(err)
		}
		k.done.Dropped = append(k.done.Dropped, name)
	}
	return nil
}

// lockBriefly keeps everybody from a table and its partitions, or fails:
// whoever waits for readers makes the ledger wait behind it.
func lockBriefly(ctx context.Context, tx pgx.Tx, table string) error {
	if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '100ms'`); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `LOCK TABLE ONLY `+table+` IN ACCESS EXCLUSIVE MODE`)
	return err
}

const (
	lockNotAvailable = "55P03"
	undefinedTable   = "42P01"
)

// unlessGone is nil if a partition is read just now, or is dropped already: the
// next pass tries again.
func (k *packer) unlessGone(err error) error {
	if fault, ok := errors.AsType[*pgconn.PgError](err); ok && (fault.Code == lockNotAvailable || fault.Code == undefinedTable) {
		return nil
	}
	return err
}
