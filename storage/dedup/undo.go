package dedup

import "github.com/slowburn-slo/slowburn/slo"

// undo takes back the newest records, that the ledger has not committed: a
// failed commit then costs what it had judged, not the whole table.
type undo struct {
	marks   []mark  // the records, in order
	entries []entry // what each sighting replaced; arrival 0: nothing
	// overflown: there were too many; what they replaced is not known.
	overflown bool
}

// mark is the state before a record.
type mark struct {
	offset, covered   slo.Offset
	entries, verdicts int
	arrival, since    int64
}

func (u *undo) none() bool { return len(u.marks) == 0 }

func (u *undo) reset() { *u = undo{marks: u.marks[:0], entries: u.entries[:0]} }

func (u *undo) mark(m mark) {
	m.entries = len(u.entries)
	if u.overflown {
		u.marks = u.marks[:0] // One is kept: a record was begun.
	}
	u.marks = append(u.marks, m)
}

func (u *undo) note(before entry, most int) {
	if u.overflown {
		return
	}
	if len(u.entries) >= most {
		u.overflown, u.entries = true, u.entries[:0]
		return
	}
	u.entries = append(u.entries, before)
}

// forget drops what leads back before a settled record.
func (u *undo) forget(settled slo.Offset) {
	n := 0
	for n < len(u.marks) && u.marks[n].offset <= settled {
		n++
	}
	if n == 0 || u.overflown || n == len(u.marks) {
		return
	}
	gone := u.marks[n].entries
	u.entries = u.entries[:copy(u.entries, u.entries[gone:])]
	u.marks = u.marks[:copy(u.marks, u.marks[n:])]
	for i := range u.marks {
		u.marks[i].entries -= gone
	}
}

// rewindTable takes back the records after one; false if it cannot.
func (s *Store) rewindTable(to slo.Offset) bool {
	if to >= s.covered {
		return true
	}
	u := &s.undo
	if u.overflown || len(u.marks) == 0 || to < u.marks[0].covered {
		return false
	}
	for len(u.marks) > 0 && s.covered > to {
		m := u.marks[len(u.marks)-1]
		u.marks = u.marks[:len(u.marks)-1]
		for i := len(u.entries) - 1; i >= m.entries; i-- {
			e := u.entries[i]
			if e.arrival == 0 {
				s.table.remove(e.hi, e.lo)
				continue
			}
			*s.table.find(e.hi, e.lo) = e
		}
		u.entries = u.entries[:m.entries]
		s.verdicts = s.verdicts[:m.verdicts]
		s.covered, s.arrival, s.since = m.covered, m.arrival, m.since
	}
	s.complete = s.covered
	return true
}
