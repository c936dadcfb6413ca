package journal

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// Recovery, and what a torn tail is.
//
// Only the last group commit can have been in flight when the machine stopped;
// every group before it was synced, and every segment before the last one was
// synced and has its size in the header of its successor. Of the group in
// flight any pages may be on disk, in any order: its records can be missing,
// cut, zero, or whole behind broken ones. So a bad spot in the last segment is
// the torn tail exactly if nothing behind it was written by a later group; a
// later group would never have been written before the one with the bad spot
// was synced. Each record says where its group begins, so one header behind
// the bad spot with a later beginning proves damage, and the journal is not
// opened. Otherwise the file is cut at the bad spot. Whole records of the torn
// group before it are kept: nobody was answered, they may be counted or not.
//
// One case remains that no checksum can tell: damage to the very last group,
// after it was answered, looks like a torn tail. Then a reader comes back with
// an offset that is not there any more, and Reader refuses it as ErrDamaged.

// restore lists, verifies and repairs what is on disk. Each damage that the
// operator accepts makes it begin anew without that segment.
func (j *Journal) restore() error {
	if err := j.checkAccepted(); err != nil {
		return err
	}
	l, err := j.list()
	if err != nil {
		return err
	}
	for {
		found, err := j.examine(l)
		if err != nil {
			return err
		}
		if found == nil {
			break
		}
		if err := j.settle(l, *found); err != nil {
			return err
		}
	}
	if err := j.clearSuspicions(l); err != nil {
		return err
	}
	if err := j.syncDir(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

// examine puts the segments together in their order and makes the last one
// ready to be written to. It returns the first fault.
func (j *Journal) examine(l listing) (*fault, error) {
	j.segments = nil
	for first := range l.aside {
		if _, restored := l.files[first]; !restored {
			return &fault{first: first, err: fmt.Errorf("%w: %s was set aside because of its damage", ErrDamaged, filepath.Join(j.dir, segmentName(first)))}, nil
		}
	}
	for _, first := range l.inOrder() {
		adopt := j.adopt
		if l.lost[first] {
			adopt = j.adoptLost
		}
		if found, err := adopt(l, first); found != nil || err != nil {
			return found, err
		}
	}
	n := len(j.segments)
	if n == 0 {
		return nil, j.begin(segmentHeader{first: 1})
	}
	if last := j.segments[n-1]; last.lost {
		return nil, j.beginAfter(last)
	}
	return j.recoverLast(l)
}

// beginAfter begins a segment behind the lost end of the journal.
func (j *Journal) beginAfter(lost segment) error {
	created := max(lost.created, j.options.Now().UnixNano())
	j.writer.arrival, j.writer.clock.last = created, created
	first := lost.first + lostTail
	j.durable = first - 1
	return j.begin(segmentHeader{first: first, created: created, previous: lost.first})
}

// adopt verifies the header of a segment, and that it continues the one before.
func (j *Journal) adopt(l listing, first slo.Offset) (*fault, error) {
	e := l.files[first]
	path := filepath.Join(j.dir, e.Name)
	h, err := j.readHeader(path)
	if err == nil && h.first != first {
		err = damaged(path, 16, fmt.Sprintf("the file begins with record %d, not with that of its name", h.first))
	}
	if errors.Is(err, ErrDamaged) {
		return &fault{first: first, err: err}, nil
	}
	if err != nil {
		return nil, err
	}
	if n := len(j.segments); n > 0 {
		before := j.segments[n-1]
		if h.previous != before.first {
			return &fault{first: h.previous, err: fmt.Errorf("%w: %s is missing", ErrDamaged, filepath.Join(j.dir, segmentName(h.previous)))}, nil
		}
		if !before.lost && h.previousBytes != before.end {
			return &fault{first: before.first, err: damaged(before.path, min(before.end, h.previousBytes),
				fmt.Sprintf("the file has %d bytes and had %d when it was finished", before.end, h.previousBytes))}, nil
		}
		if _, suspected := l.suspects[before.first]; suspected && !before.lost {
			if _, _, err := j.verify(before); errors.Is(err, ErrDamaged) {
				return &fault{first: before.first, err: err}, nil
			} else if err != nil {
				return nil, err
			}
		}
	}
	j.segments = append(j.segments, segment{path: path, first: h.first, created: h.created, salt: h.salt, end: e.Size})
	return nil, nil
}

// adoptLost puts a lost segment in its place. The one before has lost the
// header that vouched for its size, so it is read whole: its records must reach
// up to the loss.
func (j *Journal) adoptLost(_ listing, first slo.Offset) (*fault, error) {
	lost := segment{path: j.beside(first, lostSuffix), first: first, lost: true}
	if n := len(j.segments); n > 0 {
		before := j.segments[n-1]
		lost.created = before.created
		if !before.lost {
			last, arrival, err := j.verify(before)
			if errors.Is(err, ErrDamaged) {
				return &fault{first: before.first, err: err}, nil
			}
			if err != nil {
				return nil, err
			}
			if last+1 != first {
				return &fault{first: last + 1, err: fmt.Errorf("%w: %s ends with record %d, but the next that is known to be lost is record %d",
					ErrDamaged, before.path, last, first)}, nil
			}
			lost.created = arrival
		}
	}
	j.segments = append(j.segments, lost)
	return nil, nil
}

func (j *Journal) readHeader(path string) (segmentHeader, error) {
	f, err := j.fs.Open(path)
	if err != nil {
		return segmentHeader{}, fmt.Errorf("open segment: %w", err)
	}
	b := make([]byte, segmentHeaderBytes)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return segmentHeader{}, errors.Join(fmt.Errorf("read header of %s: %w", path, err), f.Close())
	}
	h, err := decodeSegmentHeader(path, b[:n])
	return h, errors.Join(err, f.Close())
}

// recoverLast reads the whole last segment, cuts its torn tail and makes sure
// that all of it is on disk.
func (j *Journal) recoverLast(l listing) (*fault, error) {
	last := &j.segments[len(j.segments)-1]
	f, err := j.fs.Open(last.path)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	s, group, arrival, torn, err := readLast(f, last)
	if err == nil && s.position < l.suspects[last.first].durable {
		if torn == nil {
			torn = damaged(last.path, s.position, "the file is shorter than it was")
		}
		return &fault{first: last.first, err: torn}, f.Close()
	}
	if err == nil && torn != nil {
		var damage error
		if damage, err = j.cut(f, s, last.end, torn); damage != nil {
			return &fault{first: last.first, err: damage}, f.Close()
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	last.end = s.position
	if err := rewrite(f, group, s.position); err != nil {
		return nil, errors.Join(fmt.Errorf("write the last records of %s again: %w", last.path, err), f.Close())
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(fmt.Errorf("sync %s: %w", last.path, err), f.Close())
	}
	j.writer.file, j.writer.end, j.writer.next, j.durable = f, s.position, s.next, s.next-1
	j.writer.arrival, j.writer.clock.last = arrival, arrival
	if j.accepts(last.first) {
		// No file shows that records are missing at the end: a reader knew of
		// them. What is left stays, and the loss begins behind it.
		missing := fmt.Errorf("%w: records behind the end of %s are missing", ErrDamaged, last.path)
		j.writer.file = nil
		return &fault{first: s.next, err: missing, accepted: true}, f.Close()
	}
	return nil, nil
}

// readLast reads a segment to its end or to a bad spot, and returns the scanner
// there, where the last group begins, the newest arrival, and what is bad.
func readLast(f disk.File, last *segment) (s *scanner, group, arrival int64, torn, err error) {
	s, group, arrival = scan(f, *last), segmentHeaderBytes, last.created
	for s.position < last.end {
		at := s.position
		h, _, err := s.record(last.end)
		if errors.Is(err, ErrDamaged) {
			return s, group, arrival, err, nil
		}
		if err != nil {
			return s, group, arrival, nil, err
		}
		if h.place == 0 {
			group = at
		}
		last.note(h.offset, at)
		arrival = max(arrival, h.arrival)
	}
	return s, group, arrival, nil, nil
}

// cut removes the torn tail behind the bad spot at which s stands, or returns
// the damage if it is not a torn tail.
func (j *Journal) cut(f disk.File, s *scanner, size int64, bad error) (damage, err error) {
	at, found, err := s.laterGroup(size)
	if err != nil {
		return nil, err
	}
	if found {
		return fmt.Errorf("%w; whole records follow at byte %d, so no crash has done this", bad, at), nil
	}
	if err := f.Truncate(s.position); err != nil {
		return nil, fmt.Errorf("cut the torn tail of %s: %w", s.path, err)
	}
	j.options.Logger.Warn("journal cut a torn tail", "file", s.path,
		"bytes_cut", size-s.position, "last_offset", uint64(s.next-slo.Offset(1)), "reason", bad)
	return nil, nil
}

// rewrite writes the bytes of the last group over themselves. The process
// before may have ended because their sync failed; then the kernel can hold
// pages that look written and are not, and only a new write makes the next
// sync take them to the disk.
func rewrite(f disk.File, from, to int64) error {
	for from < to {
		b := make([]byte, min(to-from, groupBytes))
		if _, err := f.ReadAt(b, from); err != nil {
			return err
		}
		if _, err := f.WriteAt(b, from); err != nil {
			return err
		}
		from += int64(len(b))
	}
	return nil
}
