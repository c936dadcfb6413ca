package slo

import "time"

// Counts are events of one series: good, bad, and unknown ones, which could
// not be judged (a failing condition). The SLI lies in
// [Good/Total, (Good+Unknown)/Total]; alerts use Bad/Total.
type Counts struct {
	Good, Bad, Unknown int64
}

// Total is the number of events: {Good: 97, Bad: 2, Unknown: 1} has 100.
func (c Counts) Total() int64 { return c.Good + c.Bad + c.Unknown }

// Plus returns the sum of both.
func (c Counts) Plus(d Counts) Counts {
	return Counts{Good: c.Good + d.Good, Bad: c.Bad + d.Bad, Unknown: c.Unknown + d.Unknown}
}

// Minus returns c with d taken away.
func (c Counts) Minus(d Counts) Counts {
	return Counts{Good: c.Good - d.Good, Bad: c.Bad - d.Bad, Unknown: c.Unknown - d.Unknown}
}

// SliceLength is the length of one bucket of the ledger in event time.
const SliceLength = 10 * time.Second

// Slice numbers the slices of event time since 1970-01-01T00:00:00Z: slice n
// covers [n*10s, (n+1)*10s). 2026-01-01T00:00:07Z lies in slice 176722560.
type Slice int64

// SliceOf returns the slice that t lies in.
func SliceOf(t time.Time) Slice {
	s := t.Unix()
	n := s / int64(SliceLength/time.Second)
	if s < 0 && s%int64(SliceLength/time.Second) != 0 {
		n--
	}
	return Slice(n)
}

// Start is the first instant of the slice.
func (s Slice) Start() time.Time {
	return time.Unix(int64(s)*int64(SliceLength/time.Second), 0).UTC()
}

// End is the first instant after the slice.
func (s Slice) End() time.Time { return (s + 1).Start() }

// Bucket is one row of the ledger: what one series counted in one slice.
type Bucket struct {
	Slice Slice
	// Minute: it holds the whole minute that begins with Slice, in an hour so
	// old that the ledger keeps no slices of it.
	Minute bool
	Counts Counts
	Corrections
	// Revisions counts the commits that corrected the bucket after it was
	// closed (with late events, or by a recount); RevisedAt is the newest.
	Revisions int64
	RevisedAt time.Time
}

// End is the first instant after the bucket.
func (b Bucket) End() time.Time {
	if b.Minute {
		return b.Slice.Start().Add(time.Minute)
	}
	return b.Slice.End()
}
