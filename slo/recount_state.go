package slo

import "time"

// RecountState is how far the recount of one series has got. A recount goes
// back from where live counting began to the oldest record of the journal.
type RecountState struct {
	Series SeriesID
	// Since is from when on the series is counted by now: it moves back while
	// the recount runs.
	Since time.Time
	// Oldest is how far the journal reaches back, where the recount ends.
	Oldest time.Time
	// Running: it waits or reads. Done: it has reached Oldest. Neither is true
	// of one that was ended by Err.
	Running, Done bool
	// Spans is how many were read so far.
	Spans int64
	// Err is why it ended early, empty if it did not.
	Err string
}
