package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/engine"
	"github.com/slowburn-slo/slowburn/storage/postgres"
)

const (
	rebuildDays = 30
	// What is older than fineHours has minutes alone; what is not older than
	// looseHours is not packed yet (see packAfter in cmd/slowburn).
	fineHours  = 50
	looseHours = 3
)

// benchRebuild fills the ledger with 30 days of 1,000 series that have events
// in every slice, and measures how long an engine takes to read it: packed up
// to now, and with the newest hours not packed.
func benchRebuild(ctx context.Context, _ options, out io.Writer) error {
	return withDatabase(ctx, func(server *postgres.Server, store *postgres.Store) error {
		conn, err := pgx.Connect(ctx, server.URL())
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		term, err := store.Lead(ctx)
		if err != nil {
			return err
		}
		f := filler{server: server, store: store, conn: conn, out: out, now: time.Now().UTC().Truncate(time.Hour)}
		f.template = f.now.Add(-(rebuildDays + 1) * 24 * time.Hour)
		if err := f.fill(ctx); err != nil {
			return err
		}
		if err := term.Close(); err != nil { // The engine leads.
			return err
		}
		if err := f.measure(ctx, "all_packed"); err != nil {
			return err
		}
		if err := f.loosen(ctx); err != nil {
			return err
		}
		return f.measure(ctx, fmt.Sprintf("newest_%dh_not_packed", looseHours))
	})
}

// filler fills a ledger: one hour through commits and packing, the others as
// copies of that.
type filler struct {
	server *postgres.Server
	store  *postgres.Store
	conn   *pgx.Conn
	out    io.Writer
	// now begins the hour that is not filled, template the one that is copied.
	now, template time.Time
	cursor        slo.Cursor
}

func (f *filler) fill(ctx context.Context) error {
	if err := f.commitTemplate(ctx); err != nil {
		return err
	}
	// The loose hour is kept to copy it later; partitions are made on the way.
	if err := f.exec(ctx, `CREATE TABLE template AS SELECT * FROM buckets WHERE slice < $1`, slo.SliceOf(f.template)+360); err != nil {
		return err
	}
	begin := time.Now()
	packed, err := f.store.Pack(ctx, postgres.Packing{Closed: f.now})
	if err != nil {
		return err
	}
	var bytes, minuteBytes, buckets int64
	const size = `SELECT sum(length(data)), count(*) * 360 FROM hours WHERE hour = $1`
	if err := f.conn.QueryRow(ctx, size, f.template.Unix()/3600).Scan(&bytes, &buckets); err != nil {
		return err
	}
	fmt.Fprintf(f.out, "pack buckets=%d buckets_per_second=%.0f bytes_a_bucket=%.2f (100 events a slice, one in a hundred bad)\n",
		packed.Buckets, float64(packed.Buckets)/time.Since(begin).Seconds(), float64(bytes)/float64(buckets))
	if err := f.copyHours(ctx, -fineHours, 0); err != nil {
		return err
	}
	if _, err := f.store.Pack(ctx, postgres.Packing{Closed: f.now, Minutes: f.template.Add(time.Hour)}); err != nil {
		return err
	}
	if err := f.conn.QueryRow(ctx, size, f.template.Unix()/3600).Scan(&minuteBytes, &buckets); err != nil {
		return err
	}
	if err := f.copyHours(ctx, -rebuildDays*24, -fineHours); err != nil {
		return err
	}
	if err := f.exec(ctx, `ANALYZE hours`); err != nil {
		return err
	}
	var total int64
	err = f.conn.QueryRow(ctx, `SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'hours'::regclass`).Scan(&total)
	fmt.Fprintf(f.out, "packed_size series=%d days=%d mb=%.0f bytes_a_minute=%.2f (indexes included; as buckets it would be %d rows of about 90 bytes)\n",
		rebuildObjectives, rebuildDays, float64(total)/1e6, float64(minuteBytes)/float64(buckets/6), rebuildObjectives*rebuildDays*8640)
	return err
}

