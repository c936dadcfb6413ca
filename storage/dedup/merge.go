package dedup

import (
	"github.com/slowburn-slo/slowburn/internal/failpoint"
)

// merge joins runs that follow each other. Of an item it keeps the latest
// sighting, the only one that a verdict asks for.
func (s *Store) merge(inputs []*run, f filter) error {
	first, last := inputs[0], inputs[len(inputs)-1]
	w, err := newRunWriter(s.fs, s.dir, first.after, last.through, f)
	if err == nil {
		w.footer.born, w.footer.knowledge = last.born, last.knowledge
		w.footer.oldest, w.footer.newest, w.footer.horizon = first.oldest, last.newest, last.horizon
		err = s.replace(inputs, w, func() error { return s.fillMerged(w, inputs) })
	}
	if err != nil {
		s.mu.Lock()
		s.filterBytes -= f.bytes()
		s.mu.Unlock()
	}
	return err
}

func (s *Store) fillMerged(w *runWriter, inputs []*run) error {
	half := uint64(0)
	cursors := make([]*cursor, 0, len(inputs))
	for _, r := range inputs {
		half += r.items / 2
		c := &cursor{run: r, chunk: make([]byte, 0, min(bufferBytes, int(r.dataPages)*pageBytes))}
		if err := s.advance(c); err != nil {
			return err
		}
		if !c.ended {
			cursors = append(cursors, c)
		}
	}
	for len(cursors) > 0 {
		// The last of equals is the latest sighting. Those before it are passed by.
		least := 0
		for i := 1; i < len(cursors); i++ {
			a, b := &cursors[i].entry, &cursors[least].entry
			if a.hi < b.hi || (a.hi == b.hi && a.lo <= b.lo) {
				least = i
			}
		}
		e := cursors[least].entry
		if err := w.add(e); err != nil {
			return err
		}
		if w.footer.items == half {
			failpoint.Here(failpoint.Compaction)
		}
		ended := false
		for _, c := range cursors[:least+1] {
			if c.entry.hi == e.hi && c.entry.lo == e.lo {
				if err := s.advance(c); err != nil {
					return err
				}
				ended = ended || c.ended
			}
		}
		if ended {
			cursors = unended(cursors)
		}
	}
	for _, r := range inputs {
		if err := s.copyVerdicts(w, r); err != nil {
			return err
		}
	}
	return nil
}

func unended(cursors []*cursor) []*cursor {
	left := cursors[:0]
	for _, c := range cursors {
		if !c.ended {
			left = append(left, c)
		}
	}
	return left
}

// cursor reads the entries of a run in order.
type cursor struct {
	run   *run
	chunk []byte // pages read ahead
	page  int    // the next to read
	left  []byte // of the chunk, from the page under way
	n, i  int    // entries of the page under way, and the next
	entry entry
	ended bool
}

func (s *Store) advance(c *cursor) error {
	for c.i == c.n {
		if err := s.nextPage(c); err != nil || c.ended {
			return err
		}
	}
	c.entry = getEntry(c.left, c.i)
	c.i++
	return nil
}

func (s *Store) nextPage(c *cursor) error {
	if c.n > 0 || c.page > 0 {
		c.left = c.left[pageBytes:]
	}
	if len(c.left) == 0 {
		if s.aborting.Load() {
			return errAborted
		}
		pages := min(bufferBytes/pageBytes, int(c.run.dataPages)-c.page)
		if pages == 0 {
			c.ended = true
			return nil
		}
		c.left = c.chunk[:pages*pageBytes]
		if err := c.run.read(c.left, int64(c.page)*pageBytes); err != nil {
			s.reportDamage(c.run, err)
			return err
		}
	}
	n, ok := pageCount(c.left, c.page)
	if !ok {
		err := c.run.damage(c.page)
		s.reportDamage(c.run, err)
		return err
	}
	c.n, c.i = n, 0
	c.page++
	return nil
}
