// Package dedup knows which items were seen within the deduplication horizon:
// exactly, within bounds of memory and disk. It is a log-structured merge tree
// whose write-ahead log is the journal: what a crash takes from it is sighted
// again from there, so nothing is synced while records are judged.
package dedup

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// Options of a store. The zero value is ready to use.
type Options struct {
	// Horizon is how far back a sighting counts, slo.Horizon if 0. A store that
	// was written with another horizon begins anew.
	Horizon time.Duration
	// MemoryBytes bounds the filters of the runs, 256 MiB if 0. Beyond it verdicts
	// stay exact and cost more reads.
	MemoryBytes int64
	// TableItems is how many sightings and verdicts are held in memory before a
	// run is written, 1<<19 if 0. It takes up to 64 bytes an item; while the disk is
	// full or the ledger does not settle, up to four times as many are held.
	TableItems int
	// Logger, slog.Default if nil.
	Logger *slog.Logger

	inline bool // Tests: maintenance is done by the caller, not beside it.
}

func (o *Options) defaults() {
	if o.Horizon <= 0 {
		o.Horizon = slo.Horizon
	}
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = 256 << 20
	}
	if o.TableItems <= 0 {
		o.TableItems = 1 << 19
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
}

// What callers may tell apart. All of them are over after Rewind has succeeded,
// and the cause is gone.
var (
	// ErrFull says that no more can be held in memory and none of it could be
	// written: the record must be judged again later.
	ErrFull = errors.New("the memory for sightings is full")
	// ErrUnknown says that the store does not know all verdicts of some records.
	ErrUnknown = errors.New("the verdicts of these records are not known")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("the store of sightings is closed")
)

// Store is a store of sightings. Begin, Sight, Settle and Rewind belong to one
// goroutine, that of the ledger; the others may be called from any.
//
// A start is: Open, Forget what the journal does not hold, Rewind to the cursor
// of the ledger, and sight the journal again from what Rewind returns up to the
// cursor (Settle may then say so).
type Store struct {
	fs      disk.FS
	dir     string
	options Options
	log     *slog.Logger
	horizon int64 // nanoseconds
	period  int64 // a run stays within one, and is merged within one

	jobs     sync.Mutex  // held by whoever replaces runs by others; taken before mu
	aborting atomic.Bool // asks a job to end early
	wake     chan struct{}
	done     chan struct{}
	stopped  sync.WaitGroup

	mu     sync.Mutex
	failed error // of Begin or Sight, until Rewind
	closed bool
	// rewound: Rewind was called since Open.
	rewound bool
	runs    []*run // in order of records, without gaps
	born    slo.Offset
	knowledge
	quarantined []string   // names of files
	oldest      slo.Offset // the journal begins with it
	lost        slo.Offset // verdicts up to here are damaged
	filterBytes int64
	warned      bool // that filters are at their bound
	falseHits   int64
	buffer      []byte // one page
	asked       []asked

	table    table
	verdicts []verdict
	base     slo.Offset // the table covers the records after it
	covered  slo.Offset // up to this one, which may be incomplete
	complete slo.Offset // up to here they are complete
	settled  slo.Offset // the ledger has committed up to here
	since    int64      // arrival of the table's first record, 0 before it
	arrival  int64      // of the newest record
	place    int        // of the next item
	undo     undo
	retry    retry
	damaged  *run
}

// retry is when to try again to write a run that could not be written.
type retry struct {
	weight  int
	arrival int64
}

// Open opens the store in a folder, and creates it. No other process may use
// the folder: the journal's lock is to be held. Rewind must come before Begin.
func Open(fs disk.FS, dir string, o Options) (*Store, error) {
	o.defaults()
	s := &Store{
		fs: fs, dir: dir, options: o, log: o.Logger, horizon: o.Horizon.Nanoseconds(),
		period: max(1, o.Horizon.Nanoseconds()/4), wake: make(chan struct{}, 1), done: make(chan struct{}),
		buffer: make([]byte, pageBytes), table: newTable(),
		failed: errors.New("sightings: Rewind comes first"),
	}
	if err := s.restore(); err != nil {
		s.closeRuns()
		return nil, fmt.Errorf("open store of sightings %s: %w", dir, err)
	}
	if !o.inline {
		s.stopped.Go(s.keepHouse)
	}
	return s, nil
}

