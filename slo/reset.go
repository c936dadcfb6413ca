package slo

import (
	"slices"
	"time"
)

// Reset begins a budget anew: what was spent before it no longer counts.
type Reset struct {
	SLO string
	// Objective is its index, that behind the last for a composite.
	Objective int
	At        time.Time
	Reason    string
}

// ResetsSince are those that are not of before an instant: of an SLO that had the
// name before it was deleted, say.
func ResetsSince(resets []Reset, at time.Time) []Reset {
	for i, r := range resets {
		if r.At.Before(at) {
			kept := slices.Clone(resets[:i])
			for _, later := range resets[i:] {
				if !later.At.Before(at) {
					kept = append(kept, later)
				}
			}
			return kept
		}
	}
	return resets
}

// MaxResetReason is how many bytes the reason of a reset may have.
const MaxResetReason = 255

// ResetSlice is the first slice of a window that begins with a reset: on the
// whole minute at or after it, which every age of the ledger keeps.
func ResetSlice(at time.Time) Slice {
	return SliceOf(at.Add(time.Minute - time.Nanosecond).Truncate(time.Minute))
}

// windowSince is the first slice of the window that ends at to, and whether it
// begins there because of a reset.
func (p *Plan) windowSince(r *Reading, to time.Time) (from Slice, reset bool) {
	from = p.windowFrom(to)
	if r.ResetAt.IsZero() {
		return from, false
	}
	if at := ResetSlice(r.ResetAt); at >= from {
		return at, true
	}
	return from, false
}
