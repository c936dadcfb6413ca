package dedup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/slowburn-slo/slowburn/slo"
)

// A run file, little-endian:
//
//	data pages      127 entries of 32 bytes in order of identity | count u32 |
//	                number of the page u32 | zeros | CRC32C u32
//	verdict pages   repeats in order of record and place, as varints |
//	                count u32 | bytes u32 | CRC32C u32
//	filter          blocks of 64 bytes
//	index           u64 a page: the leading 8 bytes of the first identity of a
//	                data page, the first record of a verdict page
//	footer          128 bytes, see footer
//
// Pages have 4096 bytes. A page stands for itself, so that verdict pages of
// merged runs are copied as they are.
const (
	pageBytes    = 4096
	entryBytes   = 32
	pageEntries  = 127
	footerBytes  = 128
	magic        = "SBDEDUP1"
	verdictBytes = pageBytes - 12 // of a page, for verdicts
	flagHusk     = 1
)

// ErrDamaged says that a run does not hold what was written to it. Rewind heals it.
var ErrDamaged = errors.New("stored sightings are damaged")

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func seal(page []byte) {
	binary.LittleEndian.PutUint32(page[pageBytes-4:], checksum(page[:pageBytes-4]))
}

func sealed(page []byte) bool {
	return binary.LittleEndian.Uint32(page[pageBytes-4:]) == checksum(page[:pageBytes-4])
}

func putEntry(b []byte, e entry) {
	_ = b[entryBytes-1]
	binary.LittleEndian.PutUint64(b, e.hi)
	binary.LittleEndian.PutUint64(b[8:], e.lo)
	binary.LittleEndian.PutUint64(b[16:], e.content)
	binary.LittleEndian.PutUint64(b[24:], uint64(e.arrival))
}

func getEntry(page []byte, i int) entry {
	b := page[i*entryBytes:][:entryBytes]
	return entry{
		hi: binary.LittleEndian.Uint64(b), lo: binary.LittleEndian.Uint64(b[8:]),
		content: binary.LittleEndian.Uint64(b[16:]), arrival: int64(binary.LittleEndian.Uint64(b[24:])),
	}
}

// pageCount verifies a data page and says how many entries it has.
func pageCount(page []byte, number int) (int, bool) {
	n := binary.LittleEndian.Uint32(page[pageBytes-32:])
	ok := sealed(page) && n <= pageEntries && binary.LittleEndian.Uint32(page[pageBytes-28:]) == uint32(number)
	return int(n), ok
}

// verdict is a RepeatedItem in 16 bytes.
type verdict struct {
	offset   slo.Offset
	place    uint32
	conflict bool
}

func (v verdict) item() slo.RepeatedItem {
	item := slo.RepeatedItem{Offset: v.offset, Place: int(v.place), Verdict: slo.Repeat}
	if v.conflict {
		item.Verdict = slo.Conflict
	}
	return item
}

// appendVerdict writes a verdict after the one before it on its page.
func appendVerdict(b []byte, before, v verdict) []byte {
	place := v.place
	if v.offset == before.offset {
		place -= before.place
	}
	word := uint64(place) << 1
	if v.conflict {
		word |= 1
	}
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(v.offset-before.offset)), word)
}

// verdictsOf verifies and reads a verdict page.
func verdictsOf(page []byte) ([]verdict, bool) {
	if !sealed(page) {
		return nil, false
	}
	n := binary.LittleEndian.Uint32(page[verdictBytes:])
	b := page[:min(binary.LittleEndian.Uint32(page[verdictBytes+4:]), verdictBytes)]
	found := make([]verdict, 0, min(n, pageBytes))
	var before verdict
	for range n {
		step, a := binary.Uvarint(b)
		if a <= 0 {
			return nil, false
		}
		word, c := binary.Uvarint(b[a:])
		if c <= 0 {
			return nil, false
		}
		b = b[a+c:]
		v := verdict{offset: before.offset + slo.Offset(step), place: uint32(word >> 1), conflict: word&1 != 0}
		if step == 0 {
			v.place += before.place
		}
		found, before = append(found, v), v
	}
	return found, true
}

// footer says what a run holds.
type footer struct {
	// husk: its sightings are beyond the horizon and gone, the verdicts are left.
	husk bool
	// after, through: it covers the records after the one up to the other.
	after, through slo.Offset
	// born is the record after which the store that wrote it began to sight.
	born slo.Offset
	// knowledge at the end of the run.
	knowledge
	// oldest and newest are arrivals of its records, horizon is that of its verdicts.
	oldest, newest, horizon int64
	items, verdicts         uint64
	dataPages, verdictPages uint32
	filterBlocks            uint32
	filterSum, indexSum     uint32
}

func (f *footer) encode() []byte {
	b := make([]byte, 0, footerBytes)
	b = append(b, magic...)
	flags := uint64(0)
	if f.husk {
		flags = flagHusk
	}
	for _, v := range []uint64{
		flags, uint64(f.after), uint64(f.through), uint64(f.born), uint64(f.known), uint64(f.since),
		uint64(f.oldest), uint64(f.newest), uint64(f.horizon), f.items, f.verdicts,
	} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	for _, v := range []uint32{f.dataPages, f.verdictPages, f.filterBlocks, f.filterSum, f.indexSum, 0, 0} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

func decodeFooter(b []byte) (footer, error) {
	if len(b) != footerBytes || string(b[:8]) != magic || binary.LittleEndian.Uint32(b[footerBytes-4:]) != checksum(b[:footerBytes-4]) {
		return footer{}, fmt.Errorf("%w: the footer is not that of a run", ErrDamaged)
	}
	long := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8+8*i:]) }
	short := func(i int) uint32 { return binary.LittleEndian.Uint32(b[96+4*i:]) }
	return footer{
		husk: long(0)&flagHusk != 0, after: slo.Offset(long(1)), through: slo.Offset(long(2)), born: slo.Offset(long(3)),
		knowledge: knowledge{known: slo.Offset(long(4)), since: int64(long(5))},
		oldest:    int64(long(6)), newest: int64(long(7)), horizon: int64(long(8)), items: long(9), verdicts: long(10),
		dataPages: short(0), verdictPages: short(1), filterBlocks: short(2), filterSum: short(3), indexSum: short(4),
	}, nil
}

func (f *footer) filterAt() int64 { return int64(f.dataPages+f.verdictPages) * pageBytes }

func (f *footer) indexAt() int64 { return f.filterAt() + int64(f.filterBlocks)*blockBytes }

func (f *footer) footerAt() int64 { return f.indexAt() + int64(f.dataPages+f.verdictPages)*8 }

func (f *footer) bytes() int64 { return f.footerAt() + footerBytes }
