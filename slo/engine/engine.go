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
	// ones summed to minutes or hours (at the first slice of the sum), in any
	// order and perhaps in several parts, and returns what is known of the
	// series, the coverage, and the newest commit's sequence by shard. It MUST
	// read in detail what detail names.
	ReadLedger(ctx context.Context, since time.Time, detail slo.Detail, visit func(slo.Delta)) (
		map[slo.SeriesID]slo.SeriesState, slo.Coverage, map[string]int64, error)
	// Commits returns the commits after a sequence by shard, in their order,
	// at most limit of them. It MUST return slo.ErrRebuild where one is missing.
	Commits(ctx context.Context, after map[string]int64, limit int) ([]slo.Commit, error)
}

// Episodes keeps the episodes.
type Episodes interface {
	// OpenEpisodes returns those that are pending or firing.
	OpenEpisodes(ctx context.Context) ([]slo.Episode, error)
	// FindEpisodes returns those that a query selects.
	FindEpisodes(ctx context.Context, query slo.EpisodeQuery) ([]slo.Episode, error)
	// SaveTransitions MUST store transitions and notifications in one
	// transaction, or nothing and return slo.ErrFenced if the epoch is not that
	// of the newest term. Epoch 0 stands for an engine without leadership.
	SaveTransitions(ctx context.Context, epoch int64, moved []slo.Transition, tell []slo.Notification) error
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
	// Lead asks to lead and returns the term, or slo.ErrNotLeading while
	// another process leads. ctx bounds the asking, not the term. Without it
	// the engine always leads.
	Lead func(ctx context.Context) (Term, error)
	// Alarm is told every second whether something is wrong with Slowburn
	// itself (see slo.AlarmStale, slo.AlarmUnjudged, slo.AlarmClockJump); it MUST NOT block.
	Alarm func(name string, wrong bool, description string)
	// Expand finds when exclusions are within [from, to), in any order; without it
	// nothing is excluded.
	Expand func(exclusions []slo.Exclusion, from, to time.Time) []slo.Excluded
	// Resets returns the resets of budgets since an instant. It is asked at the
	// start and then every minute, for those that another process made; without it
	// there are none but of AddResets.
	Resets func(ctx context.Context, since time.Time) ([]slo.Reset, error)
	Logger *slog.Logger
	// Now is the wall clock; time.Now if nil.
	Now func() time.Time
	// Uptime is the time since some fixed moment by a clock that nobody sets;
	// the monotonic reading of Now if nil.
	Uptime func() time.Duration
}

const (
	// tick is how often time alone is looked at: open episodes are judged at
	// every tick, all objectives in turn within sweepTicks of them.
	tick       = time.Second
	sweepTicks = 10
	// commitLimit bounds how many commits are read at once.
	commitLimit = 512
	// storeTimeout bounds one call of the store, readTimeout the reading of
	// the whole ledger: a connection that is half open must not stop evaluation.
	storeTimeout = 10 * time.Second
	readTimeout  = 5 * time.Minute
	// leastLongest is the least history kept, so that an objective with a
	// usual window never makes the engine read the whole ledger.
	leastLongest = 35 * 24 * time.Hour
)

// Engine judges objectives. Create it with New, start it with Run; every
// method is safe for concurrent use.
type Engine struct {
	settings Settings
	wake     chan struct{}
	// followed is the uptime at which the ledger was looked at last, term the
	// term that this engine leads in, asked whether it ever asked for one, and
	// when last; outage whether the last step failed. They belong to Run.
	followed    time.Duration
	hasFollowed bool
	term        Term
	asked       bool
	askedUptime time.Duration
	outage      bool

	mu         sync.RWMutex
	world      world
	coverage   slo.Coverage
	sequences  map[string]int64
	longest    time.Duration
	objectives map[objectiveKey]*objective
	order      []*objective
	turn       int
	// plans are those of the objectives, by slo.PlanKey: many share one.
	plans map[string]*slo.Plan
	// touched are objectives to judge, each once; handled is room for the next.
	touched, handled []*objective
	// faults are what keeps objectives from being judged (see guard).
	faults map[objectiveKey]string
	// alert are the objectives with open episodes, which every tick judges.
	alert   map[*objective]bool
	entries map[string]*entry
	names   []string
	// resets are those of each SLO, newest first; resetsUptime is the uptime at
	// which they were read last.
	resets       map[string][]slo.Reset
	resetsKnown  bool
	resetsUptime time.Duration
	// orphans are open episodes of objectives that are gone.
	orphans []orphan
	// generation counts the changes of the set of objectives.
	generation int
	// loaded: the ledger was read as far back as objectives need. ready: it was
	// read at all. episodesKnown: open episodes are as stored.
	loaded, ready, episodesKnown bool
	// unreadable: the store did not answer the last reading. unsaved: it did
	// not take the last transitions.
	unreadable, unsaved bool
	leading             bool
	reign               Reign
	clock               clock
	fresh               freshness
	// jump is a jump of the wall clock that was not reported yet.
	jump time.Duration
	// began is when the engine was made, with the monotonic reading.
	began time.Time
	// judgeAll: the next evaluation is of every objective.
	judgeAll    bool
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
	if settings.Alarm == nil {
		settings.Alarm = func(string, bool, string) {}
	}
	began := settings.Now()
	return &Engine{
		settings:   settings,
		began:      began,
		fresh:      freshness{since: began.Round(0)},
		wake:       make(chan struct{}, 1),
		world:      world{},
		sequences:  map[string]int64{},
		longest:    leastLongest,
		objectives: map[objectiveKey]*objective{},
		entries:    map[string]*entry{},
		resets:     map[string][]slo.Reset{},
		plans:      map[string]*slo.Plan{},
		alert:      map[*objective]bool{},
		faults:     map[objectiveKey]string{},
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
// does not answer it keeps what it knows, says since when that is stale, and
// tries again every second.
func (e *Engine) Run(ctx context.Context) error {
	var watching sync.WaitGroup
	watching.Go(func() { e.watch(ctx) })
	defer watching.Wait()
	defer func() { e.stepDown("this process ends") }()
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

// follow applies all commits there are and then judges once, at now: what was
// missed in an outage becomes history, and only what still goes on is told.
func (e *Engine) follow(ctx context.Context, ticked bool) error {
	err := e.read(ctx, ticked)
	leads := false
	if err == nil {
		leads, err = e.leads(ctx)
	}
	if err == nil {
		err = e.knowEpisodes(ctx, ticked && !leads)
	}
	e.mu.Lock()
	e.unreadable = err != nil
	e.judgeAll = e.judgeAll || err != nil // What was touched may have been applied, and not judged.
	e.mu.Unlock()
	if err != nil {
		return err
	}
	return e.judge(ctx, ticked, leads)
}

// read applies the commits that came since.
func (e *Engine) read(ctx context.Context, ticked bool) error {
	if err := e.knowResets(ctx); err != nil {
		return err
	}
	if err := e.load(ctx); err != nil {
		return err
	}
	_, uptime := e.clocks()
	if ticked && e.hasFollowed && uptime-e.followed < tick {
		return nil // A hint has made us read just now.
	}
	e.followed, e.hasFollowed = uptime, true
	for more := true; more; {
		var err error
		if more, err = e.catchUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Ready reports whether the ledger was read: from then on statuses are of what
// it says, though perhaps not of now (see slo.ObjectiveStatus.StaleSince).
func (e *Engine) Ready() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.ready
}

// Evaluations counts the objectives judged since the start.
func (e *Engine) Evaluations() uint64 {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.evaluations
}
