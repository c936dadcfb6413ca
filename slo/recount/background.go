package recount

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// blockTakes is how long one block should take: progress is stored and seen
	// after each, and the live ledger waits for no more than a commit.
	blockTakes                       = time.Second
	smallestBlock, largestBlock      = slo.Offset(200), slo.Offset(200_000)
	lookAgain, retryAfter, whileBusy = 10 * time.Second, 5 * time.Second, time.Second
)

// Store says what is counted already.
type Store interface {
	Cursor(ctx context.Context, shard string) (slo.Cursor, error)
	// Stretches are the records for which each series was counted, in order.
	Stretches(ctx context.Context, shard string) (map[slo.SeriesID][]slo.Stretch, error)
}

// Verdicts says which items were not counted because they were seen before.
type Verdicts interface {
	// Repeats are those of the records after after up to through, in order.
	Repeats(after, through slo.Offset) ([]slo.RepeatedItem, error)
	// KnownFrom is the record after which the verdicts are known.
	KnownFrom() slo.Offset
}

// SetJudge counts records of the past by a set of series.
type SetJudge interface {
	Judge(r slo.Record) error
	// Drain moves what was counted into the deltas and watermarks of a commit,
	// and returns how many spans were judged.
	Drain(c *slo.Commit) int64
}

// BackgroundSettings are what a Background works with; Busy may be nil.
type BackgroundSettings struct {
	Shard      string
	Journal    Journal
	OpenReader func(after slo.Offset) (Reader, error)
	Store      Store
	Verdicts   Verdicts
	NewJudge   func(set []slo.Series, repeats []slo.RepeatedItem) SetJudge
	// Commit stores what was recounted (see slo/ledger): slo.ErrRecountMoved
	// means that nothing was, because somebody else has.
	Commit func(ctx context.Context, c slo.Commit) error
	// Holes are stretches of the journal that were lost and given up; nil means
	// that there are none. A recount does not reach across one.
	Holes func() []slo.Hole
	// Busy reports that live counting is behind and goes first.
	Busy   func() bool
	Logger *slog.Logger
}

// Background counts, for every series in force, what lies in the journal before
// the series came into force: block by block back in time, each block one
// commit, so that what is counted is at every moment complete from one instant
// on. After a stop it goes on from what is stored.
type Background struct {
	settings BackgroundSettings
	wake     chan struct{}
	// size of the next block, and the oldest record that can be recounted; both
	// belong to Run.
	size   slo.Offset
	oldest struct {
		offset  slo.Offset
		arrival time.Time
	}

	mu      sync.Mutex
	states  map[slo.SeriesID]slo.RecountState
	reaches time.Time // the arrival of the oldest record
}

// NewBackground returns a recount that is ready to run.
func NewBackground(settings BackgroundSettings) *Background {
	if settings.Holes == nil {
		settings.Holes = func() []slo.Hole { return nil }
	}
	if settings.Busy == nil {
		settings.Busy = func() bool { return false }
	}
	return &Background{
		settings: settings, wake: make(chan struct{}, 1), size: 10 * smallestBlock, states: map[slo.SeriesID]slo.RecountState{},
	}
}

// Wake makes it look for work now. It does not block.
func (b *Background) Wake() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// State is how the recount of a series is doing, or false if it is not in force.
func (b *Background) State(id slo.SeriesID) (slo.RecountState, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	state, ok := b.states[id]
	return state, ok
}

// Run recounts until ctx ends, then returns nil.
func (b *Background) Run(ctx context.Context) error {
	troubled := false
	for {
		wait := time.Duration(0)
		if b.settings.Busy() {
			wait = whileBusy
		} else {
			more, err := b.step(ctx)
			switch {
			case ctx.Err() != nil:
				return nil //nolint:nilerr // A stop is no failure.
			case err != nil:
				wait = retryAfter
				if !troubled {
					b.settings.Logger.WarnContext(ctx, "the recount is held up and tries again", "shard", b.settings.Shard, "error", err)
				}
			case !more:
				wait = lookAgain
			}
			troubled = err != nil
		}
		if !b.pause(ctx, wait) {
			return nil
		}
	}
}

// pause waits, less if woken, and reports false when ctx has ended.
func (b *Background) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.wake:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// step recounts one block of what is to be done, and reports whether there may
// be more.
func (b *Background) step(ctx context.Context) (bool, error) {
	todo, err := b.plan(ctx)
	if err != nil || len(todo) == 0 {
		return false, err
	}
	block := nextBlock(todo, b.size)
	begin := time.Now()
	commit, spans, err := b.count(ctx, block)
	if err != nil {
		b.fail(block, err)
		return false, err
	}
	b.resize(time.Since(begin))
	if err := b.settings.Commit(ctx, commit); err != nil && !errors.Is(err, slo.ErrRecountMoved) {
		b.fail(block, err)
		return false, fmt.Errorf("store the recount of records %d to %d: %w", block.after+1, block.through, err)
	}
	b.progress(block, spans)
	return true, nil
}

// resize makes the next block take about as long as it should.
func (b *Background) resize(took time.Duration) {
	want := float64(b.size) * float64(blockTakes) / float64(max(took, blockTakes/20))
	b.size = min(max(slo.Offset(want), smallestBlock), largestBlock)
}

// count judges the records of a block.
func (b *Background) count(ctx context.Context, block block) (commit slo.Commit, spans int64, err error) {
	repeats, err := b.settings.Verdicts.Repeats(block.after, block.through)
	if err != nil {
		return commit, 0, fmt.Errorf("recall which items were seen before in records %d to %d: %w", block.after+1, block.through, err)
	}
	reader, err := b.settings.OpenReader(block.after)
	if err != nil {
		return commit, 0, fmt.Errorf("open the journal after record %d: %w", block.after, err)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	judge := b.settings.NewJudge(block.set(), repeats)
	var since time.Time
	for at := block.after; at < block.through; {
		r, err := reader.Next(ctx)
		if err != nil {
			return commit, 0, fmt.Errorf("read the journal after record %d: %w", at, err)
		}
		if at = r.Offset; since.IsZero() {
			since = r.Arrival
		}
		// A record that cannot be decoded counted nothing live, either.
		if r.Kind == slo.RecordTraces && at <= block.through {
			_ = judge.Judge(r)
		}
	}
	spans = judge.Drain(&commit)
	for _, w := range block.work {
		r := slo.Recounted{Series: w.series.ID, After: block.after, Through: block.through, Since: since, Until: w.since}
		if block.after == w.floor && !w.joins.IsZero() {
			r.Since = w.joins
		}
		commit.Recounted = append(commit.Recounted, r)
	}
	return commit, spans, nil
}
