package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// The ages from which buckets are read by minute and by hour: the longest
	// windows that need the finer grid (slo.History), and an hour for the one
	// that such a window begins in.
	minuteAge = 7 * time.Hour
	hourAge   = 73 * time.Hour

	slicesPerMinute = int64(time.Minute / slo.SliceLength)
	slicesPerHour   = int64(time.Hour / slo.SliceLength)
)

// ages are the slices from which on the ledger is read, by the minute, and by
// the slice. The first two begin an hour.
type ages struct{ from, byMinute, bySlice slo.Slice }

// readBuckets reads what is packed, which most often is the older, and then
// the rest.
func (l *ledgerReader) readBuckets(ctx context.Context, since time.Time) error {
	now := l.coverage.Until
	if now.IsZero() {
		now = time.Now() // Nothing was ever measured; then nothing is fine either.
	}
	a := ages{
		from:     max(0, slo.SliceOf(since.Truncate(time.Hour))),
		byMinute: max(0, slo.SliceOf(now.Add(-hourAge).Truncate(time.Hour))),
		bySlice:  max(0, slo.SliceOf(now.Add(-minuteAge).Truncate(time.Hour))),
	}
	if err := l.readPackedSums(ctx, a); err != nil {
		return err
	}
	if err := l.readPackedCells(ctx, a); err != nil {
		return err
	}
	if err := l.readLoose(ctx, a); err != nil {
		return err
	}
	return l.readWhole(ctx, a)
}

// readPackedSums reads the hours of which the sums are enough.
func (l *ledgerReader) readPackedSums(ctx context.Context, a ages) error {
	rows, err := l.tx.Query(ctx, `SELECT series, hour, good, bad, unknown FROM hours
		WHERE hour >= $1 AND hour < $2 AND NOT hour = ANY ($3)`, hourOfSlice(a.from), hourOfSlice(a.byMinute), l.detail)
	if err != nil {
		return err
	}
	var id int32
	var hour int64
	var d slo.Delta
	_, err = pgx.ForEachRow(rows, []any{&id, &hour, &d.Counts.Good, &d.Counts.Bad, &d.Counts.Unknown}, func() error {
		d.Slice = slo.Slice(hour * slicesPerHour)
		l.tell(id, d)
		return nil
	})
	return err
}

// readPackedCells reads the others, cell by cell.
func (l *ledgerReader) readPackedCells(ctx context.Context, a ages) error {
	rows, err := l.tx.Query(ctx, `SELECT `+packedColumns+` FROM hours
		WHERE hour >= $1 AND (hour >= $2 OR hour = ANY ($3))`, hourOfSlice(a.from), hourOfSlice(a.byMinute), l.detail)
	if err != nil {
		return err
	}
	var h packedHour
	var cells []cellRow
	_, err = pgx.ForEachRow(rows, h.fields(), func() (err error) {
		if cells, err = h.cells(cells[:0]); err != nil {
			return err
		}
		step := slo.Slice(1)
		if h.first() < a.bySlice {
			step = byMinute.step()
		}
		var d slo.Delta
		for _, c := range cells {
			if slice := c.slice - c.slice%step; slice != d.Slice {
				l.tell(h.series, d)
				d = slo.Delta{Slice: slice}
			}
			d.Counts = d.Counts.Plus(c.counts)
		}
		l.tell(h.series, d)
		return nil
	})
	return err
}

// readLoose reads the buckets that are not packed, one day after the other, so
// that neither side ever holds more than a day.
func (l *ledgerReader) readLoose(ctx context.Context, a ages) error {
	days, err := daysOfBuckets(ctx, l.tx)
	if err != nil {
		return err
	}
	for _, day := range days {
		begin, end := max(a.from, slo.Slice(day*slicesPerDay)), slo.Slice((day+1)*slicesPerDay)
		if begin >= end {
			continue
		}
		if err := l.readLooseGroups(ctx, begin, min(end, max(begin, a.bySlice)), a); err != nil {
			return err
		}
		if err := l.readLooseSlices(ctx, max(begin, a.bySlice), end); err != nil {
			return err
		}
	}
	return nil
}

// readLooseGroups reads what is summed to minutes or hours.
func (l *ledgerReader) readLooseGroups(ctx context.Context, from, to slo.Slice, a ages) error {
	if from >= to {
		return nil
	}
	rows, err := l.tx.Query(ctx, `SELECT series, first, sum(good)::bigint, sum(bad)::bigint, sum(unknown)::bigint
		FROM (SELECT series, good, bad, unknown, slice - slice % CASE
				WHEN slice < $3 AND NOT slice / $4 = ANY ($6) THEN $4 ELSE $5 END::bigint AS first
			FROM buckets WHERE slice >= $1 AND slice < $2) AS grouped
		GROUP BY series, first`, from, to, int64(a.byMinute), slicesPerHour, slicesPerMinute, l.detail)
	return l.tellRows(rows, err)
}

// readLooseSlices reads what is not summed.
func (l *ledgerReader) readLooseSlices(ctx context.Context, from, to slo.Slice) error {
	if from >= to {
		return nil
	}
	rows, err := l.tx.Query(ctx, `SELECT series, slice, good, bad, unknown FROM buckets WHERE slice >= $1 AND slice < $2`, from, to)
	return l.tellRows(rows, err)
}

func (l *ledgerReader) tellRows(rows pgx.Rows, err error) error {
	if err != nil {
		return err
	}
	var id int32
	var d slo.Delta
	_, err = pgx.ForEachRow(rows, []any{&id, &d.Slice, &d.Counts.Good, &d.Counts.Bad, &d.Counts.Unknown}, func() error {
		l.tell(id, d)
		return nil
	})
	return err
}

// tell visits a group, unless it has nothing or corrections alone.
func (l *ledgerReader) tell(series int32, d slo.Delta) {
	if d.Series = l.hashes[series]; d.Counts != (slo.Counts{}) && !l.whole[d.Series] {
		l.visit(d)
	}
}
