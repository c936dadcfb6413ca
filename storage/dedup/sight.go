package dedup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// heldTimes is how many times TableItems are held at most while nothing can be written.
const heldTimes = 4

// Begin starts a record, and ends the one before. Offsets grow, with gaps where
// records hold no items; arrivals never go back. After an error of Begin or
// Sight only Rewind helps.
func (s *Store) Begin(offset slo.Offset, arrival time.Time) error {
	s.mu.Lock()
	wrote, err := s.begin(offset, arrival.UnixNano())
	s.mu.Unlock()
	if wrote {
		s.tidy()
	}
	return err
}

func (s *Store) begin(offset slo.Offset, arrival int64) (wrote bool, err error) {
	if s.failed != nil {
		return false, s.failed
	}
	if offset <= s.covered {
		return false, s.fail(fmt.Errorf("begin record %d: sightings go up to record %d already", offset, s.covered))
	}
	if arrival <= 0 || arrival < s.arrival {
		return false, s.fail(fmt.Errorf("begin record %d: it arrived before the one before it, or before 1970", offset))
	}
	s.complete = s.covered
	if s.due(arrival) {
		if err := s.writeTable(); err != nil {
			if weight := s.weight(); weight >= heldTimes*s.options.TableItems {
				return false, s.fail(fmt.Errorf("%w with %d: %w", ErrFull, weight, err))
			}
			s.retry = retry{weight: s.weight() + s.options.TableItems/8 + 1, arrival: arrival + s.period/8 + 1}
			s.log.Warn("sightings cannot be written: they stay in memory until they can", "items", s.weight(), "error", err)
		} else {
			wrote = true
		}
	}
	if s.complete <= s.settled {
		s.undo.reset()
	}
	s.undo.mark(mark{offset: offset, covered: s.covered, verdicts: len(s.verdicts), arrival: s.arrival, since: s.since})
	s.learn(s.covered, arrival, s.horizon)
	if s.since == 0 {
		s.since = arrival
	}
	s.covered, s.arrival, s.place = offset, arrival, 0
	s.ask()
	return wrote, nil
}

// weight is what the table holds.
func (s *Store) weight() int { return s.table.n + len(s.verdicts) }

// due says whether the table is to be written before a record of this arrival: when it is
// full, and when a period has ended. It waits for the ledger to settle, because
// a run is dropped as a whole when a commit fails, but not for ever.
func (s *Store) due(arrival int64) bool {
	weight := s.weight()
	if weight < s.options.TableItems && (s.since == 0 || s.since/s.period == arrival/s.period) {
		return false
	}
	if s.complete > s.settled && weight < 2*s.options.TableItems {
		return false
	}
	return weight >= s.retry.weight || arrival >= s.retry.arrival || weight >= heldTimes*s.options.TableItems
}

// fail makes an error stick until Rewind.
func (s *Store) fail(err error) error {
	s.failed = err
	return err
}

// Sight judges and notes the next item of the record begun.
func (s *Store) Sight(x slo.Sighting) (slo.Sighted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return slo.First, s.failed
	}
	if s.undo.none() {
		return slo.First, s.fail(errors.New("sight an item: no record was begun"))
	}
	hi, lo := binary.BigEndian.Uint64(x.ID[:8]), binary.BigEndian.Uint64(x.ID[8:])
	s.table.reserve()
	slot := s.table.find(hi, lo)
	last := *slot
	before := last
	if last.arrival == 0 {
		var err error
		if last, err = s.findInRuns(hi, lo); err != nil {
			return slo.First, s.fail(err)
		}
		s.table.n++
	}
	before.hi, before.lo = hi, lo
	s.undo.note(before, s.options.TableItems)
	*slot = entry{hi: hi, lo: lo, content: x.Content, arrival: s.arrival}
	place := s.place
	s.place++
	if last.arrival == 0 || last.arrival < s.arrival-s.horizon {
		return slo.First, nil
	}
	conflict := last.content != x.Content
	s.verdicts = append(s.verdicts, verdict{offset: s.covered, place: uint32(place), conflict: conflict})
	if conflict {
		return slo.Conflict, nil
	}
	return slo.Repeat, nil
}

