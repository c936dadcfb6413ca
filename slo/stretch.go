package slo

import "time"

// Stretch is a run of records for which a series was counted, with the
// arrivals it covers: the records after After up to Through, or all that follow
// while Through is 0.
type Stretch struct {
	Interval
	After, Through Offset
	// Unplaced: it began under a version that did not note positions. After is
	// not known, nor is Through if it ended under that version, too. It can be
	// neither extended nor audited.
	Unplaced bool
}

// Recounted is what a recount adds to what was counted live: the records after
// After up to Through, judged for one series, joined to the stretch that began
// after Through. Their counts are in the deltas of the same commit.
type Recounted struct {
	Series         SeriesID
	After, Through Offset
	// Since is the arrival of the first of these records: the series is counted
	// from then on. Until is where the stretch that it is joined to began before.
	Since, Until time.Time
}

// Recounted moves the beginning of a stretch back to what a recount has joined
// to it. It reports false, and changes nothing, without such a stretch.
func (s *SeriesState) Recounted(r Recounted) bool {
	for i := range s.Counted {
		if s.Counted[i].From.Equal(r.Until) {
			s.Counted[i].From = r.Since
			return true
		}
	}
	return false
}

// CountedSince is where the stretch begins that is still going on, joined to
// those before it that it touches; zero if none is going on.
func (s SeriesState) CountedSince() time.Time {
	var since time.Time
	for _, counted := range s.Counted {
		if counted.To.IsZero() && (since.IsZero() || counted.From.Before(since)) {
			since = counted.From
		}
	}
	if since.IsZero() {
		return since
	}
	for joined := true; joined; {
		joined = false
		for _, counted := range s.Counted {
			if counted.From.Before(since) && !counted.To.Before(since) {
				since, joined = counted.From, true
			}
		}
	}
	return since
}
