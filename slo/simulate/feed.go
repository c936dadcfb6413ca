package simulate

import (
	"cmp"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// feed gives the buckets of one series to its track as time goes by.
type feed struct {
	buckets []slo.Bucket
	next    int
	track   *slo.Track
	// watermark is the end of the newest bucket that was given; zero before.
	watermark time.Time
}

// newFeed sorts the buckets, leaves out the empty ones, and what no step sees.
func newFeed(buckets []slo.Bucket, to time.Time, longest time.Duration) *feed {
	last := slo.SliceOf(to)
	kept := make([]slo.Bucket, 0, len(buckets))
	for _, b := range buckets {
		if b.Counts.Total() <= 0 || b.Slice < 0 || b.Slice >= last {
			continue
		}
		if b.Minute {
			kept = appendSlices(kept, b, last)
			continue
		}
		kept = append(kept, b)
	}
	bySlice := func(a, b slo.Bucket) int { return cmp.Compare(a.Slice, b.Slice) }
	if !slices.IsSortedFunc(kept, bySlice) {
		slices.SortStableFunc(kept, bySlice)
	}
	return &feed{buckets: kept, track: slo.NewTrack(longest)}
}

// until gives what has ended by an instant.
func (f *feed) until(at time.Time) {
	end := slo.SliceOf(at)
	for ; f.next < len(f.buckets) && f.buckets[f.next].Slice < end; f.next++ {
		b := f.buckets[f.next]
		f.track.Add(b.Slice, b.Counts)
		f.watermark = b.Slice.End()
	}
}

// state is what the engine would know of the series beside its buckets.
func (f *feed) state(since time.Time) slo.SeriesState {
	return slo.SeriesState{Watermark: f.watermark, Counted: []slo.Interval{{From: since}}}
}

// minute is how many slices a minute has.
const minute = slo.Slice(time.Minute / slo.SliceLength)

// appendSlices spreads a bucket of a whole minute evenly over its slices: when
// in the minute its events were is not known any more.
func appendSlices(all []slo.Bucket, b slo.Bucket, last slo.Slice) []slo.Bucket {
	var before slo.Counts
	for i := range minute {
		part := func(n int64) int64 { return n/int64(minute)*int64(i+1) + n%int64(minute)*int64(i+1)/int64(minute) }
		upTo := slo.Counts{Good: part(b.Counts.Good), Bad: part(b.Counts.Bad), Unknown: part(b.Counts.Unknown)}
		c := upTo.Minus(before)
		before = upTo
		if c.Total() > 0 && b.Slice+i < last {
			all = append(all, slo.Bucket{Slice: b.Slice + i, Counts: c})
		}
	}
	return all
}

// oldest is where the first bucket of all begins; zero without any.
func oldest(feeds map[slo.SeriesID]*feed) time.Time {
	var first time.Time
	for _, f := range feeds {
		if len(f.buckets) == 0 {
			continue
		}
		if at := f.buckets[0].Slice.Start(); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}