// findInRuns returns the latest sighting of an identity that the runs hold, or none.
func (s *Store) findInRuns(hi, lo uint64) (entry, error) {
	for low := 0; low < len(s.asked); low += 64 { // The newest first.
		asked := s.asked[low:min(low+64, len(s.asked))]
		hits := uint64(0)
		for i := range asked {
			hits |= asked[i].filter.mayHold(hi, lo) << i
		}
		for ; hits != 0; hits &= hits - 1 {
			e, err := s.findIn(asked[bits.TrailingZeros64(hits)].run, hi, lo)
			if e.arrival != 0 || err != nil {
				return e, err
			}
		}
	}
	return entry{}, nil
}

// asked is a run that a lookup must ask, with its filter at hand.
type asked struct {
	filter filter
	run    *run
}

// ask lists the runs whose sightings count for records of the arrival now, the newest first.
func (s *Store) ask() {
	clear(s.asked)
	s.asked = s.asked[:0]
	for i := len(s.runs) - 1; i >= 0 && s.runs[i].newest >= s.arrival-s.horizon; i-- {
		if r := s.runs[i]; r.dataPages > 0 {
			s.asked = append(s.asked, asked{filter: r.filter, run: r})
		}
	}
}

func (s *Store) findIn(r *run, hi, lo uint64) (entry, error) {
	e, ok, err := r.find(hi, lo, s.buffer)
	switch {
	case err != nil:
		s.damaged = r
		return entry{}, err
	case ok:
		return e, nil
	default:
		s.falseHits++
		return entry{}, nil
	}
}

// Settle says that the ledger has committed up to a record, and that all
// records up to it were sighted.
func (s *Store) Settle(offset slo.Offset) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if offset < s.settled {
		return nil
	}
	s.settled = offset
	if s.failed != nil {
		return nil // Begin will say so.
	}
	if offset < s.covered {
		s.complete = max(s.complete, offset)
		s.undo.forget(offset)
		return nil
	}
	s.covered, s.complete = offset, offset
	s.undo.reset()
	return nil
}

// writeTable writes what is in memory as a run and empties it. After an error
// all is as before.
func (s *Store) writeTable() error {
	if s.covered == s.base {
		return nil
	}
	w, err := newRunWriter(s.fs, s.dir, s.base, s.covered, newFilter(s.planFilter(s.table.n)))
	if err != nil {
		return err
	}
	w.footer.born, w.footer.knowledge = s.born, s.knowledge
	w.footer.oldest, w.footer.newest, w.footer.horizon = s.since, s.arrival, s.horizon
	if s.since == 0 {
		w.footer.oldest = s.arrival // Only records without items were settled.
	}
	r, err := s.writeEntries(w)
	if err != nil {
		w.abandon()
		return err
	}
	s.runs = append(s.runs, r)
	s.filterBytes += r.filter.bytes()
	s.emptyTable(s.covered)
	return nil
}

func (s *Store) writeEntries(w *runWriter) (*run, error) {
	if err := s.table.sorted(func(entries []entry) error {
		for _, e := range entries {
			if err := w.add(e); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for _, v := range s.verdicts {
		if err := w.note(v); err != nil {
			return nil, err
		}
	}
	return w.finish()
}

// emptyTable makes memory cover the records after one.
func (s *Store) emptyTable(base slo.Offset) {
	s.table.clear()
	if len(s.table.slots) > max(1<<leastSlotBits, heldTimes*s.options.TableItems) {
		s.table = newTable() // It grew while the disk was full.
	}
	s.verdicts = s.verdicts[:0]
	s.undo.reset()
	s.since, s.retry = 0, retry{}
	s.base, s.covered, s.complete = base, base, base
}

// planFilter returns how many blocks the filter of a new run of n items gets.
// It takes at most half of what is left, so that later runs get some, too.
func (s *Store) planFilter(n int) int64 {
	blocks := filterBlocks(n, (s.options.MemoryBytes-s.filterBytes)/2)
	if blocks < fullBlocks(n) && !s.warned {
		s.warned = true
		s.log.Warn("the filters of sightings are at their bound: repeats stay exact and cost more reads",
			"bound_bytes", s.options.MemoryBytes)
	}
	return blocks
}
