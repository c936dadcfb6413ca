package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/slowburn-slo/slowburn/slo"
)

// queueLength bounds the records that wait for the writer; it is many times
// the number of senders that a machine serves at once.
const queueLength = 1024

// pooledFrameBytes bounds the buffers that are kept for reuse.
const pooledFrameBytes = 1 << 20

// request is one record on its way to the writer.
type request struct {
	record slo.Record
	header recordHeader
	// frame is the record as it will be stored; its header is still empty.
	frame []byte
	// answer takes the one answer without blocking, even if nobody waits.
	answer chan answer
}

type answer struct {
	offset slo.Offset
	err    error
}

// heartbeat is a request for which nobody waits.
func heartbeat() *request {
	q := &request{record: slo.Record{Kind: slo.RecordHeartbeat}, frame: make([]byte, recordHeaderBytes), answer: make(chan answer, 1)}
	q.describe()
	return q
}

// describe fills in what the header says about the payload.
func (q *request) describe() {
	stored := q.frame[recordHeaderBytes:]
	q.header = recordHeader{
		payloadChecksum: checksum(0, stored), length: uint32(len(stored)),
		size: uint32(len(q.record.Payload)), kind: q.record.Kind,
	}
}

// Append stores a record and returns its offset once it is on disk. The
// journal assigns offset and arrival time; it keeps Payload and Decoded, so
// the caller MUST NOT change them afterwards.
//
// Records are stored in groups: while one group is being synced, the next
// gathers. When the queue is full, Append waits until ctx ends. When ctx ends
// after the record was queued, Append returns the error of ctx although the
// record may become durable: without an answer it may be counted or not. The
// same holds for ErrUnavailable after a failed sync. While the journal or the
// disk is full, Append returns ErrUnavailable (with ErrFull for the journal), and
// no heartbeats are written. ErrTooLarge is the only refusal that a retry cannot
// help.
func (j *Journal) Append(ctx context.Context, r slo.Record) (slo.Offset, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	q, err := j.pack(r)
	if err != nil {
		return 0, err
	}
	if err := j.enqueue(ctx, q); err != nil {
		j.recycle(q)
		return 0, err
	}
	select {
	case a := <-q.answer:
		return a.offset, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-q.answer:
		return a.offset, a.err
	default:
		return 0, ctx.Err()
	}
}

// pack compresses in the caller's goroutine, so that many can do it at once.
func (j *Journal) pack(r slo.Record) (*request, error) {
	if r.Kind == 0 {
		return nil, errors.New("append to the journal: the record has no kind")
	}
	if len(r.Payload) > maxPayloadBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(r.Payload), maxPayloadBytes)
	}
	if len(r.Payload) == 0 {
		r.Payload = nil
	}
	q := &request{record: r, answer: make(chan answer, 1)}
	q.frame = packPayload(j.buffer(len(r.Payload)), r.Payload)
	q.describe()
	if limit := j.options.MaxBytes; limit > 0 && int64(len(q.frame))+3*segmentHeaderBytes > limit {
		j.recycle(q)
		return nil, fmt.Errorf("%w: %d bytes compressed, of at most %d for all records", ErrTooLarge, q.header.length, limit)
	}
	return q, nil
}

// enqueue hands a request to the writer.
func (j *Journal) enqueue(ctx context.Context, q *request) error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return unavailable(errClosing)
	}
	j.senders.Add(1)
	j.mu.Unlock()
	defer j.senders.Done()
	select {
	case j.queue <- q:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-j.closing:
		return unavailable(errClosing)
	}
}

// unavailable is ErrUnavailable with its reason.
func unavailable(reason error) error { return fmt.Errorf("%w: %w", ErrUnavailable, reason) }
