package slo

import "time"

// RecountState is how the recount of one series is doing.
type RecountState struct {
	Series SeriesID
	// Since is from when on every accepted event is counted by now; Oldest is
	// how far back the journal reaches.
	Since, Oldest time.Time
	// Running: earlier records are being recounted. Done: nothing earlier can be.
	Running, Done bool
	// Spans is how many were judged again since the start of the process.
	Spans int64
	// Err is why it does not go on at the moment; empty if it does.
	Err string
}
