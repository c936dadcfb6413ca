package slo

import "time"

// Offset is the position of a record in one journal: the first record has
// offset 1, the next 2, without gaps. 0 stands before the first record, so a
// cursor of 0 has read nothing.
type Offset uint64

// RecordKind says what the payload of a journal record is.
type RecordKind uint8

// The kinds of journal records. The numbers are stored on disk: never reuse one.
const (
	// RecordTraces holds spans: an OTLP TracesData message (protobuf).
	RecordTraces RecordKind = 1
	// RecordMetrics holds metrics: an OTLP MetricsData message (protobuf).
	RecordMetrics RecordKind = 2
	// RecordDefinitions holds the set of series in force from here on: see EncodeSeries.
	RecordDefinitions RecordKind = 3
	// RecordHeartbeat has no payload; it says that Slowburn was accepting at its arrival time.
	RecordHeartbeat RecordKind = 4
	// RecordRefusals holds numbers of items that were refused: see EncodeRefusals.
	RecordRefusals RecordKind = 5
)

// String names the kind as logs and errors show it.
func (k RecordKind) String() string {
	switch k {
	case RecordTraces:
		return "traces"
	case RecordMetrics:
		return "metrics"
	case RecordDefinitions:
		return "definitions"
	case RecordHeartbeat:
		return "heartbeat"
	case RecordRefusals:
		return "refusals"
	default:
		return "unknown"
	}
}

// Record is one entry of the journal. Before it is appended, Offset and
// Arrival are zero; the journal assigns both.
type Record struct {
	Offset  Offset
	Kind    RecordKind
	Arrival time.Time
	// Payload is the uncompressed content. A reader MUST NOT change it.
	Payload []byte
	// Decoded may carry the same content already decoded, handed over in
	// memory by whoever appended it; nil after a restart or when a reader
	// lags. A reader MUST treat it as read-only and MUST be able to decode
	// Payload instead.
	Decoded any
}
