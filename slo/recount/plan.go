package recount

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// work is what is left of one series: the records after floor up to through.
// The stretch that begins there does so at since.
type work struct {
	series         slo.Series
	floor, through slo.Offset
	since          time.Time
	// joins is when the stretch before ended, if it ends at the floor: nothing
	// lies between the two then, though the next record came a little later.
	joins time.Time
}

// block is the records after after up to through, for some series at once.
type block struct {
	after, through slo.Offset
	work           []work
}

func (b block) set() []slo.Series {
	set := make([]slo.Series, len(b.work))
	for i, w := range b.work {
		set[i] = w.series
	}
	return set
}

// plan is what is to be done now: for every series in force, the records that
// are kept and whose repeats are known, and that it was not counted for.
func (b *Background) plan(ctx context.Context) ([]work, error) {
	s := b.settings
	cursor, err := s.Store.Cursor(ctx, s.Shard)
	if err != nil {
		return nil, fmt.Errorf("read the cursor of shard %q: %w", s.Shard, err)
	}
	if cursor.Definitions == nil {
		return nil, nil
	}
	set, err := slo.DecodeSeries(cursor.Definitions)
	if err != nil {
		return nil, fmt.Errorf("read the series in force: %w", err)
	}
	stretches, err := s.Store.Stretches(ctx, s.Shard)
	if err != nil {
		return nil, fmt.Errorf("read what is counted: %w", err)
	}
	lowest := max(s.Journal.Oldest(), 1) - 1
	lowest = max(lowest, s.Verdicts.KnownFrom())
	for _, hole := range s.Holes() {
		lowest = max(lowest, hole.Through)
	}
	oldest, err := b.oldestArrival(ctx, lowest)
	if err != nil {
		return nil, err
	}
	var todo []work
	states := make(map[slo.SeriesID]slo.RecountState, len(set))
	for _, series := range set {
		w, ok := left(series, stretches[series.ID], lowest)
		if !ok {
			continue
		}
		running := w.floor < w.through
		states[series.ID] = slo.RecountState{Series: series.ID, Since: w.since, Oldest: oldest, Running: running, Done: !running}
		if running {
			todo = append(todo, w)
		}
	}
	b.adopt(states, oldest)
	return todo, nil
}

// oldestArrival is when the first record after lowest arrived: zero if there is
// none yet. It is read once for each lowest.
func (b *Background) oldestArrival(ctx context.Context, lowest slo.Offset) (arrival time.Time, err error) {
	if b.oldest.offset == lowest+1 {
		return b.oldest.arrival, nil
	}
	if b.settings.Journal.Durable() <= lowest {
		return time.Time{}, nil
	}
	reader, err := b.settings.OpenReader(lowest)
	if err != nil {
		return time.Time{}, fmt.Errorf("open the journal after record %d: %w", lowest, err)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	record, err := reader.Next(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the journal after record %d: %w", lowest, err)
	}
	b.oldest.offset, b.oldest.arrival = lowest+1, record.Arrival
	return record.Arrival, nil
}

// left is what is to be recounted of a series that is counted: from where the
// stretch that goes on begins, or the last of those that it touches, back to
// the stretch before, or to the lowest record.
func left(series slo.Series, stretches []slo.Stretch, lowest slo.Offset) (work, bool) {
	stretches = slices.Clone(stretches)
	slices.SortFunc(stretches, func(a, b slo.Stretch) int { return int(b.After) - int(a.After) }) // The newest first.
	w := work{series: series, floor: lowest}
	found := false
	for _, s := range stretches {
		switch {
		case s.Through == 0 && !found:
			w.through, w.since, found = s.After, s.From, true
		case found && s.Through == w.through:
			w.through, w.since = s.After, s.From
		case found && s.Through < w.through:
			if s.Through >= w.floor {
				w.floor, w.joins = s.Through, s.To
			}
			return w, true
		}
	}
	w.floor = min(w.floor, w.through)
	return w, found
}

// nextBlock is the newest records that are to be recounted, for all series that
// want just these.
func nextBlock(todo []work, size slo.Offset) block {
	b := block{}
	for _, w := range todo {
		b.through = max(b.through, w.through)
	}
	if b.through > size {
		b.after = b.through - size
	}
	for _, w := range todo {
		if w.through == b.through {
			b.work = append(b.work, w)
			b.after = max(b.after, w.floor)
		}
	}
	slices.SortFunc(b.work, func(x, y work) int { return strings.Compare(string(x.series.ID), string(y.series.ID)) })
	return b
}

// Oldest is the arrival of the oldest record that can be recounted; zero while
// that is not known.
func (b *Background) Oldest() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reaches
}

// adopt replaces the states, and keeps what only this process knows.
func (b *Background) adopt(states map[slo.SeriesID]slo.RecountState, oldest time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reaches = oldest
	for id, state := range states {
		before := b.states[id]
		state.Spans = before.Spans
		if state.Running {
			state.Err = before.Err
		}
		states[id] = state
	}
	b.states = states
}

// fail notes why a block could not be recounted.
func (b *Background) fail(failed block, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range failed.work {
		state := b.states[w.series.ID]
		state.Err = err.Error()
		b.states[w.series.ID] = state
	}
}

func (b *Background) progress(done block, spans int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range done.work {
		state := b.states[w.series.ID]
		state.Err = ""
		state.Spans += spans
		b.states[w.series.ID] = state
	}
}
