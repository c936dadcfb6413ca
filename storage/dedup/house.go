package dedup

import (
	"errors"
	"path/filepath"
	"slices"
)

// Maintenance. Time is cut into periods of a quarter of the horizon, and a run
// stays within one. Runs are merged by fours of about equal size while their
// period lasts, and all into one when it has ended: an item is written two or
// three times, a lookup asks a handful of filters, and what is beyond the
// horizon goes by whole files. Only settled runs are touched, so that a failed
// commit never finds what it must drop inside a merged run.

const (
	mergeWidth = 4
	// mostMerged bounds the buffers of one merge, 256 KiB a run.
	mostMerged = 16
)

// errAborted says that a job made way.
var errAborted = errors.New("aborted")

func (s *Store) keepHouse() {
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
			s.maintain()
		}
	}
}

// tidy has maintenance done, here or beside.
func (s *Store) tidy() {
	if s.options.inline {
		s.maintain()
		return
	}
	s.nudge()
}

func (s *Store) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Store) maintain() {
	for s.step() {
	}
}

// step does one job and reports whether there may be another.
func (s *Store) step() bool {
	s.jobs.Lock()
	defer s.jobs.Unlock()
	s.mu.Lock()
	if s.closed || s.aborting.Load() {
		s.mu.Unlock()
		return false
	}
	job := s.nextJob()
	s.mu.Unlock()
	if job == nil {
		return false
	}
	err := job()
	if err != nil && !errors.Is(err, errAborted) {
		s.log.Warn("sightings cannot be tidied now", "error", err)
	}
	return err == nil
}

func (s *Store) nextJob() func() error {
	if job := s.removal(); job != nil {
		return job
	}
	settled := s.settledRuns()
	for i := range settled {
		if r := s.runs[i]; !r.husk && r.items > 0 && s.expired(r, settled) {
			return func() error { return s.empty(r) }
		}
	}
	from, to := s.mergeable(settled)
	if to == 0 {
		return nil
	}
	inputs := slices.Clone(s.runs[from:to])
	items := 0
	for _, r := range inputs {
		items += int(r.items)
	}
	filter := newFilter(s.planFilter(items))
	s.filterBytes += filter.bytes() // Reserved: runs are written meanwhile.
	return func() error { return s.merge(inputs, filter) }
}

// settledRuns returns how many runs the ledger has settled.
func (s *Store) settledRuns() int {
	n := len(s.runs)
	for n > 0 && s.runs[n-1].through > s.settled {
		n--
	}
	return n
}

// expired reports whether no sighting of a run counts any more, for any record
// to which a restart may come back: it looks at what is durable, and leaves
// two periods for a database that has lost its newest commits: one that it may
// be behind, and one for the run that is dropped because of it.
func (s *Store) expired(r *run, settled int) bool {
	return settled > 0 && r.newest < s.runs[settled-1].newest-s.horizon-2*s.period
}

// removal removes what the journal does not hold any more.
func (s *Store) removal() func() error {
	for i, name := range s.quarantined {
		if _, through, ok := parseRunName(name); ok && through < s.oldest {
			s.quarantined = slices.Delete(s.quarantined, i, i+1)
			return func() error { return s.remove(name) }
		}
	}
	// The one after it is beyond the horizon, too: so a run is left that shows that the horizon is whole.
	if settled := s.settledRuns(); settled > 1 && s.runs[0].through < s.oldest && s.expired(s.runs[1], settled) {
		r := s.runs[0]
		s.runs = s.runs[1:]
		s.drop(r)
		return func() error {
			if err := s.remove(filepath.Base(r.path)); err != nil {
				return err
			}
			// One by one: if an older one came back without it there would be a gap.
			return s.fs.SyncDir(s.dir)
		}
	}
	return nil
}

// mergeable returns the first runs to merge, or nothing.
func (s *Store) mergeable(settled int) (from, to int) {
	for from = 0; from < settled; from = to {
		for to = from + 1; to < settled && s.together(from, to); {
			to++
		}
		if s.runs[from].husk {
			continue
		}
		if to < len(s.runs) && !s.together(from, to) { // The period has ended.
			if to-from > 1 {
				return from, min(to, from+mostMerged)
			}
			continue
		}
		for a := from; a < to; {
			b := a + 1
			for b < to && s.class(b) == s.class(a) {
				b++
			}
			if b-a >= mergeWidth {
				return a, min(b, a+mostMerged)
			}
			a = b
		}
	}
	return 0, 0
}

func (s *Store) together(a, b int) bool {
	x, y := s.runs[a], s.runs[b]
	return x.husk == y.husk && x.newest/s.period == y.newest/s.period
}

// class is the size of a run: each is mergeWidth times the one before.
func (s *Store) class(i int) int {
	class := 0
	for weight := s.runs[i].weight(); weight >= 2*s.options.TableItems; weight /= mergeWidth {
		class++
	}
	return class
}

// empty replaces a run beyond the horizon by one with its verdicts only.
func (s *Store) empty(r *run) error {
	w, err := newRunWriter(s.fs, s.dir, r.after, r.through, nil)
	if err != nil {
		return err
	}
	w.footer = r.footer
	w.footer.husk, w.footer.items, w.footer.verdicts, w.footer.dataPages, w.footer.verdictPages = true, 0, 0, 0, 0
	return s.replace([]*run{r}, w, func() error { return s.copyVerdicts(w, r) })
}

// replace fills a new run and puts it in the place of others.
func (s *Store) replace(inputs []*run, w *runWriter, fill func() error) error {
	err := fill()
	var output *run
	if err == nil {
		output, err = w.finish()
	}
	if err != nil {
		w.abandon()
		return err
	}
	s.mu.Lock()
	at := slices.Index(s.runs, inputs[0])
	s.runs = slices.Replace(s.runs, at, at+len(inputs), output)
	for _, r := range inputs {
		s.drop(r)
	}
	s.ask()
	s.mu.Unlock()
	for _, r := range inputs {
		if r.path == output.path {
			continue // It was replaced under its own name.
		}
		// Should one come back, it lies within the output, and goes at the next start.
		if err := s.fs.Remove(r.path); err != nil {
			s.log.Warn("a merged run of sightings cannot be removed", "file", r.path, "error", err)
		}
	}
	return nil
}

// copyVerdicts copies the verdict pages of a run.
func (s *Store) copyVerdicts(w *runWriter, r *run) error {
	b := make([]byte, pageBytes)
	for p, first := range r.index[r.dataPages:] {
		if s.aborting.Load() {
			return errAborted
		}
		err := r.read(b, int64(int(r.dataPages)+p)*pageBytes)
		if err == nil && !sealed(b) {
			err = r.damage(int(r.dataPages) + p)
		}
		if err != nil {
			s.reportDamage(r, err)
			return err
		}
		if err := w.copyVerdicts(b, first); err != nil {
			return err
		}
	}
	return nil
}
