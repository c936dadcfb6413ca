package slo

import "time"

// Delta is what one commit adds to one bucket.
type Delta struct {
	Series SeriesID
	Slice  Slice
	Counts Counts
	Corrections
}

// Corrections is what befell one bucket beside its counts.
type Corrections struct {
	// Late is how many of the counted events arrived more than LateAfter after
	// the end of their slice.
	Late int64
	// Repeats and Conflicts are events of the series that were not counted
	// because they had been seen before (see Sighted).
	Repeats, Conflicts int64
}

// Plus returns the sum of both.
func (c Corrections) Plus(d Corrections) Corrections {
	return Corrections{Late: c.Late + d.Late, Repeats: c.Repeats + d.Repeats, Conflicts: c.Conflicts + d.Conflicts}
}

// LateAfter is how long after the end of its slice an event is in time. What
// comes later corrects a bucket that verdicts have rested on: windows end at
// the newest event for that long (see Reading), then at now.
const LateAfter = 2 * time.Minute

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
	// Refused counts items that were refused for good, by reason.
	Refused map[string]int64
	// Refusals are the same by signal and service, at most one for each.
	Refusals []Refusal
	// Repeats and Conflicts count the items that were not counted because they
	// had been seen before, whether or not an objective asks for them.
	Repeats, Conflicts int64
	// Gaps are stretches in which nothing was accepted.
	Gaps []Interval
	// Services are the services seen, with the spans of this commit only.
	Services []Service
	// Definitions is the set of series in force after To (see EncodeSeries)
	// if it changed in this commit, else nil. Started and Stopped name the
	// series that came and went, with the instant of the change.
	Definitions []byte
	// They are counted in the records after To, or no longer.
	Started map[SeriesID]time.Time
	Stopped map[SeriesID]time.Time
	// Recounted are stretches of earlier records whose counts are among the
	// deltas. A commit with any holds no records: From equals To.
	Recounted []Recounted
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

// Detail is what a reader of the ledger needs by the minute, however old it is.
type Detail struct {
	// Hours are hours since 1970, of every series.
	Hours map[int64]bool
	// Series are whole series. They are read in the order of their slices, each
	// slice in one part.
	Series map[SeriesID]bool
}
