// Package failpoint names the places at which the crash harness kills the
// process, and the bugs that it plants to prove that it would find them. In a
// build without the tag "crash" both do nothing and cost nothing.
package failpoint

// Point is a place at which the process can be killed.
type Point string

// The kill points, in the order of the data.
const (
	BodyRead       Point = "K1"  // A request's body was read.
	Decoded        Point = "K2"  // It was decoded.
	Written        Point = "K3"  // The group is written to the journal, not synced.
	Synced         Point = "K4"  // It is synced, nobody was answered.
	Acknowledged   Point = "K5"  // It was answered, the ledger has not read it.
	DedupSync      Point = "K6"  // In the middle of storing sightings.
	InTransaction  Point = "K7"  // Inside a transaction of the ledger.
	CommitSent     Point = "K8"  // COMMIT was sent, its answer not read.
	Committed      Point = "K9"  // Committed, the journal not trimmed.
	SegmentDeleted Point = "K10" // A segment was deleted, its folder not synced.
	Compaction     Point = "K11" // In the middle of merging runs of sightings.
	OutboxClaimed  Point = "K12" // Notifications are claimed, nothing was sent.
	RequestSent    Point = "K13" // A notification was sent, no answer was read.
	Answered       Point = "K14" // It was answered, that is not recorded.
	InMigration    Point = "K15" // Between two statements of a migration.
	SetActivating  Point = "K16" // A definitions record is durable, not in force.
	RecountStored  Point = "K17" // A stretch was recounted, not committed.
	EpisodeStored  Point = "K18" // Transitions are stored, nobody was woken.
	SegmentCreated Point = "K19" // A new segment has its name, its folder is not synced.
	InPacking      Point = "K20" // Buckets are deleted, their hour is not packed.
)

// Bug is a bug that can be planted.
type Bug string

// The bugs. Each is what the name says.
const (
	AckBeforeSync       Bug = "ack-before-sync"
	SkipDirSync         Bug = "skip-dir-sync"
	RetryFsync          Bug = "retry-fsync"
	DedupAfterCommit    Bug = "dedup-after-commit"
	NoFence             Bug = "no-fence"
	TrimEarly           Bug = "trim-early"
	FloatCounts         Bug = "float-counts"
	DeliveredBeforeSent Bug = "delivered-before-sent"
)
