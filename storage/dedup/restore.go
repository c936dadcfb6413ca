package dedup

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// candidate is a file that has the name of a run.
type candidate struct {
	disk.Entry
	after, through slo.Offset
}

// restore opens the runs that follow each other without gaps, and removes
// whatever else a crash has left.
func (s *Store) restore() error {
	if err := s.fs.MakeDir(s.dir); err != nil {
		return err
	}
	found, err := s.list()
	if err != nil {
		return err
	}
	// Of runs that begin together the longest was merged from the others.
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.after, b.after), cmp.Compare(b.through, a.through))
	})
	for _, c := range found {
		end := found[0].after
		if n := len(s.runs); n > 0 {
			end = s.runs[n-1].through
		}
		if c.after != end {
			if err := s.remove(c.Name); err != nil {
				return err
			}
			continue
		}
		r, err := openRun(s.fs, s.dir, c.Entry, s.options.MemoryBytes-s.filterBytes)
		if errors.Is(err, ErrDamaged) {
			s.log.Error("a run of sightings cannot be used", "error", err)
			if err := s.quarantine(c.Name); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		s.runs = append(s.runs, r)
		s.filterBytes += r.filter.bytes()
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return s.adopt()
}

// adopt takes the state of the last run, unless its verdicts rest on another horizon.
func (s *Store) adopt() error {
	if n := len(s.runs); n > 0 && s.runs[n-1].horizon != s.horizon {
		s.log.Warn("the deduplication horizon has changed: sightings are built again from the journal",
			"now_ns", s.horizon, "before_ns", s.runs[n-1].horizon)
		if err := s.dropAfter(0); err != nil {
			return err
		}
	}
	base := slo.Offset(0)
	if n := len(s.runs); n > 0 {
		base = s.runs[n-1].through
	}
	s.standOn(base, true)
	return nil
}

// list returns the files with names of runs, and removes unfinished ones.
func (s *Store) list() ([]candidate, error) {
	all, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var found []candidate
	for _, e := range all {
		switch {
		case strings.HasSuffix(e.Name, temporarySuffix):
			if err := s.remove(e.Name); err != nil {
				return nil, err
			}
		case strings.HasSuffix(e.Name, quarantineSuffix):
			s.quarantined = append(s.quarantined, e.Name)
		case strings.HasSuffix(e.Name, runSuffix):
			after, through, ok := parseRunName(e.Name)
			if !ok {
				return nil, fmt.Errorf("%s has a name that no run has: move it elsewhere", filepath.Join(s.dir, e.Name))
			}
			found = append(found, candidate{Entry: e, after: after, through: through})
		}
	}
	return found, nil
}

func (s *Store) remove(name string) error {
	if err := s.fs.Remove(filepath.Join(s.dir, name)); err != nil {
		return fmt.Errorf("remove a file left over: %w", err)
	}
	return nil
}
