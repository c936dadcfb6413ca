package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/slowburn-slo/slowburn/slo"
)

// The form of a packed hour, version 1:
//
//	version   1 byte
//	form      1 byte: 0 if the cells are told by bits, 1 if by runs
//	cells     a bit each, the lowest first; or the lengths of runs, those of
//	          absent cells and of present ones by turns, until the hour is full
//	columns   1 byte: a bit for each column that is not all zero
//	values    of these columns, of all present cells; of the last two, of
//	          cells with revisions
//
// A value is the zigzag of itself, or of what it adds to the one before it in
// columns that say so. A run of zeros is a zero and its length less one. All
// numbers are varints. 360 cells of about a hundred good events and now and
// then a bad one take about 600 bytes.
const (
	hourVersion = 1
	cellsByBits = 0
	cellsByRuns = 1
)

var errShort = errors.New("it ends too early")

// hourColumn is one column of a packed hour.
type hourColumn struct {
	value func(*cellRow) *int64
	// added: a value is told by what it adds to the one before.
	added bool
	// revised: only cells with revisions have it.
	revised bool
}

// hourColumns are the columns in their order. The order, and what is said of
// each, is part of the version.
func hourColumns() [9]hourColumn {
	return [9]hourColumn{
		{value: func(c *cellRow) *int64 { return &c.counts.Good }, added: true},
		{value: func(c *cellRow) *int64 { return &c.counts.Bad }},
		{value: func(c *cellRow) *int64 { return &c.counts.Unknown }},
		{value: func(c *cellRow) *int64 { return &c.Late }},
		{value: func(c *cellRow) *int64 { return &c.Repeats }},
		{value: func(c *cellRow) *int64 { return &c.Conflicts }},
		{value: func(c *cellRow) *int64 { return &c.revisions }},
		{value: func(c *cellRow) *int64 { return &c.revisedNS }, added: true, revised: true},
		{value: func(c *cellRow) *int64 { return &c.revisedSequence }, added: true, revised: true},
	}
}

// plainColumns are those that have a bit of their own; the others go with the
// last of them, the revisions.
const plainColumns = 7

func (c hourColumn) has(mask byte, i int) bool {
	return mask>>min(i, plainColumns-1)&1 == 1
}

// encodeHour writes cells, which are in order and each on the grid.
func encodeHour(first, step slo.Slice, cells []cellRow) []byte {
	data := appendCells([]byte{hourVersion}, first, step, cells)
	columns := hourColumns()
	var mask byte
	for i, column := range columns[:plainColumns] {
		for k := range cells {
			if *column.value(&cells[k]) != 0 {
				mask |= 1 << i
				break
			}
		}
	}
	data = append(data, mask)
	for i, column := range columns {
		if column.has(mask, i) {
			data = column.append(data, cells)
		}
	}
	return data
}

// appendCells tells which cells there are, in the shorter of both forms.
func appendCells(data []byte, first, step slo.Slice, cells []cellRow) []byte {
	n := int(slo.Slice(slicesPerHour) / step)
	bits := make([]byte, 1+(n+7)/8)
	runs := []byte{cellsByRuns}
	at := 0
	for i := 0; i < len(cells); {
		begin := int((cells[i].slice - first) / step)
		end := begin
		for ; i < len(cells) && int((cells[i].slice-first)/step) == end; i++ {
			bits[1+end/8] |= 1 << (end % 8)
			end++
		}
		runs = binary.AppendUvarint(binary.AppendUvarint(runs, uint64(begin-at)), uint64(end-begin))
		at = end
	}
	if at < n {
		runs = binary.AppendUvarint(runs, uint64(n-at))
	}
	if len(runs) <= len(bits) {
		return append(data, runs...)
	}
	return append(data, bits...)
}

