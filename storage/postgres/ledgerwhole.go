package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/slowburn-slo/slowburn/slo"
)

// readWhole reads the series that are wanted whole, one after the other. A
// series of 90 days has 130 000 minutes, 5 MB while it is read.
func (l *ledgerReader) readWhole(ctx context.Context, a ages) error {
	for id, hash := range l.hashes {
		if !l.whole[hash] {
			continue
		}
		if err := l.readOneWhole(ctx, id, hash, a); err != nil {
			return err
		}
	}
	return nil
}

// readOneWhole visits a series by minute, the newest hours by slice, in order:
// what is packed, what is not, and the parts of all shards together.
func (l *ledgerReader) readOneWhole(ctx context.Context, id int32, hash slo.SeriesID, a ages) error {
	var all []slo.Delta
	add := func(slice slo.Slice, c slo.Counts) {
		if slice < a.bySlice {
			slice -= slice % byMinute.step()
		}
		if n := len(all); n > 0 && all[n-1].Slice == slice {
			all[n-1].Counts = all[n-1].Counts.Plus(c)
			return
		}
		all = append(all, slo.Delta{Series: hash, Slice: slice, Counts: c})
	}
	rows, err := l.tx.Query(ctx, `SELECT `+packedColumns+` FROM hours WHERE series = $1 AND hour >= $2 ORDER BY hour`, id, hourOfSlice(a.from))
	if err != nil {
		return err
	}
	var h packedHour
	var cells []cellRow
	_, err = pgx.ForEachRow(rows, h.fields(), func() (err error) {
		if cells, err = h.cells(cells[:0]); err != nil {
			return err
		}
		for _, c := range cells {
			add(c.slice, c.counts)
		}
		return nil
	})
	if err != nil {
		return err
	}
	rows, err = l.tx.Query(ctx, `SELECT slice, good, bad, unknown FROM buckets WHERE series = $1 AND slice >= $2 ORDER BY slice`, id, a.from)
	if err != nil {
		return err
	}
	var slice slo.Slice
	var c slo.Counts
	_, err = pgx.ForEachRow(rows, []any{&slice, &c.Good, &c.Bad, &c.Unknown}, func() error {
		add(slice, c)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(x, y slo.Delta) int { return cmp.Compare(x.Slice, y.Slice) })
	for i := 0; i < len(all); {
		d := all[i]
		for i++; i < len(all) && all[i].Slice == d.Slice; i++ {
			d.Counts = d.Counts.Plus(all[i].Counts)
		}
		if d.Counts != (slo.Counts{}) {
			l.visit(d)
		}
	}
	return nil
}
