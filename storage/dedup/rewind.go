package dedup

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
)

// Rewind makes the store hold what it knows of the records up to one, the
// cursor of the ledger, and nothing of later ones. It returns the record after
// which the journal must be sighted again: at most that one, and equal to it
// when nothing is missing. A record of which only a part was sighted is missing.
//
// It is called at each start, after each commit that failed, and after each
// error of Begin or Sight; it puts damaged runs aside.
func (s *Store) Rewind(to slo.Offset) (slo.Offset, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return 0, ErrClosed
	}
	if s.rewound && s.damaged == nil && to >= s.base && s.rewindTable(min(to, s.complete)) && s.joins(s.covered, to) {
		defer s.mu.Unlock()
		s.settled, s.failed = to, nil
		return s.covered, nil
	}
	s.mu.Unlock()
	s.aborting.Store(true)
	s.jobs.Lock()
	defer s.jobs.Unlock()
	s.aborting.Store(false)
	defer s.nudge()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.rewindRuns(to); err != nil {
		s.failed = fmt.Errorf("rewind sightings to record %d: %w", to, err)
		return 0, s.failed
	}
	s.rewound, s.settled, s.failed, s.damaged = true, to, nil, nil
	if failpoint.Planted(failpoint.DedupAfterCommit) {
		s.emptyTable(to) // As if the commit vouched for sightings that the crash took.
	}
	return s.covered, nil
}

// joins reports whether the journal still holds all records after one up to another.
func (s *Store) joins(after, to slo.Offset) bool {
	return after >= to || s.oldest == 0 || after+1 >= s.oldest
}

// rewindRuns drops the table and all runs that do not end at or before a
// record, and those that are no use.
func (s *Store) rewindRuns(to slo.Offset) error {
	keep := 0
	for keep < len(s.runs) && s.runs[keep].through <= to && s.runs[keep] != s.damaged {
		keep++
	}
	keep, whole := s.reach(keep)
	base := slo.Offset(0)
	if keep > 0 {
		base = s.runs[keep-1].through
	}
	if !s.joins(base, to) {
		// The journal lost records that were never sighted, or must be again.
		keep, base = 0, min(s.oldest-1, to)
	}
	if s.damaged != nil {
		if err := s.quarantine(filepath.Base(s.damaged.path)); err != nil {
			return err
		}
	}
	if err := s.dropAfter(keep); err != nil {
		return err
	}
	s.standOn(base, whole)
	return nil
}

// standOn empties the table and takes its state from the last run.
func (s *Store) standOn(base slo.Offset, whole bool) {
	s.emptyTable(base)
	if len(s.runs) == 0 {
		s.born, s.arrival, s.knowledge = base, 0, knowledge{}
		if base > 0 {
			s.known = Unknown
		}
		return
	}
	last := s.runs[len(s.runs)-1]
	s.born, s.arrival, s.knowledge = last.born, last.newest, last.knowledge
	if !whole {
		s.knowledge = knowledge{known: Unknown}
	}
}

// reach looks whether the first n runs hold a whole horizon before what comes
// next. They do not when a restored database asks for records so old that
// their horizon was dropped: then it goes back one horizon more, so that
// sighting from there makes the rest whole.
func (s *Store) reach(n int) (keep int, whole bool) {
	if n == 0 {
		return 0, true
	}
	cut := s.runs[n-1].newest - s.horizon
	for i := n - 1; ; i-- {
		r := s.runs[i]
		if r.husk && r.newest >= cut {
			break
		}
		if r.oldest < cut || (i == 0 && r.after == r.born) {
			return n, true
		}
		if i == 0 {
			break // Runs before it were forgotten.
		}
	}
	for n > 0 && s.runs[n-1].newest >= cut {
		n--
	}
	return n, false
}

// dropAfter drops all runs but the first, the newest first: what is left is
// always without gaps.
func (s *Store) dropAfter(keep int) error {
	changed := false
	for len(s.runs) > keep {
		r := s.runs[len(s.runs)-1]
		if r != s.damaged {
			if err := s.fs.Remove(r.path); err != nil {
				return fmt.Errorf("remove run of sightings: %w", err)
			}
		}
		s.runs = s.runs[:len(s.runs)-1]
		s.drop(r)
		changed = true
	}
	if !changed {
		return nil
	}
	// Else they might come back after a loss of power, beside what replaces them.
	if err := s.fs.SyncDir(s.dir); err != nil {
		return fmt.Errorf("sync folder of sightings: %w", err)
	}
	return nil
}

// quarantine puts a damaged run aside under a name that no run has.
func (s *Store) quarantine(name string) error {
	path := filepath.Join(s.dir, name)
	if err := s.fs.Rename(path, path+quarantineSuffix); err != nil {
		return fmt.Errorf("put damaged run of sightings aside: %w", err)
	}
	s.quarantined = append(s.quarantined, name+quarantineSuffix)
	s.log.Error("a run of sightings is damaged: it was put aside and is built again from the journal", "file", path+quarantineSuffix)
	return nil
}

// reportDamage makes the next Begin say that a run is damaged. Of a husk
// only verdicts can be damaged, that nobody needs to judge: the store knows less.
func (s *Store) reportDamage(r *run, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.dropped || !errors.Is(err, ErrDamaged) {
		return
	}
	if r.husk {
		s.lost = max(s.lost, r.through)
		s.log.Error("stored verdicts are damaged: recounts begin after them", "file", r.path, "error", err)
		return
	}
	s.damaged = r
	if s.failed == nil {
		s.failed = err
	}
}
