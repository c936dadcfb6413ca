package journal

import (
	"errors"
	"fmt"
	"io"

	"github.com/slowburn-slo/slowburn/slo"
)

// readAheadBytes is how much of a file is read at once.
const readAheadBytes = 256 << 10

// scanner walks the records of one segment. After an error it stands still:
// position and next are those of the record that could not be read.
type scanner struct {
	file     io.ReaderAt
	path     string
	salt     uint32
	position int64
	next     slo.Offset

	ahead   []byte // bytes of the file from aheadAt on
	aheadAt int64
}

// scan begins before the first record of a segment.
func scan(f io.ReaderAt, s segment) *scanner {
	return &scanner{file: f, path: s.path, salt: s.salt, position: segmentHeaderBytes, next: s.first}
}

// record reads the next record, whose stored payload is valid until the next
// call. Nothing from end on is looked at.
func (s *scanner) record(end int64) (recordHeader, []byte, error) {
	h, err := s.header(end)
	if err != nil {
		return recordHeader{}, nil, err
	}
	stored, err := s.bytes(s.position+recordHeaderBytes, int64(h.length), end)
	if err != nil {
		return recordHeader{}, nil, err
	}
	if checksum(0, stored) != h.payloadChecksum {
		return recordHeader{}, nil, s.damaged("the checksum of the payload is wrong")
	}
	s.step(h)
	return h, stored, nil
}

// seek moves forward until the record with this offset is next. It reads
// headers only, and uses the marks to read few.
func (s *scanner) seek(offset slo.Offset, marks []mark, end int64) error {
	for _, m := range marks {
		if m.offset <= offset && m.offset > s.next {
			s.next, s.position = m.offset, m.position
		}
	}
	for s.next < offset {
		h, err := s.header(end)
		if err != nil {
			return err
		}
		s.step(h)
	}
	return nil
}

func (s *scanner) header(end int64) (recordHeader, error) {
	b, err := s.bytes(s.position, recordHeaderBytes, end)
	if err != nil {
		return recordHeader{}, err
	}
	h, ok := decodeRecordHeader(s.salt, b)
	if !ok {
		return recordHeader{}, s.damaged("the checksum of the record header is wrong")
	}
	if h.offset != s.next {
		return recordHeader{}, s.damaged(fmt.Sprintf("record %d stands where record %d belongs", h.offset, s.next))
	}
	return h, nil
}

func (s *scanner) step(h recordHeader) {
	s.position += recordHeaderBytes + int64(h.length)
	s.next++
}

// bytes returns n bytes of the file, which stay valid until the next call.
func (s *scanner) bytes(at, n, end int64) ([]byte, error) {
	if at+n > end {
		return nil, s.damaged("the file ends within a record")
	}
	if at < s.aheadAt || at+n > s.aheadAt+int64(len(s.ahead)) {
		want := max(n, min(readAheadBytes, end-at))
		if int64(cap(s.ahead)) < want {
			s.ahead = make([]byte, want)
		}
		s.ahead, s.aheadAt = s.ahead[:want], at
		if read, err := s.file.ReadAt(s.ahead, at); int64(read) < want {
			s.ahead = s.ahead[:0]
			if errors.Is(err, io.EOF) {
				return nil, s.damaged("the file is shorter than it was")
			}
			return nil, fmt.Errorf("read %s at byte %d: %w", s.path, at, err)
		}
	}
	from := at - s.aheadAt
	return s.ahead[from : from+n], nil
}

// damaged forgets what was read ahead, so that the next try asks the disk again.
func (s *scanner) damaged(what string) error {
	s.ahead = s.ahead[:0]
	return damaged(s.path, s.position, what)
}

// laterGroup looks behind the bad spot at which the scanner stands for the
// header of a record that was written in a later group than the bad record,
// and returns its position. See recovery for what that proves.
func (s *scanner) laterGroup(end int64) (int64, bool, error) {
	bad, from := s.next, s.position
	most := bad + slo.Offset((end-from)/recordHeaderBytes) + 1
	for at := from; at+recordHeaderBytes <= end; {
		n := min(readAheadBytes, end-at)
		block, err := s.bytes(at, n, end)
		if err != nil {
			return 0, false, err
		}
		for len(block) >= recordHeaderBytes {
			if o := headerOffset(block); o > bad && o <= most {
				if h, ok := decodeRecordHeader(s.salt, block); ok && h.groupStart() > bad {
					return at, true, nil
				}
			}
			block, at = block[1:], at+1
		}
	}
	return 0, false, nil
}
