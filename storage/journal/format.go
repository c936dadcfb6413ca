package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/slowburn-slo/slowburn/slo"
)

// The format of a segment file, little endian throughout.
//
//	segment header  magic "SLOWBURN" | version u16 | zero u16 | salt u32 |
//	                first offset u64 | created i64 | first offset of the
//	                segment before u64 | bytes of the segment before u64 |
//	                CRC32C of all that u32
//	record header   CRC32C of the rest of this header, begun with the salt, u32 |
//	                CRC32C of the payload u32 | length u32 | uncompressed
//	                length u32 | offset u64 | arrival i64 | tenant u32 (0) |
//	                place in its group u32 | kind u8
//	record payload  length bytes, one S2 block; nothing for an empty payload
//
// Times are nanoseconds since 1970. Three things are there for the sake of
// recovery. The place (how many records of the same group commit come before
// this one) tells which records were synced together: see recovery. The salt
// is random for each file, so no payload can contain bytes that pass for a
// record of it, and no block left over from another file does. The header has
// a checksum of its own, so its length can be trusted when the payload cannot.
//
// Every version MUST keep the segment header, so that an older program can
// tell a newer file from a damaged one.
const (
	magic         = "SLOWBURN"
	formatVersion = 1

	segmentHeaderBytes = 52
	recordHeaderBytes  = 41

	// maxPayloadBytes bounds an uncompressed payload: a length above it is
	// damage, not a reason to allocate.
	maxPayloadBytes = 256 << 20

	segmentSuffix   = ".journal"
	temporarySuffix = ".journal.tmp"
)

// segmentHeader stands at the start of a segment.
type segmentHeader struct {
	salt  uint32
	first slo.Offset
	// created is the arrival time of the newest record before this segment.
	created int64
	// previous and previousBytes describe the segment before, zero for none.
	previous      slo.Offset
	previousBytes int64
}

func (h segmentHeader) encode() []byte {
	b := make([]byte, 0, segmentHeaderBytes)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint16(b, formatVersion)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint32(b, h.salt)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.first))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.created))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.previous))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.previousBytes))
	return binary.LittleEndian.AppendUint32(b, checksum(0, b))
}

// decodeSegmentHeader reads the header of the segment in path. It refuses a
// newer format by its version, and everything else that is not a header as
// ErrDamaged.
func decodeSegmentHeader(path string, b []byte) (segmentHeader, error) {
	if len(b) < segmentHeaderBytes {
		return segmentHeader{}, damaged(path, int64(len(b)), "the file ends within its header")
	}
	if string(b[:len(magic)]) != magic {
		return segmentHeader{}, damaged(path, 0, "this is not a journal segment")
	}
	if binary.LittleEndian.Uint32(b[48:]) != checksum(0, b[:48]) {
		return segmentHeader{}, damaged(path, 0, "the checksum of the file header is wrong")
	}
	if version := binary.LittleEndian.Uint16(b[8:]); version != formatVersion {
		return segmentHeader{}, fmt.Errorf("%s has journal format version %d, this slowburn knows version %d: start the slowburn that wrote it, or a newer one",
			path, version, formatVersion)
	}
	return segmentHeader{
		salt:          binary.LittleEndian.Uint32(b[12:]),
		first:         slo.Offset(binary.LittleEndian.Uint64(b[16:])),
		created:       int64(binary.LittleEndian.Uint64(b[24:])),
		previous:      slo.Offset(binary.LittleEndian.Uint64(b[32:])),
		previousBytes: int64(binary.LittleEndian.Uint64(b[40:])),
	}, nil
}

// recordHeader stands before each payload.
type recordHeader struct {
	payloadChecksum uint32
	// length is the number of stored bytes, size of those after decompression.
	length, size uint32
	offset       slo.Offset
	arrival      int64
	tenant       uint32
	// place counts the records of the same group that come before this one.
	place uint32
	kind  slo.RecordKind
}

// groupStart is the offset of the first record of the same group commit.
func (h recordHeader) groupStart() slo.Offset { return h.offset - slo.Offset(h.place) }

