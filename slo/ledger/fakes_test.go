package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a journal in memory. Its records begin after first.
type journal struct {
	mu      sync.Mutex
	first   slo.Offset
	records []slo.Record
	wake    chan struct{}
	damage  error // given instead of the record after the last
	open    int   // readers that are not closed
	holes   []slo.Hole
}

func newJournal() *journal { return &journal{wake: make(chan struct{})} }

func (j *journal) append(kind slo.RecordKind, payload []byte, at time.Time) slo.Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := slo.Record{Offset: j.first + slo.Offset(len(j.records)) + 1, Kind: kind, Arrival: at, Payload: payload}
	j.records = append(j.records, r)
	j.signal()
	return r
}

func (j *journal) signal() {
	close(j.wake)
	j.wake = make(chan struct{})
}

func (j *journal) breakDown(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.damage = err // nil: repaired
	j.signal()
}

func (j *journal) Oldest() slo.Offset { return j.first + 1 }

func (j *journal) Holes() []slo.Hole { return j.holes }

func (j *journal) Durable() slo.Offset {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.first + slo.Offset(len(j.records))
}

func (j *journal) reader(after slo.Offset) (ledger.Reader, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open++
	return &reader{journal: j, next: int(max(after, j.first) - j.first)}, nil
}

func (j *journal) openReaders() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.open
}

type reader struct {
	journal *journal
	next    int
}

func (r *reader) Next(ctx context.Context) (slo.Record, error) {
	for {
		r.journal.mu.Lock()
		wake, damage := r.journal.wake, r.journal.damage
		if r.next < len(r.journal.records) {
			record := r.journal.records[r.next]
			r.next++
			r.journal.mu.Unlock()
			return record, nil
		}
		r.journal.mu.Unlock()
		if damage != nil {
			return slo.Record{}, damage
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return slo.Record{}, ctx.Err()
		}
	}
}

func (r *reader) Close() error {
	r.journal.mu.Lock()
	defer r.journal.mu.Unlock()
	r.journal.open--
	return nil
}

// judge counts an event for each byte of a payload and each series in force:
// in slice b%4, good or bad as bytes and identities fall. A payload "!" cannot
// be decoded.
type judge struct {
	set     []slo.Series
	pending map[bucket]slo.Counts
	spans   int64
	useErr  error
	uses    int
	// memory, if set, makes a byte seen within a horizon count as a repeat.
	memory  *memory
	repeats int64
}

type bucket struct {
	series slo.SeriesID
	slice  slo.Slice
}

func newJudge() *judge { return &judge{pending: map[bucket]slo.Counts{}} }

func (j *judge) Use(set []slo.Series) error {
	j.set = set
	j.uses++
	return j.useErr
}

func (j *judge) Judge(r slo.Record) error {
	if string(r.Payload) == "!" {
		return errors.New("not a payload")
	}
	for _, b := range r.Payload {
		if j.memory != nil {
			repeat, err := j.memory.sight(r, b)
			if err != nil {
				return err
			}
			if repeat {
				j.repeats++
				continue
			}
		}
		j.spans++
		for _, s := range j.set {
			key := bucket{s.ID, slo.Slice(b % 4)}
			j.pending[key] = j.pending[key].Plus(verdict(s.ID, b))
		}
	}
	return nil
}

func verdict(id slo.SeriesID, b byte) slo.Counts {
	switch (b/4 ^ id[0]) % 4 {
	case 0:
		return slo.Counts{Bad: 1}
	case 1:
		return slo.Counts{Unknown: 1}
	default:
		return slo.Counts{Good: 1}
	}
}

func (j *judge) Pending() int { return len(j.pending) + min(1, int(j.spans)) + min(1, int(j.repeats)) }

func (j *judge) Drain(c *slo.Commit) {
	for key, counts := range j.pending {
		c.Deltas = append(c.Deltas, slo.Delta{Series: key.series, Slice: key.slice, Counts: counts})
	}
	if j.spans > 0 {
		c.Services = []slo.Service{{Name: "all", Spans: j.spans}}
	}
	c.Repeats = j.repeats
	clear(j.pending)
	j.spans, j.repeats = 0, 0
}

// outcome is what the store does with a call.
type outcome int

const (
	works   outcome = iota
	refuses         // error, nothing happened
	tears           // error, though it took effect
)

// store is a ledger in memory that applies commits as the contract says.
type store struct {
	mu       sync.Mutex
	state    state
	commits  []slo.Commit
	at       []time.Time
	outcomes []outcome // of the next commits; then all work
	unread   int       // how many of the next Cursor calls fail
	down     bool
	slow     chan struct{} // if set, Commit waits for it or for its context
}