// commitTemplate counts one hour of all series, and something on every day, so
// that there are partitions.
func (f *filler) commitTemplate(ctx context.Context) error {
	definitions, err := engineDefinitions(rebuildObjectives, rebuildWindow)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // It makes up traffic.
	first := slo.SliceOf(f.template)
	started := map[slo.SeriesID]time.Time{}
	for slice := first; slice < first+360; slice++ {
		var deltas []slo.Delta
		for _, d := range definitions {
			id := d.SLO.Indicator.Series().ID
			counts := slo.Counts{Good: int64(100 + 10*random.NormFloat64())}
			for range counts.Good {
				if random.IntN(100) == 0 {
					counts.Bad++
				}
			}
			if slice == first {
				started[id] = f.template
			}
			deltas = append(deltas, slo.Delta{Series: id, Slice: slice, Counts: counts})
		}
		if err := f.commit(ctx, slo.Commit{Deltas: deltas, Started: started}); err != nil {
			return err
		}
		clear(started)
	}
	id := definitions[0].SLO.Indicator.Series().ID
	var deltas []slo.Delta
	for at := f.template.Add(24 * time.Hour); !at.After(f.now.Add(time.Hour)); at = at.Add(6 * time.Hour) {
		deltas = append(deltas, slo.Delta{Series: id, Slice: slo.SliceOf(at), Counts: slo.Counts{Good: 1}})
	}
	return f.commit(ctx, slo.Commit{Deltas: deltas})
}

func (f *filler) commit(ctx context.Context, c slo.Commit) error {
	c.Shard, c.Sequence, c.From, c.To, c.MeasuredUntil = "bench", f.cursor.Sequence+1, f.cursor.Offset, f.cursor.Offset+1, f.now
	f.cursor.Sequence, f.cursor.Offset = c.Sequence, c.To
	return f.store.Commit(ctx, c)
}

// copyHours copies the template into the hours [from, to) after now.
func (f *filler) copyHours(ctx context.Context, from, to int) error {
	return f.exec(ctx, `INSERT INTO hours (series, shard, hour, grid, good, bad, unknown, data)
		SELECT series, shard, $1 + n, grid, good, bad, unknown, data FROM generate_series($2::bigint, $3::bigint - 1) AS n, hours WHERE hour = $4
		ON CONFLICT (series, hour, shard) DO UPDATE SET good = excluded.good, bad = excluded.bad, data = excluded.data, grid = excluded.grid`,
		f.now.Unix()/3600, from, to, f.template.Unix()/3600)
}

// loosen lets the newest hours be as if they were not packed yet.
func (f *filler) loosen(ctx context.Context) error {
	if err := f.exec(ctx, `DELETE FROM hours WHERE hour >= $1`, f.now.Unix()/3600-looseHours); err != nil {
		return err
	}
	for n := int64(1); n <= looseHours; n++ {
		err := f.exec(ctx, `INSERT INTO buckets SELECT series, shard, slice - $1 + $2, good, bad, unknown FROM template ORDER BY slice`,
			slo.SliceOf(f.template), int64(slo.SliceOf(f.now))-360*n)
		if err != nil {
			return err
		}
	}
	return f.exec(ctx, `ANALYZE buckets`)
}

func (f *filler) exec(ctx context.Context, statement string, args ...any) error {
	_, err := f.conn.Exec(ctx, statement, args...)
	return err
}

// measure starts an engine and waits until it has read the ledger.
func (f *filler) measure(ctx context.Context, what string) error {
	begin, used := time.Now(), selfCPU()
	database, err := treeCPU(f.server.PID())
	if err != nil {
		return err
	}
	definitions, err := engineDefinitions(rebuildObjectives, rebuildWindow)
	if err != nil {
		return err
	}
	return runEngine(ctx, f.store, f.store, definitions, func(ctx context.Context, e *engine.Engine) error {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for !e.Ready() {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-ticker.C:
			}
		}
		took := time.Since(begin)
		after, err := treeCPU(f.server.PID())
		if err != nil {
			return err
		}
		fmt.Fprintf(f.out, "rebuild objectives=%d days=%d seconds=%.1f engine_cpu_seconds=%.1f postgres_cpu_seconds=%.1f (%s, events in every slice)\n",
			rebuildObjectives, rebuildDays, took.Seconds(), (selfCPU() - used).Seconds(), (after - database).Seconds(), what)
		return nil
	})
}
