package journal

import (
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
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
	clock   arrivals
	// wanted is how many bytes were refused at once, 0 while records are
	// accepted: only room for as many ends the refusing.
	wanted int64
	group  []*request
	block  []byte
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

// commit stores of a group what there is room for, and answers everybody in it.
func (j *Journal) commit(group []*request) {
	admitted, refused, reason := j.admit(group)
	if len(admitted) > 0 {
		err := j.store(admitted)
		switch {
		case err != nil:
			j.tell(err)
		case reason == nil && telemetry(admitted):
			j.writer.wanted = 0
			j.tell(nil)
		}
		j.answer(admitted, err)
		if err == nil && failpoint.Planted(failpoint.AckBeforeSync) {
			_ = j.writer.file.Sync()
		}
	}
	if len(refused) > 0 {
		reason = unavailable(reason)
		j.tell(reason)
		j.answer(refused, reason)
		if err := j.turnWhenFull(); err != nil {
			_ = j.refuse(err)
		}
	}
	clear(group)
}

// answer tells everybody in a group what became of it.
func (j *Journal) answer(group []*request, err error) {
	for _, q := range group {
		if err != nil {
			q.answer <- answer{err: err}
		} else {
			q.answer <- answer{offset: q.header.offset}
		}
		j.recycle(q)
	}
}

// store writes the group at once, syncs once, and only then shows it to
// readers. A write that fails is taken back; a sync that fails is never tried
// again, because the kernel may have dropped the pages and then report success.
func (j *Journal) store(group []*request) error {
	if err := j.Err(); err != nil {
		return unavailable(err)
	}
	w, size := &j.writer, int64(0)
	for _, q := range group {
		size += int64(len(q.frame))
	}
	need := size
	if telemetry(group) {
		need = max(size, w.wanted)
	}
	if err := j.prepare(size, need); err != nil {
		w.wanted = max(w.wanted, need)
		return j.refuse(err)
	}
	block, path := j.assemble(group), j.active().path
	if _, err := w.file.WriteAt(block, w.end); err != nil {
		w.wanted = max(w.wanted, need)
		err = fmt.Errorf("write to %s: %w", path, err)
		if cut := w.file.Truncate(w.end); cut != nil {
			err = fmt.Errorf("%w; %w: taking the write back: %w", err, errNotSynced, cut)
		}
		return j.refuse(err)
	}
	failpoint.Here(failpoint.Written)
	if err := j.sync(); err != nil {
		return j.refuse(fmt.Errorf("sync %s: %w: %w", path, errNotSynced, err))
	}
	failpoint.Here(failpoint.Synced)
	j.publish(group)
	return nil
}

// prepare makes room for a group. While records are refused, it needs more
// room than it takes.
func (j *Journal) prepare(size, need int64) error {
	if err := j.makeRoom(need); err != nil {
		return err
	}
	if need > size {
		return j.probe(need)
	}
	return nil
}

// sync brings the written group to disk, once.
func (j *Journal) sync() error {
	if failpoint.Planted(failpoint.AckBeforeSync) {
		return nil // It is synced when everybody was answered.
	}
	if failpoint.Number("NO_SYNC", 0) == 1 {
		return nil // To measure what syncing costs.
	}
	err := j.writer.file.Sync()
	if err != nil && failpoint.Planted(failpoint.RetryFsync) {
		err = j.writer.file.Sync()
	}
	return err
}

// refuse turns a reason into the answer, and stops the journal for good when
// the reason leaves unknown what is on disk.
func (j *Journal) refuse(reason error) error {
	if errors.Is(reason, errNotSynced) {
		j.stop(reason)
	}
	return unavailable(reason)
}

// stop stops the journal for good; the first reason stays.
func (j *Journal) stop(reason error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failure == nil {
		j.failure = fmt.Errorf("journal %s has stopped, start again to read what is stored: %w", j.dir, reason)
		close(j.failed)
	}
}

// assemble gives each record its offset, arrival time and place, and returns
// the bytes of the whole group.
func (j *Journal) assemble(group []*request) []byte {
	w, salt := &j.writer, j.active().salt
	arrival := j.arrive()
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

// makeRoom begins a new segment when the last one has no room for so many
// bytes. A segment holds at least one group, however large.
func (j *Journal) makeRoom(size int64) error {
	if j.writer.end+size <= j.options.SegmentBytes || j.writer.end == segmentHeaderBytes {
		return nil
	}
	return j.turn()
}

// turn begins a new segment.
func (j *Journal) turn() error {
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
