// Package ledger is the projection from the journal to the buckets: it judges
// every record in order, against the set of series in force there, and commits
// counts and cursor together, so that each event is counted exactly once
// whatever crashes and however often a stretch is read again.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Reader reads the records of a journal in order, without gaps.
type Reader interface {
	// Next returns the next durable record. It MUST block until there is one
	// or ctx ends; in that case nothing is lost and the next call goes on.
	Next(ctx context.Context) (slo.Record, error)
	Close() error
}

// Journal says which records there are: from Oldest to Durable, which is the
// newest one on disk (0 for none), without those that were lost and given up.
type Journal interface {
	Oldest() slo.Offset
	Durable() slo.Offset
	Holes() []slo.Hole
}

// Store keeps what was counted.
type Store interface {
	// Cursor returns how far the ledger of a shard has got, the zero Cursor
	// before its first commit.
	Cursor(ctx context.Context, shard string) (slo.Cursor, error)
	// Commit adds all of a commit and moves the cursor, or does nothing. It
	// MUST refuse a commit whose From and Sequence do not follow the cursor.
	// After an error the outcome may be unknown; the cursor tells.
	Commit(ctx context.Context, c slo.Commit) error
}

// Judge counts events until they are drained. It is used by one goroutine.
type Judge interface {
	// Use judges the records from here on against a set. The set MUST be in
	// force even if there is an error, which names the series that cannot be
	// judged; what was counted so far MUST stay.
	Use(set []slo.Series) error
	// Judge counts a record of kind traces, all of it or, with an error, none.
	// After slo.ErrUnjudged it may hold a part; then it is drained and the
	// record is judged again later.
	Judge(r slo.Record) error
	// Pending is the number of rows that Drain would give; 0 if none.
	Pending() int
	// Drain moves what was counted into Deltas, Watermarks and Services of a
	// commit, adds to its Refused, and starts from nothing.
	Drain(c *slo.Commit)
}

// Memory is what the judge remembers of the items seen before: what is counted
// must not depend on where the process was stopped.
type Memory interface {
	// Resume forgets what was seen after a record, and returns the record after
	// which the journal must be sighted again, up to that one.
	Resume(after slo.Offset) (slo.Offset, error)
	// Sight notes the items of a record that was counted before.
	Sight(r slo.Record) error
	// Settle says that the records up to this one are committed for good.
	Settle(offset slo.Offset) error
}

// Settings are what a Projection works with. Those without a default are required.
type Settings struct {
	// Shard names the journal in the store.
	Shard string
	// Journal and OpenReader are the journal; OpenReader starts at the record
	// that follows after.
	Journal    Journal
	OpenReader func(after slo.Offset) (Reader, error)
	Store      Store
	Judge      Judge
	// Memory belongs to the judge; nil if it has none.
	Memory Memory
	Logger *slog.Logger
	// CommitInterval is the least time between two commits; 0 means 250 ms.
	CommitInterval time.Duration
	// MaxPending is the number of rows that are committed before the interval
	// is over; 0 means 10,000.
	MaxPending int
	// Committed is told of each commit, by the projection's own goroutine; it
	// must not block. It is a hint: a commit that took effect though the store
	// answered with an error is not told of. May be nil.
	Committed func(slo.Commit)
}

func (s *Settings) defaults() error {
	if s.Shard == "" || s.Journal == nil || s.OpenReader == nil || s.Store == nil || s.Judge == nil || s.Logger == nil {
		return errors.New("a ledger needs a shard, a journal, a reader, a store, a judge and a logger")
	}
	if s.CommitInterval == 0 {
		s.CommitInterval = 250 * time.Millisecond
	}
	if s.MaxPending == 0 {
		s.MaxPending = 10_000
	}
	if s.Committed == nil {
		s.Committed = func(slo.Commit) {}
	}
	return nil
}

// Projection is the ledger of one journal.
type Projection struct {
	settings Settings
	progress atomic.Pointer[Progress]
	recounts recounts

	// What follows belongs to the goroutine of Run.

	// used is the set that the judge was given last; nil before the first.
	used    map[slo.SeriesID]bool
	trouble trouble
}

// New returns a projection that is ready to run.
func New(settings Settings) (*Projection, error) {
	if err := settings.defaults(); err != nil {
		return nil, err
	}
	p := &Projection{settings: settings}
	p.progress.Store(&Progress{})
	return p, nil
}

// Progress is how far the ledger has got, as committed.
type Progress struct {
	// Offset is the newest record counted; what follows it must be kept.
	Offset   slo.Offset
	Sequence int64
	// MeasuredUntil is the arrival of that record; zero before the first.
	MeasuredUntil time.Time
	// Lag is how long ago that was: about a second at rest, as the journal's
	// heartbeats move it. 0 before the first record.
	Lag time.Duration
}

// Progress returns how far the ledger has got. It never waits and may be
// called at any time; before Run has read the cursor it returns zero.
func (p *Projection) Progress() Progress {
	now := *p.progress.Load()
	if !now.MeasuredUntil.IsZero() {
		now.Lag = max(0, time.Since(now.MeasuredUntil))
	}
	return now
}

// Run projects until ctx ends; it then commits what it has judged and returns
// nil. It must not be called twice at once.
//
// While the store is down it tries again and again, and loses nothing: the
// journal keeps accepting, and what was judged since the last commit is read
// and judged anew. An error means that it cannot go on without somebody's
// help: the journal is damaged or does not belong to the store.
func (p *Projection) Run(ctx context.Context) error {
	for {
		err := p.follow(ctx)
		var down storeError
		switch {
		case !errors.As(err, &down):
			return err
		case ctx.Err() != nil:
			p.settings.Logger.WarnContext(ctx, "the ledger stops with records uncommitted, they are read again at the next start",
				"shard", p.settings.Shard, "error", down.error)
			return nil //nolint:nilerr // A stop is no failure; it was logged.
		}
		p.waitOut(ctx, down)
	}
}

