package simulate

import (
	"fmt"
	"sort"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Expand finds when exclusions are within [from, to), in any order; it is never
// asked for more than expandOver at once.
type Expand func(exclusions []slo.Exclusion, from, to time.Time) ([]slo.Excluded, error)

// expandOver is over how long exclusions are found at once: rules are refused
// that would hold too often over more.
const expandOver = slo.MaxWindow

// excluded are the stretches in [from, to) that an SLO is not judged by.
func (o Options) excluded(definition slo.SLO, from, to time.Time) ([]slo.Excluded, error) {
	if len(definition.Exclusions) == 0 {
		return nil, nil
	}
	if o.Expand == nil {
		return nil, fmt.Errorf("%s has exclusions, and nothing that finds when they are", definition.Name)
	}
	var all []slo.Excluded
	for at := from; at.Before(to); at = at.Add(expandOver) {
		end := at.Add(expandOver)
		if end.After(to) {
			end = to
		}
		some, err := o.Expand(definition.Exclusions, at, end)
		if err != nil {
			return nil, fmt.Errorf("find when the exclusions of %s are: %w", definition.Name, err)
		}
		all = append(all, some...)
	}
	return slo.Excluding(all, from, to), nil // One that two of these stretches hold is one again.
}

// excludedAt is the stretch that a slice lies in, nil for none.
func excludedAt(excluded []slo.Excluded, at slo.Slice) *slo.Excluded {
	i := sort.Search(len(excluded), func(i int) bool { return slo.SliceOf(excluded[i].To) > at })
	if i < len(excluded) && slo.SliceOf(excluded[i].From) <= at {
		return &excluded[i]
	}
	return nil
}

// judged are the buckets as they are judged by: those that count as good do so,
// and those that are dropped are not there.
func judged(buckets []slo.Bucket, excluded []slo.Excluded) []slo.Bucket {
	if len(excluded) == 0 {
		return buckets
	}
	kept := make([]slo.Bucket, 0, len(buckets))
	for _, b := range buckets {
		if e := excludedAt(excluded, b.Slice); e != nil {
			b.Counts = e.As.Leaves(b.Counts)
		}
		if b.Counts.Total() > 0 {
			kept = append(kept, b)
		}
	}
	return kept
}

// waited is how much of [from, to) is not excluded.
func waited(excluded []slo.Excluded, from, to time.Time) time.Duration {
	left := to.Sub(from)
	first := sort.Search(len(excluded), func(i int) bool { return excluded[i].To.After(from) })
	for _, e := range excluded[first:] {
		if !e.From.Before(to) {
			break
		}
		begin, end := e.From, e.To
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		left -= end.Sub(begin)
	}
	return left
}
