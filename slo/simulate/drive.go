package simulate

import (
	"errors"
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// drive judges definitions that differ in their policies alone, side by side
// over the same buckets.
type drive struct {
	from, to time.Time
	feeds    map[slo.SeriesID]*feed
	lanes    []*lane
	// excluded are the stretches that nothing is judged by.
	excluded []slo.Excluded
	// runs are the objectives of the first definition, then those of the next.
	runs    []*run
	options Options
}

func newDrive(definitions []slo.SLO, series Series, from, to time.Time, options Options) (*drive, error) {
	if err := checkRange(from, to); err != nil {
		return nil, err
	}
	first := definitions[0]
	plans := make([][]slo.Plan, len(definitions))
	var longest time.Duration
	for i, definition := range definitions {
		for k := range definition.Evaluated() {
			plan := slo.NewPlan(definition, k)
			plans[i] = append(plans[i], plan)
			longest = max(longest, plan.Longest())
		}
	}
	d := &drive{feeds: map[slo.SeriesID]*feed{}, options: options}
	for i := range first.Objectives {
		if id := first.SeriesOf(i).ID; d.feeds[id] == nil {
			d.feeds[id] = newFeed(series[id], to, longest)
		}
	}
	d.from, d.to = ceil(from), to.Truncate(step)
	if d.from.After(d.to) {
		return nil, fmt.Errorf("%w in steps of %s", errEmptyRange, slo.FormatDuration(step))
	}
	begin := d.from
	if at := oldest(d.feeds); !at.IsZero() && at.Before(begin) {
		begin = at
	}
	if d.to.Sub(begin) > MaxRange {
		return nil, fmt.Errorf("the buckets reach back %s, more than %s", slo.FormatDuration(d.to.Sub(begin)), slo.FormatDuration(MaxRange))
	}
	since := options.CountedSince
	if since.IsZero() {
		since = begin
	}
	// Windows of the first steps reach back before the first bucket.
	excluded, err := options.excluded(first, begin.Add(-longest-time.Hour), d.to.Add(step))
	if err != nil {
		return nil, err
	}
	d.excluded = excluded
	known := map[*feed]*sums{}
	sumsOf := func(f *feed) *sums {
		if known[f] == nil {
			known[f] = eventSums(f, slo.SliceOf(begin), slo.SliceOf(d.to)+1, excluded)
		}
		return known[f]
	}
	for k := range first.Evaluated() {
		l := newLane(first, k, d.feeds, sumsOf, longest, excluded)
		l.since = since
		d.lanes = append(d.lanes, l)
	}
	for i, definition := range definitions {
		for k, plan := range plans[i] {
			d.runs = append(d.runs, newRun(d, d.lanes[k], definition, plan))
		}
	}
	return d, nil
}

// step is how far evaluations lie apart where something may change.
const step = slo.SliceLength

// ceil is the first step at an instant or after it.
func ceil(t time.Time) time.Time {
	if floor := t.Truncate(step); floor.Before(t) {
		return floor.Add(step)
	}
	return t
}

var errLost = errors.New("detail of the past that a calendar or time slices need is gone")

// run lets time go by, from each instant at which something may change to the next.
func (d *drive) run() error {
	for _, l := range d.lanes { // Before any event: an empty history takes every pin.
		l.pinAll(slo.ExcludedEdges(d.excluded))
	}
	for _, r := range d.runs {
		r.lane.pin(&r.plan, d.from)
	}
	for at := d.from; !at.After(d.to); {
		for _, f := range d.feeds {
			f.until(at)
		}
		next := d.to.Add(step)
		for _, r := range d.runs {
			if r.next.Equal(at) {
				if err := r.judge(at); err != nil {
					return err
				}
			}
			if r.next.Before(next) {
				next = r.next
			}
		}
		at = next
	}
	return nil
}

// result is what became of the definition at an index.
func (d *drive) result(index int) Result {
	result := Result{From: d.from, To: d.to}
	n := len(d.lanes)
	for _, r := range d.runs[index*n : (index+1)*n] {
		result.Objectives = append(result.Objectives, r.outcome())
	}
	return result
}
