package postgres

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// cellRow is a bucket of one series and shard as the tables hold it. Of an
// hour that is packed to minutes, slice is the first of the minute.
type cellRow struct {
	slice  slo.Slice
	counts slo.Counts
	slo.Corrections
	// revisedNS and revisedSequence are those of the newest revision, 0 without.
	revisions, revisedNS, revisedSequence int64
}

// plus adds what another row says of the same time.
func (r cellRow) plus(o cellRow) cellRow {
	r.counts, r.Corrections = r.counts.Plus(o.counts), r.Plus(o.Corrections)
	r.revisions += o.revisions
	r.revisedNS, r.revisedSequence = max(r.revisedNS, o.revisedNS), max(r.revisedSequence, o.revisedSequence)
	return r
}

// bucket is the row for readers.
func (r cellRow) bucket(grid grid) slo.Bucket {
	b := slo.Bucket{
		Slice: r.slice, Minute: grid == byMinute, Counts: r.counts, Corrections: r.Corrections, Revisions: r.revisions,
	}
	if r.revisedNS != 0 {
		b.RevisedAt = instant(&r.revisedNS)
	}
	return b
}

// grid is the length of the cells of a packed hour in seconds.
type grid int16

const (
	bySlice  grid = grid(slo.SliceLength / time.Second)
	byMinute grid = 60
)

// step is the distance of two cells.
func (g grid) step() slo.Slice { return slo.Slice(g) / slo.Slice(bySlice) }

// packedHour is a row of the table hours.
type packedHour struct {
	series, shard int32
	hour          int64
	grid          grid
	sum           slo.Counts
	data          []byte
}

// packedColumns are the columns of a packedHour, in the order of fields.
const packedColumns = `series, shard, hour, grid, good, bad, unknown, data`

func (h *packedHour) fields() []any {
	return []any{&h.series, &h.shard, &h.hour, &h.grid, &h.sum.Good, &h.sum.Bad, &h.sum.Unknown, &h.data}
}

func (h *packedHour) first() slo.Slice { return slo.Slice(h.hour * slicesPerHour) }

// pack makes the row of cells, which it sorts. Cells of one slice, or minute,
// are added up.
func (h *packedHour) pack(cells []cellRow) {
	for i := range cells {
		cells[i].slice -= (cells[i].slice - h.first()) % h.grid.step()
	}
	cells = joinCells(cells)
	h.sum = slo.Counts{}
	for _, c := range cells {
		h.sum = h.sum.Plus(c.counts)
	}
	h.data = encodeHour(h.first(), h.grid.step(), cells)
}

// cells appends the cells of the hour to a list. That they make up the sums of
// the row is checked, since nobody would notice otherwise.
func (h *packedHour) cells(into []cellRow) ([]cellRow, error) {
	n := len(into)
	into, err := decodeHour(h.first(), h.grid.step(), h.data, into)
	if err != nil {
		return into[:n], fmt.Errorf("read hour %d of series %d as it was packed: %w", h.hour, h.series, err)
	}
	var sum slo.Counts
	for i := range into[n:] {
		sum = sum.Plus(into[n+i].counts)
	}
	if sum != h.sum {
		return into[:n], fmt.Errorf("hour %d of series %d is damaged: its cells count %+v, its sums say %+v", h.hour, h.series, sum, h.sum)
	}
	return into, nil
}

// joinCells sorts cells and adds up those of one slice, in place.
func joinCells(cells []cellRow) []cellRow {
	slices.SortStableFunc(cells, func(a, b cellRow) int { return cmp.Compare(a.slice, b.slice) })
	joined := cells[:0]
	for _, c := range cells {
		if n := len(joined); n > 0 && joined[n-1].slice == c.slice {
			joined[n-1] = joined[n-1].plus(c)
			continue
		}
		joined = append(joined, c)
	}
	return joined
}
