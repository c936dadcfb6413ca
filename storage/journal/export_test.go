package journal

import (
	"runtime"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// OpenOn is Open on a file system of the test's choice.
func OpenOn(fs disk.FS, dir string, o Options) (*Journal, error) { return open(fs, dir, o) }

// RecordHeaderBytes is what a record takes besides its payload.
const RecordHeaderBytes = recordHeaderBytes

// AwaitQueued returns when n records wait for the writer.
func (j *Journal) AwaitQueued(n int) {
	for len(j.queue) < n {
		runtime.Gosched()
	}
}

// ReadRecord reads a record whose header says what it likes under a checksum
// that is right.
func ReadRecord(stored []byte, size uint32) ([]byte, bool) {
	b := make([]byte, recordHeaderBytes)
	recordHeader{length: uint32(len(stored)), size: size, offset: 1}.put(7, b)
	h, ok := decodeRecordHeader(7, b)
	if !ok {
		return nil, false
	}
	return unpackPayload(h, stored)
}

// WalkSegment reads a segment as Walk does, and says whether it ends with a whole record.
func WalkSegment(content []byte, first uint64) (records []slo.Record, whole bool, err error) {
	_, whole, err = walkSegment(content, first, 0, func(r slo.Record) error {
		records = append(records, r)
		return nil
	})
	return records, whole, err
}