// follow reads the cursor and projects from there until ctx ends (nil) or
// something fails.
func (p *Projection) follow(ctx context.Context) error {
	cursor, err := p.settings.Store.Cursor(ctx, p.settings.Shard)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil //nolint:nilerr // A stop is no failure.
	case err != nil:
		return storeError{fmt.Errorf("read the cursor of shard %q: %w", p.settings.Shard, err)}
	}
	p.moved(cursor.Offset, cursor.Sequence, cursor.MeasuredUntil)
	if err := p.holds(cursor.Offset); err != nil {
		return err
	}
	set, err := p.restore(ctx, cursor)
	if err != nil {
		return err
	}
	if err := p.remember(ctx, cursor.Offset); err != nil {
		return err
	}
	reader, err := p.settings.OpenReader(cursor.Offset)
	if err != nil {
		return fmt.Errorf("open the journal of shard %q after record %d: %w", p.settings.Shard, cursor.Offset, err)
	}
	s := newSession(p, reader, cursor, set)
	return errors.Join(s.run(ctx), closeReader(reader))
}

func closeReader(r Reader) error {
	if err := r.Close(); err != nil {
		return fmt.Errorf("close the journal's reader: %w", err)
	}
	return nil
}

// holds reports whether the journal has all that follows the cursor.
func (p *Projection) holds(cursor slo.Offset) error {
	shard := p.settings.Shard
	if end := p.settings.Journal.Durable(); cursor > end {
		return fmt.Errorf("the database has counted shard %q up to record %d, but the journal ends at record %d: "+
			"it was lost or replaced; put back the journal that belongs to this database, or use another database",
			shard, cursor, end)
	}
	if oldest := p.settings.Journal.Oldest(); oldest > cursor+1 && !p.gaveUp(cursor, oldest) {
		return fmt.Errorf("the database has counted shard %q up to record %d, but the journal begins at record %d: "+
			"the records between are missing; put them back, or use the database that belongs to this journal",
			shard, cursor, oldest)
	}
	return nil
}

// gaveUp reports whether all records between the cursor and the oldest one were
// lost, and given up by the operator.
func (p *Projection) gaveUp(cursor, oldest slo.Offset) bool {
	return slices.ContainsFunc(p.settings.Journal.Holes(), func(h slo.Hole) bool {
		return h.After <= cursor && h.Through+1 >= oldest
	})
}

// restore empties the judge and gives it the set in force at the cursor.
func (p *Projection) restore(ctx context.Context, cursor slo.Cursor) (map[slo.SeriesID]bool, error) {
	p.settings.Judge.Drain(&slo.Commit{})
	var set []slo.Series
	if cursor.Definitions != nil {
		var err error
		if set, err = slo.DecodeSeries(cursor.Definitions); err != nil {
			return nil, fmt.Errorf("restore the series of shard %q at record %d: %w", p.settings.Shard, cursor.Offset, err)
		}
	}
	return p.use(ctx, set), nil
}

// remember makes the memory know what was seen up to the cursor. What it has
// lost, it is given again from the journal, as far as that reaches.
func (p *Projection) remember(ctx context.Context, cursor slo.Offset) error {
	if p.settings.Memory == nil {
		return nil
	}
	from, err := p.settings.Memory.Resume(cursor)
	if err != nil {
		return storeError{fmt.Errorf("recall what was seen up to record %d of shard %q: %w", cursor, p.settings.Shard, err)}
	}
	if oldest := p.settings.Journal.Oldest(); from+1 < oldest {
		from = oldest - 1
	}
	if from >= cursor {
		return nil
	}
	p.settings.Logger.InfoContext(ctx, "records are read again to know what was seen before",
		"shard", p.settings.Shard, "from", uint64(from+1), "to", uint64(cursor))
	reader, err := p.settings.OpenReader(from)
	if err != nil {
		return fmt.Errorf("open the journal of shard %q after record %d: %w", p.settings.Shard, from, err)
	}
	return errors.Join(p.sight(ctx, reader, from, cursor), closeReader(reader))
}

// sight gives the memory the records after from up to the cursor. When ctx
// ends it stops without an error, as the caller does then.
func (p *Projection) sight(ctx context.Context, reader Reader, from, cursor slo.Offset) error {
	for at := from; at < cursor; {
		r, err := reader.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // A stop is no failure.
		case err != nil:
			return fmt.Errorf("read the journal of shard %q after record %d: %w", p.settings.Shard, at, err)
		}
		if at = r.Offset; r.Kind != slo.RecordTraces {
			continue
		}
		if err := p.settings.Memory.Sight(r); err != nil {
			return storeError{err}
		}
	}
	return nil
}

// use puts a set in force, unless it is, and returns its identities.
func (p *Projection) use(ctx context.Context, set []slo.Series) map[slo.SeriesID]bool {
	ids := make(map[slo.SeriesID]bool, len(set))
	for _, series := range set {
		ids[series.ID] = true
	}
	if p.used != nil && maps.Equal(p.used, ids) {
		return ids
	}
	p.used = ids
	if err := p.settings.Judge.Use(set); err != nil {
		p.settings.Logger.ErrorContext(ctx, "some series cannot be judged, their events count as unknown",
			"shard", p.settings.Shard, "error", err)
	}
	return ids
}

func (p *Projection) moved(offset slo.Offset, sequence int64, until time.Time) {
	p.progress.Store(&Progress{Offset: offset, Sequence: sequence, MeasuredUntil: until})
}
