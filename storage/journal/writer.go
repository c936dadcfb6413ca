package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// groupBytes is the size from which a group takes no further record.
const groupBytes = 4 << 20

// writer is the state of the one goroutine that writes.
type writer struct {
	file    disk.File // the last segment
	end     int64
	next    slo.Offset
	arrival int64 // of the newest record, unix nanoseconds
	// refusing is true while writes fail, so that only changes are logged.
	refusing bool
	group    []*request
	block    []byte
}

// errNotSynced marks an error after which nobody knows what is on disk.
var errNotSynced = errors.New("what is on disk is unknown")

// run is the writer goroutine. It ends when the queue is closed, and answers
// every request until then, also after the journal has failed.
func (j *Journal) run() {
	defer close(j.written)
	var idle <-chan time.Time
	var timer *time.Timer
	if j.options.Heartbeat > 0 {
		timer = time.NewTimer(j.options.Heartbeat)
		defer timer.Stop()
		idle = timer.C
	}
	for {
		select {
		case q, ok := <-j.queue:
			if !ok {
				return
			}
			j.commit(j.gather(q))
		case <-idle:
			j.commit([]*request{heartbeat()})
		}
		if timer != nil {
			timer.Reset(j.options.Heartbeat)
		}
	}
}

// gather takes what is queued already, up to the size of a group.
func (j *Journal) gather(q *request) []*request {
	group, size := j.writer.group[:0], len(q.frame)
	group = append(group, q)
	for size < groupBytes {
		select {
		case q, ok := <-j.queue:
			if !ok {
				return group
			}
			group, size = append(group, q), size+len(q.frame)
			continue
		default:
		}
		break
	}
	j.writer.group = group
	return group
}

// commit stores a group and answers everybody in it.
func (j *Journal) commit(group []*request) {
	err := j.store(group)
	j.tell(err)
	for _, q := range group {
		if err != nil {
			q.answer <- answer{err: err}
		} else {
			q.answer <- answer{offset: q.header.offset}
		}
		j.recycle(q)
	}
	clear(group)
}

// tell logs when the journal begins and stops to refuse records. A failure for
// good is told by Err.
func (j *Journal) tell(err error) {
	if refusing := err != nil; refusing != j.writer.refusing && j.Err() == nil {
		j.writer.refusing = refusing
		if refusing {
			j.options.Logger.Warn("journal refuses records", "error", err)
		} else {
			j.options.Logger.Info("journal accepts records again")
		}
	}
}

// store writes the group at once, syncs once, and only then shows it to
// readers. A write that fails is taken back; a sync that fails is never tried
// again, because the kernel may have dropped the pages and then report success.
func (j *Journal) store(group []*request) error {
	if err := j.Err(); err != nil {
		return unavailable(err)
	}
	w := &j.writer
	if err := j.makeRoom(group); err != nil {
		return j.refuse(err)
	}
	block := j.assemble(group)
	path := j.active().path
	if _, err := w.file.WriteAt(block, w.end); err != nil {
		err = fmt.Errorf("write to %s: %w", path, err)
		if cut := w.file.Truncate(w.end); cut != nil {
			err = fmt.Errorf("%w; %w: taking the write back: %w", err, errNotSynced, cut)
		}
		return j.refuse(err)
	}
	if err := w.file.Sync(); err != nil {
		return j.refuse(fmt.Errorf("sync %s: %w: %w", path, errNotSynced, err))
	}
	j.publish(group)
	return nil
}

// refuse turns a reason into the answer, and stops the journal for good when
// the reason leaves unknown what is on disk.
func (j *Journal) refuse(reason error) error {
	if errors.Is(reason, errNotSynced) {
		j.mu.Lock()
		j.failure = fmt.Errorf("journal %s has stopped, start again to read what is stored: %w", j.dir, reason)
		j.mu.Unlock()
		close(j.failed)
	}
	return unavailable(reason)
}

// assemble gives each record its offset, arrival time and place, and returns
// the bytes of the whole group.
func (j *Journal) assemble(group []*request) []byte {
	w, salt := &j.writer, j.active().salt
	arrival := max(w.arrival, j.options.Now().UnixNano())
	block := w.block[:0]
	for i, q := range group {
		q.header.offset, q.header.arrival, q.header.place = w.next+slo.Offset(i), arrival, uint32(i)
		q.header.put(salt, q.frame)
		block = append(block, q.frame...)
	}
	if cap(block) <= 2*groupBytes {
		w.block = block
	}
	return block
}

// publish makes a synced group visible.
func (j *Journal) publish(group []*request) {
	w := &j.writer
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &j.segments[len(j.segments)-1]
	for _, q := range group {
		s.note(q.header.offset, w.end)
		w.end += int64(len(q.frame))
		q.record.Offset, q.record.Arrival = q.header.offset, instant(q.header.arrival)
		j.recent.push(q.record)
	}
	last := group[len(group)-1].header
	w.next, w.arrival = last.offset+1, last.arrival
	s.end, j.durable = w.end, last.offset
	close(j.wake)
	j.wake = make(chan struct{})
}

// makeRoom begins a new segment when the last one is full. A segment holds at
// least one group, however large.
func (j *Journal) makeRoom(group []*request) error {
	size := j.writer.end
	for _, q := range group {
		size += int64(len(q.frame))
	}
	if size <= j.options.SegmentBytes || j.writer.end == segmentHeaderBytes {
		return nil
	}
	// Every group was synced, but perhaps not the truncation that took back a
	// failed write; the new header vouches for the size of the old segment.
	if err := j.writer.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w: %w", j.active().path, errNotSynced, err)
	}
	old, full := j.writer.file, j.active()
	if err := j.begin(segmentHeader{
		first: j.writer.next, created: j.writer.arrival, previous: full.first, previousBytes: full.end,
	}); err != nil {
		return err
	}
	if err := old.Close(); err != nil {
		return fmt.Errorf("close %s: %w", full.path, err)
	}
	return nil
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
	if err := j.fs.SyncDir(j.dir); err != nil {
		return nil, errors.Join(fmt.Errorf("sync folder of %s: %w: %w", path, errNotSynced, err), f.Close())
	}
	return f, nil
}

// buffer returns room for a record header, and behind it capacity for a payload
// of so many bytes.
func (j *Journal) buffer(payloadBytes int) []byte {
	size := recordHeaderBytes + s2.MaxEncodedLen(payloadBytes)
	if b, ok := j.frames.Get().(*[]byte); ok && cap(*b) >= size {
		return (*b)[:recordHeaderBytes]
	}
	return make([]byte, recordHeaderBytes, size)
}

// recycle keeps the buffer of a request that nobody reads any more.
func (j *Journal) recycle(q *request) {
	if cap(q.frame) <= pooledFrameBytes {
		frame := q.frame
		j.frames.Put(&frame)
	}
	q.frame = nil
}
