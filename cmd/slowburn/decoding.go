package main

import (
	"context"

	"github.com/slowburn-slo/slowburn/collector/decode"
	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// decodingReader reads the journal for those that keep up with it. What they
// have to read from files, when they lag or after a start, it decodes as the
// receiver does, one record ahead of them and beside them: decoding takes longer
// than all that they do.
type decodingReader struct {
	reader *journal.Reader
	ahead  chan slo.Record
	failed error // Before ahead is closed.
	stop   context.CancelFunc
}

// follow opens one after a record.
func follow(j *journal.Journal, after slo.Offset) (*decodingReader, error) {
	reader, err := j.Reader(after)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &decodingReader{reader: reader, ahead: make(chan slo.Record), stop: stop}
	go r.run(ctx)
	return r, nil
}

func (r *decodingReader) run(ctx context.Context) {
	defer close(r.ahead)
	for {
		record, err := r.reader.Next(ctx)
		if err != nil {
			r.failed = err
			return
		}
		if record.Kind == slo.RecordTraces && record.Decoded == nil {
			if spans, _, ok := decode.Traces(record.Payload); ok {
				record.Decoded = spans
			}
		}
		select {
		case r.ahead <- record:
		case <-ctx.Done():
			r.failed = ctx.Err()
			return
		}
	}
}

// Next implements ledger.Reader and traffic.Reader. Decoded stays nil where the
// record is not a usual one. An error of the journal ends the reading, and is
// told again.
func (r *decodingReader) Next(ctx context.Context) (slo.Record, error) {
	if err := ctx.Err(); err != nil {
		return slo.Record{}, err
	}
	select {
	case record, ok := <-r.ahead:
		if !ok {
			return slo.Record{}, r.failed
		}
		return record, nil
	case <-ctx.Done(): // The record ahead stays there.
		return slo.Record{}, ctx.Err()
	}
}

// Close ends the reading. Next MUST NOT be called during it or after it.
func (r *decodingReader) Close() error {
	r.stop()
	for range r.ahead { // Until run has ended.
	}
	return r.reader.Close()
}
