// Package audit counts a second time, and compares. It reads the journal
// again, finds repeats by sorting instead of by looking up, judges every span by
// itself, and holds the result against the ledger, bucket by bucket.
//
// It is written to be slow and plain, and shares nothing with what it checks
// but the words of package slo, the decoding of OTLP and the evaluation of OTTL
// conditions and values: a mistake must be made twice to go unseen.
//
// What can be compared. A record that arrives at a counts only in slices that
// end after a minus the lateness bound and begin no later than a plus the future
// bound. Whether one of its spans is a repeat depends on the records of one
// deduplication horizon before a. A slice can thus be audited while the journal
// holds every record since its start, less the future bound, less the horizon;
// while the journal still begins with record 1, all can.
package audit