// state is all that the ledger knows, in a form that can be compared.
type state struct {
	Cursor   slo.Cursor
	Counts   map[bucket]slo.Counts
	Refused  map[string]int64
	Gaps     []slo.Interval
	Counted  map[slo.SeriesID][]slo.Interval
	Services map[string]int64
	// Recounted is from where on a series is counted, of those that the test names.
	Recounted map[slo.SeriesID]slo.Offset
	Refusals  map[slo.Refusal]int64
	Repeats   int64
}

func newState() state {
	return state{
		Counts: map[bucket]slo.Counts{}, Refused: map[string]int64{},
		Counted: map[slo.SeriesID][]slo.Interval{}, Services: map[string]int64{},
		Recounted: map[slo.SeriesID]slo.Offset{}, Refusals: map[slo.Refusal]int64{},
	}
}

func newStore() *store { return &store{state: newState()} }

var errDown = errors.New("the store is down")

func (s *store) Cursor(ctx context.Context, shard string) (slo.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return slo.Cursor{}, ctx.Err()
	case s.down:
		return slo.Cursor{}, errDown
	case s.unread > 0:
		s.unread--
		return slo.Cursor{}, errDown
	case shard != "a":
		return slo.Cursor{}, fmt.Errorf("shard %q", shard)
	}
	return s.state.Cursor, nil
}

func (s *store) Commit(ctx context.Context, c slo.Commit) error {
	if s.slow != nil {
		select {
		case <-s.slow:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	what := works
	if len(s.outcomes) > 0 {
		what, s.outcomes = s.outcomes[0], s.outcomes[1:]
	}
	if s.down || what == refuses {
		return errDown
	}
	if err := s.state.apply(c); err != nil {
		return err
	}
	s.commits, s.at = append(s.commits, c), append(s.at, time.Now())
	if what == tears {
		return errDown
	}
	return nil
}

func (s *state) apply(c slo.Commit) error {
	if c.From != s.Cursor.Offset || c.Sequence != s.Cursor.Sequence+1 || (c.To <= c.From && c.Recounted == nil) {
		return fmt.Errorf("commit %d of records %d to %d at cursor %+v", c.Sequence, c.From, c.To, s.Cursor)
	}
	for _, r := range c.Recounted {
		if s.Recounted[r.Series] != r.Through {
			return slo.ErrRecountMoved
		}
	}
	for _, r := range c.Recounted {
		s.Recounted[r.Series] = r.After
	}
	seen := map[bucket]bool{}
	for _, d := range c.Deltas {
		key := bucket{d.Series, d.Slice}
		if seen[key] {
			return fmt.Errorf("two deltas for %v", key)
		}
		seen[key] = true
		s.Counts[key] = s.Counts[key].Plus(d.Counts)
	}
	for reason, n := range c.Refused {
		s.Refused[reason] += n
	}
	for _, r := range c.Refusals {
		items := r.Items
		r.Items = 0
		s.Refusals[r] += items
	}
	s.Repeats += c.Repeats
	for _, service := range c.Services {
		s.Services[service.Name] += service.Spans
	}
	s.Gaps = append(s.Gaps, c.Gaps...)
	for id, at := range c.Started {
		if c.Stopped[id] != (time.Time{}) {
			return fmt.Errorf("series %s both started and stopped", id)
		}
		s.Counted[id] = append(s.Counted[id], slo.Interval{From: at})
	}
	for id, at := range c.Stopped {
		stretches := s.Counted[id]
		if len(stretches) == 0 {
			return fmt.Errorf("series %s stopped but never started", id)
		}
		stretches[len(stretches)-1].To = at
	}
	if c.Definitions != nil {
		s.Cursor.Definitions = c.Definitions
	}
	s.Cursor.Offset, s.Cursor.Sequence, s.Cursor.MeasuredUntil = c.To, c.Sequence, c.MeasuredUntil
	return nil
}

func (s *store) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// history is the commits and when they took effect.
func (s *store) history() ([]slo.Commit, []time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]slo.Commit(nil), s.commits...), append([]time.Time(nil), s.at...)
}

func (s *store) snapshot() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := s.state
	copied.Counts = maps.Clone(s.state.Counts)
	return copied
}

// seriesOf returns the series of a service.
func seriesOf(service string) slo.Series {
	return slo.Indicator{Total: slo.SpanSource{Service: service}, Good: &slo.SpanSource{}}.Series()
}

func definitions(t require.TestingT, services ...string) []byte {
	var set []slo.Series
	for _, service := range services {
		set = append(set, seriesOf(service))
	}
	payload, err := slo.EncodeSeries(set)
	require.NoError(t, err)
	return payload
}
