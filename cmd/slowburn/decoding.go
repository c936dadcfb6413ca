package main

import (
	"context"

	"github.com/slowburn-slo/slowburn/collector/decode"
	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// decodingReader reads the journal for those that keep up with it. What they
// have to read from files, when they lag or after a start, it decodes as the
// receiver does, so that they catch up at the speed at which they follow.
type decodingReader struct{ *journal.Reader }

// follow opens one after a record.
func follow(j *journal.Journal, after slo.Offset) (decodingReader, error) {
	reader, err := j.Reader(after)
	return decodingReader{reader}, err
}

// Next implements ledger.Reader and traffic.Reader. Decoded stays nil where the
// record is not a usual one.
func (r decodingReader) Next(ctx context.Context) (slo.Record, error) {
	record, err := r.Reader.Next(ctx)
	if err == nil && record.Kind == slo.RecordTraces && record.Decoded == nil {
		if spans, _, ok := decode.Traces(record.Payload); ok {
			record.Decoded = spans
		}
	}
	return record, err
}
