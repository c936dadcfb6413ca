package journal

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// Reader reads the records of a journal in order. It belongs to one goroutine;
// a journal serves any number of readers at once.
type Reader struct {
	journal *Journal
	next    slo.Offset
	closed  bool

	// What is open while the reader lags behind the memory.
	file    disk.File
	segment slo.Offset
	scanner *scanner
}

// Reader begins after the record with offset after; 0 begins with the first.
// It says ErrGap when records after that one were deleted, and ErrDamaged when
// the journal does not reach that far: then records that were acknowledged and
// read are missing at its end, and new ones would take their offsets.
func (j *Journal) Reader(after slo.Offset) (*Reader, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if after > j.durable {
		last := j.segments[len(j.segments)-1]
		return nil, fmt.Errorf("%w: %s ends with record %d, but record %d was read before: acknowledged records are missing at the end. "+
			"Put back the whole journal, or start with --accept-loss %s to go on without them",
			ErrDamaged, last.path, j.durable, after, segmentName(last.first))
	}
	if oldest := j.segments[0].first; after+1 < oldest {
		return nil, gap(after+1, oldest)
	}
	return &Reader{journal: j, next: after + 1}, nil
}

func gap(next, oldest slo.Offset) error {
	return fmt.Errorf("%w: records %d to %d were deleted", ErrGap, next, oldest-1)
}

// Next returns the next durable record and waits for one if there is none. From
// the record before a hole it goes to the one after it, which keeps its offset:
// Holes tells which jumps are right. It returns the error of ctx when that ends, ErrGap when Trim overtook it,
// ErrDamaged when a file is not as it was written, and ErrUnavailable when the
// journal is closed and everything was read. After any error nothing is lost:
// the next call tries the same record again.
//
// Payload and Decoded are shared with other readers and MUST NOT be changed.
// Decoded is nil for records that were read from a file.
func (r *Reader) Next(ctx context.Context) (slo.Record, error) {
	for {
		if err := ctx.Err(); err != nil {
			return slo.Record{}, err
		}
		if r.closed {
			return slo.Record{}, errors.New("read the journal: this reader is closed")
		}
		v, err := r.journal.look(r.next)
		if err != nil {
			return slo.Record{}, err
		}
		if v.wait != nil {
			select {
			case <-v.wait:
			case <-r.journal.written:
			case <-ctx.Done():
			}
			continue
		}
		if v.segment.lost {
			r.next = v.after
			continue
		}
		if !v.inMemory {
			return r.read(v.segment)
		}
		if err := r.leaveFile(); err != nil {
			return slo.Record{}, err
		}
		r.next++
		return v.record, nil
	}
}

// view says where a record is: in memory, in a segment, or not there yet.
type view struct {
	record   slo.Record
	inMemory bool
	segment  segment
	after    slo.Offset // the first record after the segment, if that is lost
	wait     <-chan struct{}
}

func (j *Journal) look(next slo.Offset) (view, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if next > j.durable {
		select {
		case <-j.written:
			return view{}, unavailable(errors.New("it is closed, and everything was read"))
		default:
			return view{wait: j.wake}, nil
		}
	}
	if record, ok := j.recent.get(next); ok {
		return view{record: record, inMemory: true}, nil
	}
	if oldest := j.segments[0].first; next < oldest {
		return view{}, gap(next, oldest)
	}
	i := len(j.segments) - 1
	for j.segments[i].first > next {
		i--
	}
	if j.segments[i].lost {
		return view{segment: j.segments[i], after: j.segments[i+1].first}, nil
	}
	return view{segment: j.segments[i]}, nil
}

// read returns the next record from its segment, and notes damage for the next
// Open.
func (r *Reader) read(s segment) (slo.Record, error) {
	record, err := r.fromFile(s)
	if errors.Is(err, ErrDamaged) {
		err = r.journal.suspect(s, err)
	}
	return record, err
}

func (r *Reader) fromFile(s segment) (slo.Record, error) {
	if err := r.enterFile(s); err != nil {
		return slo.Record{}, err
	}
	if err := r.scanner.seek(r.next, s.marks, s.end); err != nil {
		return slo.Record{}, err
	}
	at := r.scanner.position
	h, stored, err := r.scanner.record(s.end)
	if err != nil {
		return slo.Record{}, err
	}
	payload, ok := unpackPayload(h, stored)
	if !ok {
		// The scanner has moved on, the reader has not.
		return slo.Record{}, errors.Join(damaged(s.path, at, "the payload cannot be decompressed"), r.leaveFile())
	}
	r.next++
	return slo.Record{Offset: h.offset, Kind: h.kind, Arrival: instant(h.arrival), Payload: payload}, nil
}

// enterFile opens the segment unless it is open.
func (r *Reader) enterFile(s segment) error {
	if r.file != nil && r.segment == s.first {
		return nil
	}
	if err := r.leaveFile(); err != nil {
		return err
	}
	f, err := r.journal.fs.Open(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return r.journal.lost(s)
	}
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	r.file, r.segment, r.scanner = f, s.first, scan(f, s)
	return nil
}

// lost says why the file of a segment is not there: Trim has just deleted it,
// or somebody else did.
func (j *Journal) lost(s segment) error {
	j.trim.Lock() // a Trim in progress shows its work when it is done
	defer j.trim.Unlock()
	if oldest := j.Oldest(); s.first < oldest {
		return gap(s.first, oldest)
	}
	return fmt.Errorf("%w: %s is missing", ErrDamaged, s.path)
}

// leaveFile closes the open segment, so that a deleted file frees its space.
func (r *Reader) leaveFile() error {
	if r.file == nil {
		return nil
	}
	f := r.file
	r.file, r.scanner = nil, nil
	if err := f.Close(); err != nil {
		return fmt.Errorf("close segment: %w", err)
	}
	return nil
}

// Close frees what the reader holds; more than one call does no harm.
func (r *Reader) Close() error {
	r.closed = true
	return r.leaveFile()
}
