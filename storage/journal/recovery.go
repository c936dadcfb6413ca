package journal

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

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

// restore lists, verifies and repairs what is on disk.
func (j *Journal) restore() error {
	found, err := j.list()
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return j.begin(segmentHeader{first: 1})
	}
	for _, e := range found {
		if err := j.adopt(e); err != nil {
			return err
		}
	}
	if err := j.recoverLast(); err != nil {
		return err
	}
	if err := j.syncDir(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

// list returns the segments in their order, and removes those that were never
// finished.
func (j *Journal) list() ([]disk.Entry, error) {
	all, err := j.fs.ReadDir(j.dir)
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	var found []disk.Entry
	for _, e := range all {
		switch {
		case strings.HasSuffix(e.Name, temporarySuffix):
			if err := j.fs.Remove(filepath.Join(j.dir, e.Name)); err != nil {
				return nil, fmt.Errorf("remove unfinished segment: %w", err)
			}
		case strings.HasSuffix(e.Name, segmentSuffix):
			found = append(found, e)
		}
	}
	// Names have 20 digits, so their order is that of the offsets.
	slices.SortFunc(found, func(a, b disk.Entry) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// adopt verifies the name and header of a segment, and that it continues the
// one before.
func (j *Journal) adopt(e disk.Entry) error {
	path := filepath.Join(j.dir, e.Name)
	first, ok := parseSegmentName(e.Name)
	if !ok {
		return fmt.Errorf("%w: %s has a name that no segment has: move it elsewhere", ErrDamaged, path)
	}
	h, err := j.readHeader(path)
	if err != nil {
		return err
	}
	if h.first != first {
		return damaged(path, 16, fmt.Sprintf("the file begins with record %d, not with that of its name", h.first))
	}
	if n := len(j.segments); n > 0 {
		before := j.segments[n-1]
		if h.previous != before.first {
			return fmt.Errorf("%w: %s is missing", ErrDamaged, filepath.Join(j.dir, segmentName(h.previous)))
		}
		if h.previousBytes != before.end {
			return damaged(before.path, min(before.end, h.previousBytes),
				fmt.Sprintf("the file has %d bytes and had %d when it was finished", before.end, h.previousBytes))
		}
	}
	j.segments = append(j.segments, segment{path: path, first: h.first, created: h.created, salt: h.salt, end: e.Size})
	return nil
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
func (j *Journal) recoverLast() error {
	last := &j.segments[len(j.segments)-1]
	f, err := j.fs.Open(last.path)
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	j.writer.file, j.writer.arrival = f, last.created
	s, size, group := scan(f, *last), last.end, int64(segmentHeaderBytes)
	for s.position < size {
		at := s.position
		h, _, err := s.record(size)
		if errors.Is(err, ErrDamaged) {
			if err := j.cut(s, size, err); err != nil {
				return err
			}
			break
		}
		if err != nil {
			return err
		}
		if h.place == 0 {
			group = at
		}
		last.note(h.offset, at)
		j.writer.arrival = max(j.writer.arrival, h.arrival)
	}
	j.writer.clock.last = j.writer.arrival
	last.end, j.writer.end, j.writer.next, j.durable = s.position, s.position, s.next, s.next-1
	if err := rewrite(f, group, s.position); err != nil {
		return fmt.Errorf("write the last records of %s again: %w", last.path, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", last.path, err)
	}
	return nil
}

// cut removes the torn tail behind the bad spot at which s stands, or returns
// the damage if it is not a torn tail.
func (j *Journal) cut(s *scanner, size int64, damage error) error {
	at, found, err := s.laterGroup(size)
	if err != nil {
		return err
	}
	if found {
		return fmt.Errorf("%w; whole records follow at byte %d, so no crash has done this: restore the file from a copy", damage, at)
	}
	if err := j.writer.file.Truncate(s.position); err != nil {
		return fmt.Errorf("cut the torn tail of %s: %w", s.path, err)
	}
	j.options.Logger.Warn("journal cut a torn tail", "file", s.path,
		"bytes_cut", size-s.position, "last_offset", uint64(s.next-slo.Offset(1)), "reason", damage)
	return nil
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
