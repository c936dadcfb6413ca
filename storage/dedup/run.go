package dedup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// run is a file of sightings and verdicts of a range of records, and what of it
// is kept in memory. It never changes.
type run struct {
	footer
	path   string
	file   disk.File
	filter filter
	index  []uint64 // of data pages, then of verdict pages
	// Guarded by the store: who else reads it, and that it is to be closed after them.
	readers int
	dropped bool
}

// openRun reads all but the pages. Of the filter it takes what fits into so many bytes: all or nothing.
func openRun(fs disk.FS, dir string, e disk.Entry, filterBytes int64) (*run, error) {
	path := filepath.Join(dir, e.Name)
	f, err := fs.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open run of sightings: %w", err)
	}
	r := &run{path: path, file: f}
	if err := r.load(e, filterBytes); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return r, nil
}

func (r *run) load(e disk.Entry, filterBytes int64) error {
	if e.Size < footerBytes {
		return fmt.Errorf("%w: the file has only %d bytes", ErrDamaged, e.Size)
	}
	b := make([]byte, footerBytes)
	if err := r.read(b, e.Size-footerBytes); err != nil {
		return err
	}
	var err error
	if r.footer, err = decodeFooter(b); err != nil {
		return err
	}
	after, through, ok := parseRunName(e.Name)
	if !ok || after != r.after || through != r.through || r.bytes() != e.Size {
		return fmt.Errorf("%w: name, size and footer do not belong together", ErrDamaged)
	}
	if size := int64(r.filterBlocks) * blockBytes; size <= filterBytes {
		words, sum, err := r.words(r.filterAt(), int(r.filterBlocks)*blockWords)
		if err != nil {
			return err
		}
		if sum != r.filterSum {
			return fmt.Errorf("%w: the checksum of the filter is wrong", ErrDamaged)
		}
		r.filter = words
	}
	words, sum, err := r.words(r.indexAt(), int(r.dataPages+r.verdictPages))
	if err != nil {
		return err
	}
	if sum != r.indexSum {
		return fmt.Errorf("%w: the checksum of the index is wrong", ErrDamaged)
	}
	r.index = words
	return nil
}

func (r *run) words(at int64, n int) ([]uint64, uint32, error) {
	words := spacious[uint64](int64(n))[:0]
	b := make([]byte, min(bufferBytes, 8*n))
	sum := uint32(0)
	for len(words) < n {
		b = b[:min(len(b), 8*(n-len(words)))]
		if err := r.read(b, at+int64(8*len(words))); err != nil {
			return nil, 0, err
		}
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), b)
		for i := 0; i < len(b); i += 8 {
			words = append(words, binary.LittleEndian.Uint64(b[i:]))
		}
	}
	return words, sum, nil
}

// read fills b. What cannot be read is treated as what was read wrong: sighting
// the journal again is always right.
func (r *run) read(b []byte, at int64) error {
	if n, err := r.file.ReadAt(b, at); n < len(b) {
		return fmt.Errorf("%w: %d bytes at %d cannot be read: %w", ErrDamaged, len(b), at, err)
	}
	return nil
}

// weight is what a run costs to be written again.
func (r *run) weight() int { return int(r.items + r.verdicts) }

// find looks an identity up; buffer is a page.
func (r *run) find(hi, lo uint64, buffer []byte) (entry, bool, error) {
	firsts := r.index[:r.dataPages]
	for p := lastNotAfter(firsts, hi); p >= 0; p-- {
		n, err := r.dataPage(p, buffer)
		if err != nil {
			return entry{}, false, err
		}
		if e, ok := findOnPage(buffer, n, hi, lo); ok {
			return e, true, nil
		}
		if firsts[p] < hi {
			break // The page before ends below it.
		}
	}
	return entry{}, false, nil
}

// lastNotAfter returns the last place whose number is at most another, or -1.
func lastNotAfter(numbers []uint64, most uint64) int {
	low, high := 0, len(numbers)
	for low < high {
		middle := int(uint(low+high) / 2)
		if numbers[middle] <= most {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low - 1
}

func (r *run) dataPage(p int, buffer []byte) (int, error) {
	if err := r.read(buffer, int64(p)*pageBytes); err != nil {
		return 0, err
	}
	n, ok := pageCount(buffer, p)
	if !ok {
		return 0, r.damage(p)
	}
	return n, nil
}

func (r *run) damage(p int) error {
	return fmt.Errorf("%w: page %d of %s has a wrong checksum", ErrDamaged, p, r.path)
}

func findOnPage(b []byte, n int, hi, lo uint64) (entry, bool) {
	low, high := 0, n
	for low < high {
		middle := int(uint(low+high) / 2)
		e := b[middle*entryBytes:]
		h, l := binary.LittleEndian.Uint64(e), binary.LittleEndian.Uint64(e[8:])
		switch {
		case h == hi && l == lo:
			return getEntry(b, middle), true
		case h < hi || (h == hi && l < lo):
			low = middle + 1
		default:
			high = middle
		}
	}
	return entry{}, false
}

// repeats appends the verdicts of the records after one up to another.
func (r *run) repeats(found []slo.RepeatedItem, after, through slo.Offset) ([]slo.RepeatedItem, error) {
	firsts := r.index[r.dataPages:]
	buffer := make([]byte, pageBytes)
	// The last page that begins no later than after may go on behind it.
	for p := max(0, lastNotAfter(firsts, uint64(after))); p < len(firsts) && firsts[p] <= uint64(through); p++ {
		if err := r.read(buffer, int64(int(r.dataPages)+p)*pageBytes); err != nil {
			return nil, err
		}
		verdicts, ok := verdictsOf(buffer)
		if !ok {
			return nil, r.damage(int(r.dataPages) + p)
		}
		for _, v := range verdicts {
			if v.offset > after && v.offset <= through {
				found = append(found, v.item())
			}
		}
	}
	return found, nil
}
