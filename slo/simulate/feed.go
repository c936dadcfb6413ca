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
		if b.Counts.Total() > 0 && b.Slice >= 0 && b.Slice < last {
			kept = append(kept, b)
		}
	}
	bySlice := func(a, b slo.Bucket) int { return cmp.Compare(a.Slice, b.Slice) }
	if !slices.IsSortedFunc(kept, bySlice) {
		slices.SortStableFunc(kept, bySlice)
	}
	return &feed{buckets: kept, track: slo.NewTrack(longest)}
}

// until gives what has ended by an instant.
func (f *feed) until(at time.Time, step slo.Slice) {
	end := slo.SliceOf(at)
	newest := slo.Slice(-1)
	for f.next < len(f.buckets) && f.buckets[f.next].Slice+step <= end {
		b := f.buckets[f.next]
		f.track.Add(b.Slice, b.Counts)
		newest = b.Slice
		f.next++
	}
	if newest >= 0 {
		f.watermark = (newest + step).Start()
	}
}

// state is what the engine would know of the series beside its buckets.
func (f *feed) state(since time.Time) slo.SeriesState {
	return slo.SeriesState{Watermark: f.watermark, Counted: []slo.Interval{{From: since}}}
}

const minute = slo.Slice(time.Minute / slo.SliceLength)

// stepOf is the length of a step, in slices: a minute if every bucket begins
// with one, and there is more than one bucket to tell by.
func stepOf(feeds map[slo.SeriesID]*feed) slo.Slice {
	n := 0
	for _, f := range feeds {
		for _, b := range f.buckets {
			if b.Slice%minute != 0 {
				return 1
			}
		}
		n += len(f.buckets)
	}
	if n < 2 {
		return 1
	}
	return minute
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
