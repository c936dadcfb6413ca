package audit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Whole audits every slice that there is evidence for, in as many goes as
// memory asks for, and keeps each. The report is of all of them.
func (a *Auditor) Whole(ctx context.Context) (Report, error) {
	e, empty, err := a.evidence(ctx)
	if err != nil {
		return Report{}, err
	}
	from := a.firstSlice(e)
	snapshot, err := a.settings.Ledger.Snapshot(ctx, a.settings.Shard, from, from)
	if err != nil {
		return Report{}, fmt.Errorf("read how far the ledger has got: %w", err)
	}
	whole := Report{Audit: slo.Audit{Shard: a.settings.Shard, At: a.settings.Now(), From: from, To: from}}
	to := slo.SliceOf(snapshot.Cursor.MeasuredUntil.Add(a.settings.Ahead)) + 1
	if empty || snapshot.Cursor.Offset == 0 {
		return whole, nil
	}
	err = a.inParts(ctx, from, to, func(from, to slo.Slice) error {
		part, err := a.audit(ctx, from, to, false, full(ctx))
		whole.join(part)
		return err
	})
	return whole, err // Not in one line with the call: whole might be copied before it.
}

// partLength is how many slices are compared at once if every series has
// events in all of them.
func (a *Auditor) partLength(s slo.Snapshot) slo.Slice {
	return slo.Slice(max(1, a.settings.MaxBuckets/max(1, len(s.Stretches))))
}

// inParts calls audit for parts of [from, to), the oldest first. Each part
// reads all of the journal from its own time on, so that they are as long as
// memory allows for the buckets that there are: looking ahead is cheap.
func (a *Auditor) inParts(ctx context.Context, from, to slo.Slice, audit func(from, to slo.Slice) error) error {
	for from < to {
		end, held := from, 0
		for length := slo.Slice(1); end < to && held < a.settings.MaxBuckets/2; {
			next := min(end+length, to)
			snapshot, err := a.settings.Ledger.Snapshot(ctx, a.settings.Shard, end, next)
			if err != nil {
				return fmt.Errorf("look ahead in the ledger to slice %d: %w", next, err)
			}
			end, held, length = next, held+buckets(snapshot), max(1, a.partLength(snapshot)/2)
		}
		if err := audit(from, end); err != nil {
			return err
		}
		from = end
	}
	return ctx.Err()
}

// buckets counts those of a snapshot.
func buckets(s slo.Snapshot) (n int) {
	for _, list := range s.Buckets {
		n += len(list)
	}
	return n
}

// join adds a part that follows.
func (r *Report) join(part Report) {
	if part.From >= part.To {
		return
	}
	if r.From == r.To {
		r.From = part.From
	}
	r.To, r.Through, r.Cursor = part.To, part.Through, part.Cursor
	r.Buckets += part.Buckets
	r.Spans += part.Spans
	r.Repeats += part.Repeats
	r.Differing += part.Differing
	r.Differences = append(r.Differences, part.Differences...)
	r.Differences = r.Differences[:min(len(r.Differences), slo.MaxDifferences)]
	r.Series = union(r.Series, part.Series)
	r.Unknown = union(r.Unknown, part.Unknown)
}

// Run audits random stretches in the background until ctx ends; it then returns
// nil. What goes wrong is logged once, until an audit succeeds.
func (a *Auditor) Run(ctx context.Context) error {
	ticker := time.NewTicker(a.settings.Every)
	defer ticker.Stop()
	for told := ""; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		_, err := a.Random(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			told = ""
		case err.Error() != told:
			told = err.Error()
			a.settings.Logger.WarnContext(ctx, "an audit could not be done, others are tried", "shard", a.settings.Shard, "error", err)
		}
	}
}

// Random audits one random stretch, recent ones more often: half of them begin
// within the newest eighth of the evidence. What has arrived since the stretch
// must all be read, up to now, so that old ones cost the most. It takes its
// share of one processor and no more.
func (a *Auditor) Random(ctx context.Context) (Report, error) {
	e, empty, err := a.evidence(ctx)
	if err != nil || empty {
		return Report{}, err
	}
	first := a.firstSlice(e)
	snapshot, err := a.settings.Ledger.Snapshot(ctx, a.settings.Shard, first, first)
	if err != nil {
		return Report{}, fmt.Errorf("read how far the ledger has got: %w", err)
	}
	end := slo.SliceOf(snapshot.Cursor.MeasuredUntil) + 1
	if snapshot.Cursor.Offset == 0 || end <= first {
		return Report{}, nil
	}
	length := min(slo.Slice(max(1, a.settings.Stretch/slo.SliceLength)), a.partLength(snapshot))
	a.mu.Lock()
	to := end - a.random.back(end-first)
	a.mu.Unlock()
	return a.audit(ctx, max(first, to-length), to, false, throttle(ctx, a.settings.Share))
}

// chooser chooses at random.
type chooser struct{ source *rand.Rand }

func newChooser(seed uint64) chooser {
	return chooser{source: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // It picks what to check, nobody gains by guessing it.
}

// back is a number of slices below all, small ones more often.
func (c chooser) back(all slo.Slice) slo.Slice {
	u := c.source.Float64()
	return slo.Slice(u * u * u * float64(all))
}
