package slo

import "time"

// Hole is a stretch of a journal that was damaged and given up by the operator:
// the records after After up to Through are gone for good. Readers go from the
// record before it to the one after it, so these jumps of the offset, and no
// others, are to be accepted, and the time between is not measured. Through may
// be far above the newest record that was ever there, where that was unknown.
type Hole struct {
	After, Through Offset
	// From is the arrival of the record at After, zero if that is unknown. To is
	// a time at or after the arrivals that were lost, and not after that of the
	// record that follows.
	From, To time.Time
}
