package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// segment is one file of the journal.
type segment struct {
	path    string
	first   slo.Offset
	created int64
	salt    uint32
	end     int64 // bytes that are durable
	// lost: the operator has given up this segment; path is the file that says so.
	lost  bool
	marks []mark
}

// mark is a place within a segment from which to look for a record.
type mark struct {
	offset   slo.Offset
	position int64
}

// markSpacing is how far the marks of a segment are apart, in bytes.
const markSpacing = 1 << 20

// note keeps the position of a record for those who will look for it.
func (s *segment) note(offset slo.Offset, position int64) {
	last := int64(segmentHeaderBytes)
	if n := len(s.marks); n > 0 {
		last = s.marks[n-1].position
	}
	if position-last >= markSpacing {
		s.marks = append(s.marks, mark{offset: offset, position: position})
	}
}

// active is the segment that is written to.
func (j *Journal) active() segment {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.segments[len(j.segments)-1]
}

// begin creates a segment and makes it the active one. Its name appears only
// when its header is on disk, so a segment without a header is never torn but
// damaged.
func (j *Journal) begin(h segmentHeader) error {
	var salt [4]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return fmt.Errorf("read random bytes: %w", err)
	}
	h.salt = binary.LittleEndian.Uint32(salt[:])
	path := filepath.Join(j.dir, segmentName(h.first))
	f, err := j.createSegment(path, h)
	if err != nil {
		return err
	}
	j.mu.Lock()
	j.segments = append(j.segments, segment{path: path, first: h.first, created: h.created, salt: h.salt, end: segmentHeaderBytes})
	j.mu.Unlock()
	j.writer.file, j.writer.end, j.writer.next = f, segmentHeaderBytes, h.first
	return nil
}

func (j *Journal) createSegment(path string, h segmentHeader) (disk.File, error) {
	temporary := filepath.Join(j.dir, segmentName(h.first)[:20]+temporarySuffix)
	f, err := j.fs.Create(temporary)
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	give := func(what string, err error) error {
		return errors.Join(fmt.Errorf("%s %s: %w", what, path, err), f.Close(), j.fs.Remove(temporary))
	}
	if _, err := f.WriteAt(h.encode(), 0); err != nil {
		return nil, give("write header of", err)
	}
	if err := f.Sync(); err != nil {
		return nil, give("sync header of", fmt.Errorf("%w: %w", errNotSynced, err))
	}
	if err := j.fs.Rename(temporary, path); err != nil {
		return nil, give("rename to", err)
	}
	failpoint.Here(failpoint.SegmentCreated)
	if err := j.syncDir(); err != nil {
		return nil, errors.Join(fmt.Errorf("sync folder of %s: %w: %w", path, errNotSynced, err), f.Close())
	}
	return f, nil
}

// syncDir makes the names in the journal's folder durable.
func (j *Journal) syncDir() error {
	if failpoint.Planted(failpoint.SkipDirSync) {
		return nil
	}
	return j.fs.SyncDir(j.dir)
}
