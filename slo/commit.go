package slo

import "time"

// Delta is what one commit adds to one bucket.
type Delta struct {
	Series SeriesID
	Slice  Slice
	Counts Counts
}

// Interval is a stretch of time, [From, To). A zero To means "still going on".
type Interval struct {
	From, To time.Time
}

// SeriesInterval is a stretch in which a series was counted.
type SeriesInterval struct {
	Series SeriesID
	Interval
}

// Service is a service seen in the telemetry.
type Service struct {
	Name string
	// Spans is how many spans named it.
	Spans int64
	// LastSeen is the newest span end.
	LastSeen time.Time
}

// Commit is what the ledger adds in one transaction of one shard: the counts
// of the records after From up to To, and the cursor that moves over them.
type Commit struct {
	Shard string
	// Sequence counts the commits of the shard from 1, without gaps.
	Sequence int64
	From, To Offset
	// MeasuredUntil is the arrival of the record at To.
	MeasuredUntil time.Time
	// Deltas has at most one entry for each series and slice.
	Deltas []Delta
	// Watermarks is the newest event time counted for each touched series.
	Watermarks map[SeriesID]time.Time
	// Refused counts spans outside the lateness bound, by reason.
	Refused map[string]int64
	// Gaps are stretches in which nothing was accepted.
	Gaps []Interval
	// Services are the services seen, with the spans of this commit only.
	Services []Service
	// Definitions is the set of series in force after To (see EncodeSeries)
	// if it changed in this commit, else nil. Started and Stopped name the
	// series that came and went, with the instant of the change.
	Definitions []byte
	Started     map[SeriesID]time.Time
	Stopped     map[SeriesID]time.Time
}

// Cursor is how far the ledger of one shard has got.
type Cursor struct {
	Offset        Offset
	Sequence      int64
	MeasuredUntil time.Time
	// Definitions is the set of series in force at Offset, nil before the first.
	Definitions []byte
}

// Coverage is what was measured: since when the journal exists, until when
// the ledger has read it, and the gaps between.
type Coverage struct {
	Since, Until time.Time
	Gaps         []Interval
}

// SeriesState is what the ledger knows of a series beside its buckets.
type SeriesState struct {
	// Watermark is the newest event time counted; zero before the first event.
	Watermark time.Time
	// Counted are the stretches in which the series was in force.
	Counted []Interval
}
