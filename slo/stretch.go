package slo

import "time"

// Stretch is a run of records for which a series was counted, with the
// arrivals it covers: the records after After up to Through, or all that follow
// while Through is 0.
type Stretch struct {
	Interval
	After, Through Offset
	// Unplaced: it began under a version that did not note positions. After is
	// not known, nor is Through if it ended under that version, too. It can be
	// neither extended nor audited.
	Unplaced bool
}

// Recounted is what a recount adds to what was counted live: the records after
// After up to Through, judged for one series, joined to the stretch that began
// after Through. Their counts are in the deltas of the same commit.
type Recounted struct {
	Series         SeriesID
	After, Through Offset
	// Since is the arrival of the first of these records: the series is counted
	// from then on. Until is where the stretch that it is joined to began before.
	Since, Until time.Time
}
