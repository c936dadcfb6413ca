package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/slowburn-slo/slowburn/slo"
)

// Walk shows every record after an offset to visit, in order. It is a second
// reading of the files for audits, on purpose as plain as can be and without
// any of the code of Reader: whole segments at a time, every checksum, every
// offset. It takes no lock, so it may run beside an open journal and in another
// process.
//
// It ends cleanly where the newest segment holds no further whole record: what
// is being written ends so. It may thus show records that nobody was answered
// for; the caller stops at the offset that it is interested in. Records at the
// old end that Trim has deleted, or deletes meanwhile, are passed over: the first
// record may be later than after+1. A jump of the offset further on is ErrDamaged,
// unless the loss of that segment was accepted. An error of visit ends the walk
// and is returned as it is.
func Walk(dir string, after slo.Offset, visit func(slo.Record) error) error {
	segments, lost, err := walkFolder(dir)
	if err != nil {
		return err
	}
	next := uint64(0) // the offset that has to follow, 0 while any may
	for i, first := range segments {
		newest := i == len(segments)-1
		if !newest && segments[i+1] <= uint64(after)+1 && after < ^slo.Offset(0) {
			continue // All its records are at or before after.
		}
		path := filepath.Join(dir, fmt.Sprintf("%020d.journal", first))
		content, err := os.ReadFile(filepath.Clean(path))
		if errors.Is(err, os.ErrNotExist) {
			if next == 0 {
				continue // Trim was here first.
			}
			return walkOvertaken(dir, path, first)
		}
		if err != nil {
			return fmt.Errorf("walk the journal: %w", err)
		}
		if next != 0 && next != first && !lost[next] {
			return fmt.Errorf("%w: %s follows, but records from %d on are missing", ErrDamaged, path, next)
		}
		var whole bool
		next, whole, err = walkSegment(content, first, after, nil)
		if err == nil && !whole && !newest {
			err = errors.New("it does not end with a whole record")
		}
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
		}
		if _, _, err := walkSegment(content, first, after, visit); err != nil {
			return err
		}
	}
	return nil
}

// walkOvertaken says why a segment is gone in the middle of a walk.
func walkOvertaken(dir, path string, first uint64) error {
	left, _, err := walkFolder(dir)
	if err != nil {
		return err
	}
	if len(left) > 0 && left[0] > first {
		return fmt.Errorf("%w: %s was deleted during the walk", ErrGap, path)
	}
	return fmt.Errorf("%w: %s is missing", ErrDamaged, path)
}

// walkFolder returns where the segments begin, in order, and which were given up.
func walkFolder(dir string) (segments []uint64, lost map[uint64]bool, err error) {
	entries, err := os.ReadDir(dir) // Sorted by name, and names have 20 digits.
	if err != nil {
		return nil, nil, fmt.Errorf("walk the journal: %w", err)
	}
	lost = map[uint64]bool{}
	for _, e := range entries {
		digits, ending, _ := strings.Cut(e.Name(), ".")
		first, err := strconv.ParseUint(digits, 10, 64)
		switch {
		case err != nil || len(digits) != 20:
		case ending == "journal":
			segments = append(segments, first)
		case ending == "journal.lost":
			lost[first] = true
		}
	}
	return segments, lost, nil
}

// walkSegment reads a segment up to its end, or to the first record that is not
// whole: then whole is false. It returns the offset that follows. Without visit
// it only checks; else it shows the records after an offset, unpacked one by one,
// since all of a segment may take a gigabyte.
func walkSegment(content []byte, first uint64, after slo.Offset, visit func(slo.Record) error) (want uint64, whole bool, err error) {
	castagnoli, little := crc32.MakeTable(crc32.Castagnoli), binary.LittleEndian
	const header, record = 52, 41
	if len(content) < header || string(content[:8]) != "SLOWBURN" || little.Uint16(content[8:]) != 1 {
		return first, false, errors.New("it does not begin as a segment of version 1 does")
	}
	if crc32.Checksum(content[:48], castagnoli) != little.Uint32(content[48:]) || little.Uint64(content[16:]) != first {
		return first, false, errors.New("its header is not what was written")
	}
	salt, at := little.Uint32(content[12:]), header
	for want = first; at < len(content); want++ {
		b := content[at:]
		if len(b) < record || crc32.Update(salt, castagnoli, b[4:record]) != little.Uint32(b) {
			return want, false, nil
		}
		stored, unpacked := int(little.Uint32(b[8:])), int(little.Uint32(b[12:]))
		if len(b) < record+stored || crc32.Checksum(b[record:record+stored], castagnoli) != little.Uint32(b[4:]) {
			return want, false, nil
		}
		if offset := little.Uint64(b[16:]); offset != want {
			return want, false, fmt.Errorf("record %d stands where record %d belongs", offset, want)
		}
		at += record + stored
		if visit == nil || want <= uint64(after) {
			continue
		}
		r := slo.Record{
			Offset: slo.Offset(want), Kind: slo.RecordKind(b[40]), Arrival: time.Unix(0, int64(little.Uint64(b[24:]))).UTC(),
		}
		if unpacked > 0 {
			if r.Payload, err = s2.Decode(nil, b[record:record+stored]); err != nil || len(r.Payload) != unpacked {
				return want, false, fmt.Errorf("%w: record %d cannot be decompressed", ErrDamaged, want)
			}
		}
		if err := visit(r); err != nil {
			return want, false, err
		}
	}
	return want, true, nil
}