// put writes the header over the first recordHeaderBytes of b.
func (h recordHeader) put(salt uint32, b []byte) {
	binary.LittleEndian.PutUint32(b[4:], h.payloadChecksum)
	binary.LittleEndian.PutUint32(b[8:], h.length)
	binary.LittleEndian.PutUint32(b[12:], h.size)
	binary.LittleEndian.PutUint64(b[16:], uint64(h.offset))
	binary.LittleEndian.PutUint64(b[24:], uint64(h.arrival))
	binary.LittleEndian.PutUint32(b[32:], h.tenant)
	binary.LittleEndian.PutUint32(b[36:], h.place)
	b[40] = byte(h.kind)
	binary.LittleEndian.PutUint32(b, checksum(salt, b[4:recordHeaderBytes]))
}

// decodeRecordHeader reports false for bytes that are no record header of the
// segment with this salt.
func decodeRecordHeader(salt uint32, b []byte) (recordHeader, bool) {
	if len(b) < recordHeaderBytes || binary.LittleEndian.Uint32(b) != checksum(salt, b[4:recordHeaderBytes]) {
		return recordHeader{}, false
	}
	h := recordHeader{
		payloadChecksum: binary.LittleEndian.Uint32(b[4:]),
		length:          binary.LittleEndian.Uint32(b[8:]),
		size:            binary.LittleEndian.Uint32(b[12:]),
		offset:          slo.Offset(binary.LittleEndian.Uint64(b[16:])),
		arrival:         int64(binary.LittleEndian.Uint64(b[24:])),
		tenant:          binary.LittleEndian.Uint32(b[32:]),
		place:           binary.LittleEndian.Uint32(b[36:]),
		kind:            slo.RecordKind(b[40]),
	}
	plausible := h.size <= maxPayloadBytes && int64(h.length) <= int64(s2.MaxEncodedLen(maxPayloadBytes)) &&
		h.offset > 0 && slo.Offset(h.place) < h.offset
	return h, plausible
}

// headerOffset is the offset that a record header at b would have, without
// the cost of checking it.
func headerOffset(b []byte) slo.Offset {
	return slo.Offset(binary.LittleEndian.Uint64(b[16:]))
}

// packPayload appends the stored form of a payload to dst.
func packPayload(dst, payload []byte) []byte {
	if len(payload) == 0 {
		return dst
	}
	packed := s2.Encode(dst[len(dst):], payload)
	return append(dst, packed...)
}

// unpackPayload returns a fresh copy of the payload of a record, nil for an
// empty one, and false when the stored form is not what the header says.
func unpackPayload(h recordHeader, stored []byte) ([]byte, bool) {
	if h.size == 0 {
		return nil, len(stored) == 0
	}
	size, err := s2.DecodedLen(stored)
	if err != nil || size != int(h.size) {
		return nil, false
	}
	payload, err := s2.Decode(nil, stored)
	return payload, err == nil
}

// checksum is CRC32C, begun with a salt.
func checksum(salt uint32, b []byte) uint32 {
	return crc32.Update(salt, crc32.MakeTable(crc32.Castagnoli), b)
}

// segmentName is the file name of the segment that begins with first.
func segmentName(first slo.Offset) string {
	return fmt.Sprintf("%020d%s", uint64(first), segmentSuffix)
}

// parseSegmentName is the inverse of segmentName.
func parseSegmentName(name string) (slo.Offset, bool) {
	n, err := strconv.ParseUint(strings.TrimSuffix(name, segmentSuffix), 10, 64)
	first := slo.Offset(n)
	return first, err == nil && first > 0 && segmentName(first) == name
}

// instant is the time of a stored nanosecond.
func instant(unixNano int64) time.Time { return time.Unix(0, unixNano).UTC() }

// damaged is ErrDamaged with the file and the byte.
func damaged(path string, position int64, what string) error {
	return fmt.Errorf("%w: %s, byte %d: %s", ErrDamaged, path, position, what)
}
