// Package engine follows the ledger, keeps prefix sums of every series in
// memory, judges the objectives whenever their series change or time passes,
// and turns verdicts into episodes that are stored before anybody is told.
package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Ledger is what the engine reads.
type Ledger interface {
	// ReadLedger visits the buckets since an instant as of one moment, older
	// ones summed to minutes or hours (at the first slice of the sum), and
	// returns what is known of the series, the coverage, and the newest
	// commit's sequence by shard.
	ReadLedger(ctx context.Context, since time.Time, visit func(slo.Delta)) (map[slo.SeriesID]slo.SeriesState, slo.Coverage, map[string]int64, error)
	// Commits returns the commits after a sequence by shard, in their order,
	// at most limit of them. It MUST return slo.ErrRebuild where one is missing.
	Commits(ctx context.Context, after map[string]int64, limit int) ([]slo.Commit, error)
}

// Episodes keeps the episodes.
type Episodes interface {
	// OpenEpisodes returns those that are pending or firing.
	OpenEpisodes(ctx context.Context) ([]slo.Episode, error)
	// SaveTransitions MUST store transitions and notifications in one transaction.
	SaveTransitions(ctx context.Context, moved []slo.Transition, tell []slo.Notification) error
}

// Announcer writes the notifications of a transition, one for each receiver.
type Announcer interface {
	// Labels are what receivers will know the episode by.
	Labels(t slo.Transition) map[string]string
	Notifications(t slo.Transition) ([]slo.Notification, error)
}

// Settings are what an Engine works with.
type Settings struct {
	Ledger    Ledger
	Episodes  Episodes
	Announcer Announcer
	// Announced is called after notifications were stored; it MUST NOT block.
	Announced func()
	Logger    *slog.Logger
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

const (
	// tick is how often time alone is looked at: open episodes are judged at
	// every tick, all objectives in turn within sweepTicks of them.
	tick       = time.Second
	sweepTicks = 10
	// commitLimit bounds how many commits are applied before judging.
	commitLimit = 512
	// leastLongest is the least history kept, so that an objective with a
	// usual window never makes the engine read the whole ledger.
	leastLongest = 35 * 24 * time.Hour
)

// Engine judges objectives. Create it with New, start it with Run; every
// method is safe for concurrent use.
type Engine struct {
	settings Settings
	wake     chan struct{}
	// followed is when the ledger was looked at last; it belongs to Run.
	followed time.Time

	mu         sync.RWMutex
	series     map[slo.SeriesID]*series
	coverage   slo.Coverage
	sequences  map[string]int64
	longest    time.Duration
	objectives map[objectiveKey]*objective
	bySeries   map[slo.SeriesID][]*objective
	order      []*objective
	turn       int
	statuses   map[string]*entry
	names      []string
	// orphans are open episodes of objectives that are gone.
	orphans []orphan
	// loaded: the ledger was read. episodesKnown: open episodes are as stored.
	loaded, episodesKnown bool
	// judgeAll: the next evaluation is of every objective.
	judgeAll    bool
	outage      bool
	evaluations uint64
}

// New prepares an engine; it knows no objective until SetDefinitions.
func New(settings Settings) *Engine {
	if settings.Now == nil {
		settings.Now = time.Now
	}
	if settings.Announced == nil {
		settings.Announced = func() {}
	}
	return &Engine{
		settings:   settings,
		wake:       make(chan struct{}, 1),
		series:     map[slo.SeriesID]*series{},
		sequences:  map[string]int64{},
		longest:    leastLongest,
		objectives: map[objectiveKey]*objective{},
		bySeries:   map[slo.SeriesID][]*objective{},
		statuses:   map[string]*entry{},
	}
}

// Wake makes a running engine look at the ledger now. It does not block.
func (e *Engine) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Run follows the ledger until ctx ends, then returns nil. While the store
// does not answer it keeps what it knows and tries again every second.
func (e *Engine) Run(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	e.step(ctx, true)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.wake:
			e.step(ctx, false)
		case <-ticker.C:
			e.step(ctx, true)
		}
	}
}

// step catches up with the ledger and judges what is due. Trouble is logged
// once, until a step succeeds again.
func (e *Engine) step(ctx context.Context, ticked bool) {
	err := e.follow(ctx, ticked)
	if ctx.Err() != nil {
		return
	}
	switch {
	case err != nil && !e.outage:
		e.settings.Logger.Error("evaluation is held up; what was known stays, trying again every second", "error", err)
	case err == nil && e.outage:
		e.settings.Logger.Info("evaluation goes on")
	}
	e.outage = err != nil
}

// follow applies commits batch by batch and judges after each, so that a long
// backlog is judged in its order.
func (e *Engine) follow(ctx context.Context, ticked bool) error {
	if err := e.prepare(ctx); err != nil {
		return err
	}
	now := e.settings.Now()
	if since := now.Sub(e.followed); ticked && since >= 0 && since < tick {
		return e.judge(ctx, nil, true) // A hint has made us read just now.
	}
	e.followed = now
	for {
		touched, more, err := e.catchUp(ctx)
		if err != nil {
			return err
		}
		if err := e.judge(ctx, touched, ticked && !more); err != nil {
			return err
		}
		if !more {
			return nil
		}
	}
}

// Ready reports whether the ledger and the open episodes were read.
func (e *Engine) Ready() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.loaded && e.episodesKnown
}

// Evaluations counts the objectives judged since the start.
func (e *Engine) Evaluations() uint64 {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.evaluations
}
