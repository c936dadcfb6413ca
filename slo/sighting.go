package slo

import "time"

// ItemID identifies an item (a span) whichever batch it comes in: a 128-bit
// hash over what makes it the same item (see slo/indicator).
type ItemID [16]byte

// Sighting is one arrival of an item.
type Sighting struct {
	ID ItemID
	// Content is a hash of all of the item, to tell a repeat from a conflict.
	Content uint64
}

// Sighted says whether an item was seen before, within the deduplication
// horizon: whether the same identity arrived in an earlier record, or earlier in
// the same one, at most the horizon before.
//
// Every arrival counts as a sighting, also that of a repeat. The verdict thus
// depends on one horizon of the journal before the item and on nothing else: not
// on the objectives of the time, and not on what lies further back. That is
// what lets a recount or an audit arrive at the same verdict.
type Sighted uint8

// The verdicts. Only a first sighting is counted; of items that conflict the first wins.
const (
	// First: not seen within the horizon.
	First Sighted = iota
	// Repeat: seen before, with the same content as at the sighting before.
	Repeat
	// Conflict: seen before, with other content than at the sighting before.
	Conflict
)

// RepeatedItem names an item that was not counted because it was seen before:
// the record it came in, its place among the spans of that record (in their
// order, from 0), and Repeat or Conflict.
type RepeatedItem struct {
	Offset  Offset
	Place   int
	Verdict Sighted
}

// Horizon is how far back repeats are recognised unless set otherwise: retries of
// the Go SDK end after one minute, those of the Collector after five.
const Horizon = time.Hour
