package slo

import "time"

// Snapshot is what the ledger of one shard says at one moment, for an audit:
// everything in it belongs together.
type Snapshot struct {
	Cursor Cursor
	// Stretches are the records for which each series was counted, by series.
	Stretches map[SeriesID][]Stretch
	// Buckets are those of the slices asked for, by series, the oldest first.
	Buckets map[SeriesID][]Bucket
	// Fine is the first of the slices asked for from which on no bucket is of a
	// whole minute.
	Fine Slice
}

// Difference is one bucket that an audit counts otherwise than the ledger.
type Difference struct {
	Series SeriesID
	Slice  Slice
	// Ledger is what is stored, Recount what the journal says.
	Ledger, Recount Counts
}

// Audit is the result of one audit of the slices [From, To) of one shard.
type Audit struct {
	Shard    string
	At       time.Time
	From, To Slice
	// Cursor is that of the snapshot that was compared: what is committed later
	// the audit does not speak of.
	Cursor Cursor
	// Through is the newest record that was recounted.
	Through Offset
	// Buckets is how many were compared, Spans how many were recounted.
	Buckets, Spans int64
	// Series are those that were compared; others had no stretch that the
	// journal still holds whole.
	Series []SeriesID
	// Differences are those found, at most MaxDifferences of Differing.
	Differences []Difference
	Differing   int64
	// Sealed: the journal is about to lose records that these slices rest on;
	// this is the last word on them. SealedThrough is then the newest record
	// all of whose events, and of those before it, lie in slices that have one.
	Sealed        bool
	SealedThrough Offset
}

// MaxDifferences bounds the differences that are kept of one audit.
const MaxDifferences = 100

// AuditVerdict is what audits say of one bucket.
type AuditVerdict string

// The verdicts of audits.
const (
	// NotAudited: no audit has compared it since it was last changed.
	NotAudited AuditVerdict = "not audited"
	// AuditEqual: the newest audit counted the same.
	AuditEqual AuditVerdict = "equal"
	// AuditDiffers: the newest audit counted otherwise.
	AuditDiffers AuditVerdict = "differs"
)

// SliceVerdict is what audits say of the slices [From, To) of one series.
type SliceVerdict struct {
	From, To Slice
	Verdict  AuditVerdict
	// At is when the newest audit that compared the slices ran, also if they
	// have changed since; zero if there is none. Sealed: it was the last.
	At     time.Time
	Sealed bool
}