// Close writes what was settled as a run, so that the next start need not sight
// it again, and closes the store. When that run cannot be written the error says
// so; nothing is lost but time.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed, s.failed = true, ErrClosed
	s.mu.Unlock()
	s.aborting.Store(true)
	close(s.done)
	s.stopped.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.rewindTable(min(s.settled, s.complete)) {
		err = s.writeTable()
	}
	s.closeRuns()
	return err
}

// Flush writes what is in memory as a run, if all of it is settled, so that
// Durable moves. It is for a journal that is full: nothing arrives there that
// would fill the table, and only what Durable covers can be deleted.
func (s *Store) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.failed != nil || !s.rewound || s.settled < s.covered || s.complete < s.covered || s.covered <= s.base {
		return nil
	}
	return s.writeTable()
}

func (s *Store) closeRuns() {
	for _, r := range s.runs {
		s.drop(r)
	}
	s.runs = nil
}

// drop closes a run once nobody reads it.
func (s *Store) drop(r *run) {
	r.dropped = true
	s.filterBytes -= r.filter.bytes()
	if r.readers == 0 {
		_ = r.file.Close() // It was only read, or synced before.
	}
}

// Forget says that the journal holds no records before oldest: their verdicts
// may go, and Rewind will not ask for them.
func (s *Store) Forget(oldest slo.Offset) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.oldest = max(s.oldest, oldest)
	s.mu.Unlock()
	s.tidy()
	return nil
}

// KnownFrom returns the record after which verdicts are known exactly, as far
// as records were sighted; Unknown if none are.
func (s *Store) KnownFrom() slo.Offset {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.knownFrom()
}

func (s *Store) knownFrom() slo.Offset {
	if s.oldest > 0 {
		return max(s.known, s.lost, s.oldest-1)
	}
	return max(s.known, s.lost)
}

// Durable returns the record up to which nothing need be sighted again after a
// crash. The journal should keep the records after it, also when they are counted.
func (s *Store) Durable() slo.Offset {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.settledRuns()
	if n == 0 {
		return s.born
	}
	return s.runs[n-1].through
}

// Repeats returns the items of the records after one up to another that had
// been seen before, in order: ErrUnknown unless these records are after
// KnownFrom and sighted.
func (s *Store) Repeats(after, through slo.Offset) ([]slo.RepeatedItem, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	if known := s.knownFrom(); after < known || through > s.complete {
		s.mu.Unlock()
		return nil, fmt.Errorf("%w: asked for those after %d up to %d, known are those after %d up to %d",
			ErrUnknown, after, through, known, s.complete)
	}
	var runs []*run
	for _, r := range s.runs {
		if r.through > after && r.after < through && r.verdicts > 0 {
			r.readers++
			runs = append(runs, r)
		}
	}
	var newest []slo.RepeatedItem
	for _, v := range s.verdicts {
		if v.offset > after && v.offset <= through {
			newest = append(newest, v.item())
		}
	}
	s.mu.Unlock()
	var found []slo.RepeatedItem
	var err error
	for _, r := range runs {
		if err == nil {
			if found, err = r.repeats(found, after, through); err != nil {
				s.reportDamage(r, err)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range runs {
		if r.readers--; r.dropped && r.readers == 0 {
			_ = r.file.Close() // It was only read, or synced before.
		}
	}
	if err != nil {
		return nil, err
	}
	return append(found, newest...), nil
}

// Stats is what a store costs.
type Stats struct {
	// Items are the sightings held, in memory and in runs; an item may have one in each.
	Items int64
	// Repeats are the verdicts held.
	Repeats int64
	// Runs are the files.
	Runs int
	// Quarantined are damaged files that were put aside.
	Quarantined                        int
	TableBytes, FilterBytes, DiskBytes int64
	// FalsePositives are reads that a filter could have saved.
	FalsePositives int64
	// Degraded: filters have fewer bits than they should, for want of MemoryBytes.
	Degraded bool
}

// Stats returns what the store costs now.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{
		Items: int64(s.table.n), Repeats: int64(len(s.verdicts)), Runs: len(s.runs), Quarantined: len(s.quarantined),
		TableBytes: int64(len(s.table.slots)) * entryBytes, FilterBytes: s.filterBytes,
		FalsePositives: s.falseHits,
	}
	for _, r := range s.runs {
		if !r.husk {
			st.Items += int64(r.items)
			st.Degraded = st.Degraded || len(r.filter) < int(fullBlocks(int(r.items)))*blockWords
		}
		st.Repeats += int64(r.verdicts)
		st.DiskBytes += r.bytes()
	}
	return st
}