func (c hourColumn) append(data []byte, cells []cellRow) []byte {
	var before int64
	zeros := 0
	flush := func() {
		if zeros > 0 {
			data = binary.AppendUvarint(append(data, 0), uint64(zeros-1))
		}
		zeros = 0
	}
	for i := range cells {
		if c.revised && cells[i].revisions == 0 {
			continue
		}
		v := *c.value(&cells[i])
		if c.added {
			v, before = v-before, v
		}
		if v == 0 {
			zeros++
			continue
		}
		flush()
		data = binary.AppendUvarint(data, zigzag(v))
	}
	flush()
	return data
}

// zigzag is a number without a sign: 0, -1, 1, -2 are 0, 1, 2, 3.
func zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// decodeHour appends the cells of a packed hour to a list. Whatever the data,
// it appends at most an hour of them.
func decodeHour(first, step slo.Slice, data []byte, into []cellRow) ([]cellRow, error) {
	if len(data) < 2 {
		return into, errShort
	}
	if data[0] != hourVersion {
		return into, fmt.Errorf("its form has version %d, this program knows %d", data[0], hourVersion)
	}
	r := hourReader{data: data[1:]}
	n := len(into)
	into = r.cells(first, step, into)
	mask := r.byte()
	for i, column := range hourColumns() {
		if r.err == nil && column.has(mask, i) {
			r.column(column, into[n:])
		}
	}
	switch {
	case r.err != nil:
		return into, r.err
	case mask>>plainColumns != 0:
		return into, fmt.Errorf("it has columns %#x, which nobody knows", mask)
	case len(r.data) > 0:
		return into, fmt.Errorf("%d bytes are left over", len(r.data))
	}
	return into, nil
}

// hourReader reads a packed hour up to its first fault.
type hourReader struct {
	data []byte
	err  error
}

func (r *hourReader) byte() byte {
	if len(r.data) == 0 {
		r.fail(errShort)
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *hourReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *hourReader) uvarint() uint64 {
	if len(r.data) > 0 && r.data[0] < 0x80 { // Most are.
		b := r.data[0]
		r.data = r.data[1:]
		return uint64(b)
	}
	u, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail(errShort)
		r.data = nil
		return 0
	}
	r.data = r.data[n:]
	return u
}

// cells reads which cells there are.
func (r *hourReader) cells(first, step slo.Slice, into []cellRow) []cellRow {
	n := int(slo.Slice(slicesPerHour) / step)
	add := func(i int) { into = append(into, cellRow{slice: first + slo.Slice(i)*step}) }
	switch form := r.byte(); {
	case r.err != nil:
	case form == cellsByBits && len(r.data) >= (n+7)/8:
		for i := range n {
			if r.data[i/8]>>(i%8)&1 == 1 {
				add(i)
			}
		}
		r.data = r.data[(n+7)/8:]
	case form == cellsByRuns:
		present := false
		for at := 0; at < n && r.err == nil; present = !present {
			run := r.uvarint()
			if run > uint64(n-at) || run == 0 && at > 0 {
				r.fail(fmt.Errorf("a run of %d cells at cell %d of %d cannot be", run, at, n))
				break
			}
			for range run {
				if present {
					add(at)
				}
				at++
			}
		}
	default:
		r.fail(fmt.Errorf("its cells have form %d and %d bytes, which cannot be", form, len(r.data)))
	}
	return into
}

func (r *hourReader) column(c hourColumn, cells []cellRow) {
	var before int64
	zeros := uint64(0)
	for i := range cells {
		if c.revised && cells[i].revisions == 0 {
			continue
		}
		v := int64(0)
		switch {
		case zeros > 0:
			zeros--
		default:
			v = unzigzag(r.uvarint())
			if v == 0 {
				zeros = r.uvarint()
			}
		}
		if r.err != nil {
			return
		}
		if c.added {
			before += v
			v = before
		}
		*c.value(&cells[i]) = v
	}
	if zeros > 0 {
		r.fail(fmt.Errorf("%d zeros are left over", zeros))
	}
}
