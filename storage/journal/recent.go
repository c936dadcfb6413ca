package journal

import "github.com/slowburn-slo/slowburn/slo"

// recordOverhead is what a record costs in memory besides its payload, so that
// heartbeats cannot pile up for ever.
const recordOverhead = 128

// recent holds the newest records in memory, without gaps up to the newest.
type recent struct {
	limit   int64 // bytes
	used    int64 // bytes
	records []slo.Record
	head    int // records[:head] are dropped
}

func cost(r slo.Record) int64 { return int64(len(r.Payload)) + recordOverhead }

// push adds the next record and drops the oldest ones above the limit.
func (r *recent) push(record slo.Record) {
	r.records = append(r.records, record)
	r.used += cost(record)
	for r.used > r.limit && r.head < len(r.records) {
		r.used -= cost(r.records[r.head])
		r.records[r.head] = slo.Record{}
		r.head++
	}
	if r.head > len(r.records)/2 {
		n := copy(r.records, r.records[r.head:])
		clear(r.records[n:])
		r.records, r.head = r.records[:n], 0
	}
}

// get returns the record with this offset, or false when it is not held.
func (r *recent) get(offset slo.Offset) (slo.Record, bool) {
	held := r.records[r.head:]
	if len(held) == 0 || offset < held[0].Offset || offset-held[0].Offset >= slo.Offset(len(held)) {
		return slo.Record{}, false
	}
	return held[offset-held[0].Offset], true
}
