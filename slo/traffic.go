package slo

import "time"

// SpanKind is the kind of a span as OpenTelemetry names it, in lower case.
type SpanKind string

// The kinds of spans whose traffic is kept: those that answer somebody.
const (
	ServerSpan   SpanKind = "server"
	ConsumerSpan SpanKind = "consumer"
)

// Operation is what a service does for others: its server or consumer spans
// of one name.
type Operation struct {
	Service string
	// Name is the span's name; empty stands for all of the service's.
	Name string
	Kind SpanKind
}

// Traffic is the rate, errors and latency of one operation over a stretch of
// event time.
type Traffic struct {
	Operation
	// From and To bound the stretch, [From, To).
	From, To time.Time
	// Spans is how many ended in it, Errors how many of them with the status
	// error.
	Spans, Errors int64
	// P50, P95 and P99 are quantiles of the duration; the true value is at
	// most 10 % away. 0 without spans.
	P50, P95, P99 time.Duration
	// LastSeen is the newest end of a span of the operation.
	LastSeen time.Time
	// Steps divides the stretch evenly, the oldest first; the last has just begun.
	Steps []TrafficStep
}

// TrafficStep is one of the even parts of a stretch of Traffic.
type TrafficStep struct{ Spans, Errors int64 }

// Preview is what an indicator would have counted in the newest part of the
// journal.
type Preview struct {
	// From and To are the arrivals of the first and last record that were
	// read; zero if the journal holds none.
	From, To time.Time
	// Whole reports that the whole kept journal was read, not only its newest part.
	Whole bool
	// Spans is how many spans were looked at; Counts what the indicator made of them.
	Spans  int64
	Counts Counts
	// Good, Bad and Unknown are samples of each verdict, at most five, the newest first.
	Good, Bad, Unknown []SpanSample
}

// SpanSample is one span, to be shown.
type SpanSample struct {
	TraceID, SpanID string
	Service, Name   string
	// Kind is the span's kind in lower case ("server"), Status its status code
	// ("unset", "ok", "error"), Message the status message.
	Kind, Status, Message string
	Start                 time.Time
	Duration              time.Duration
	// Attributes are the span's own, sorted by key, at most twelve, values cut
	// to 200 bytes.
	Attributes []Attribute
}

// Attribute is a key and its value as text.
type Attribute struct{ Key, Value string }
