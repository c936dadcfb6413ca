package traffic

import (
	"math"
	"time"
)

// histogram counts durations in buckets that grow by the fourth root of two,
// as an exponential histogram of OpenTelemetry of scale 2 does: a bucket's
// geometric middle is at most 9 % away from what it holds.
type histogram struct {
	// first is the index of counts[0]; only buckets between the least and the
	// greatest duration take memory.
	first  int
	counts []uint32
}

const (
	bucketsPerOctave = 4
	// maxBucket holds everything from 2^42 ns (73 minutes) on.
	maxBucket = 42 * bucketsPerOctave
)

// bucketOf is the index of a duration: floor(4 log2(ns)).
func bucketOf(d time.Duration) int {
	if d <= 1 {
		return 0
	}
	return min(int(math.Log2(float64(d))*bucketsPerOctave), maxBucket)
}

// middle is the geometric middle of a bucket: 2^((i + 1/2) / 4) ns.
func middle(bucket int) time.Duration {
	return time.Duration(math.Exp2((float64(bucket) + 0.5) / bucketsPerOctave))
}

func (h *histogram) add(bucket int, n uint32) {
	switch {
	case len(h.counts) == 0:
		h.first, h.counts = bucket, make([]uint32, 1, bucketsPerOctave)
	case bucket < h.first:
		grown := make([]uint32, h.first-bucket+len(h.counts))
		copy(grown[h.first-bucket:], h.counts)
		h.first, h.counts = bucket, grown
	default:
		for bucket-h.first >= len(h.counts) {
			h.counts = append(h.counts, 0)
		}
	}
	h.counts[bucket-h.first] += n
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		if n > 0 {
			h.add(other.first+i, n)
		}
	}
}

// quantile is the middle of the bucket that holds the share q of all
// durations, at most 9 % away from the true one; 0 without any.
func (h *histogram) quantile(q float64) time.Duration {
	var total, sum uint64
	for _, n := range h.counts {
		total += uint64(n)
	}
	if total == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(total)))
	for i, n := range h.counts {
		if sum += uint64(n); sum >= rank {
			return middle(h.first + i)
		}
	}
	return middle(h.first + len(h.counts) - 1)
}
