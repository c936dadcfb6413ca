// Package simulate drives objectives over buckets that were recorded or made
// up, with a clock of its own, and judges them exactly as the engine does live:
// what would have paged, when, and how long. It does no I/O.
//
// Time goes by in steps of a slice (10 s). A bucket is seen at the step at which
// it ends, with all of its events, and the watermark of its series is that end.
// Live, events are seen a moment after they arrive, and the open slice is judged
// as well: what happens here is at most a slice later than it would be with
// telemetry that arrives at once. What the way of the telemetry takes comes on
// top. A bucket of a whole minute counts as spread evenly over its slices.
package simulate

import (
	"errors"
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Series are buckets by series, in any order. Empty ones do not count: a
// watermark is the end of a bucket with events.
type Series map[slo.SeriesID][]slo.Bucket

// Options say what a run is asked for beside its episodes.
type Options struct {
	// CountedSince is from when on the series count as measured; zero is the
	// beginning of the oldest bucket, or from if that is earlier.
	CountedSince time.Time
	// At are instants whose status is kept: that of the last step up to each.
	At []time.Time
	// BudgetPoints is about how many points the course of the budget has; 0 is 100.
	BudgetPoints int
	// Expand finds when exclusions are; an SLO that has some MUST come with it.
	Expand Expand
	// EveryStep evaluates at every step, also where nothing can change. It gives
	// the same result, slowly: tests compare with it.
	EveryStep bool
}

// Result is what became of the objectives of one SLO.
type Result struct {
	// From and To are the first and the last step.
	From, To time.Time
	// Objectives are those of the SLO, the composite last.
	Objectives []Objective
}

// Objective is what became of one objective.
type Objective struct {
	Index       int
	DisplayName string
	// Episodes are in the order in which they began.
	Episodes []Episode
	// Tiers are the tiers of the objective, those left out included.
	Tiers []TierUse
	// Status is that of the last step, At those of Options.At.
	Status slo.ObjectiveStatus
	At     []slo.ObjectiveStatus
	// Budget is what was left of the budget over time.
	Budget []BudgetPoint
	// Evaluations is how often the objective was judged.
	Evaluations int
}

// Episode is one episode with the evidence of its beginning and its end. One
// that has lapsed never fired; one that has not ended is pending or firing.
type Episode struct {
	slo.Episode
	Tier slo.Tier
	// Began is the verdict that made it fire, of a lapsed one that made it pend.
	Began slo.TierStatus
	// BudgetLeft is what remained of the budget when it began to fire.
	BudgetLeft float64
	// Ended is the verdict that ended it; of no meaning before that.
	Ended slo.TierStatus
}

// Fired reports whether the episode has ever fired.
func (e Episode) Fired() bool { return !e.FiredAt.IsZero() }

// Tells reports whether somebody is told that the episode fires.
func (e Episode) Tells() bool { return e.Fired() && !e.Tier.Muted }

// End is when the episode ceased to fire, or to for one that still does.
func (e Episode) End(to time.Time) time.Time {
	if e.ResolvedAt.IsZero() {
		return to
	}
	return e.ResolvedAt
}

// TierUse is how often one tier fired, and how long in all.
type TierUse struct {
	slo.Tier
	Fired  int
	Firing time.Duration
}

// BudgetPoint is the budget at one instant. Without events (HasBudget is false)
// it has no meaning.
type BudgetPoint struct {
	At        time.Time
	Left      float64
	HasBudget bool
}

// MaxRange bounds how long a run may be, the buckets before it included.
const MaxRange = 3 * slo.MaxWindow

var errEmptyRange = errors.New("from is not before to")

// Run drives the objectives of an SLO over [from, to]. Buckets before from fill
// the look-backs. What the SLO's series are not needs no buckets.
func Run(definition slo.SLO, series Series, from, to time.Time, options Options) (Result, error) {
	d, err := newDrive([]slo.SLO{definition}, series, from, to, options)
	if err != nil {
		return Result{}, err
	}
	if err := d.run(); err != nil {
		return Result{}, err
	}
	return d.result(0), nil
}

// checkRange refuses what cannot be driven.
func checkRange(from, to time.Time) error {
	switch {
	case !from.Before(to):
		return fmt.Errorf("%w: %s, %s", errEmptyRange, from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	case from.Unix() < 0:
		return fmt.Errorf("from %s lies before 1970", from.UTC().Format(time.RFC3339))
	case to.Sub(from) > MaxRange:
		return fmt.Errorf("from and to are more than %s apart", slo.FormatDuration(MaxRange))
	default:
		return nil
	}
}
