package journal

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Before returns the newest record of the segments that were finished before an
// instant: what Trim would delete for its age alone. 0 if there is none.
func (j *Journal) Before(at time.Time) slo.Offset {
	j.mu.Lock()
	defer j.mu.Unlock()
	var last slo.Offset
	for i := 1; i < len(j.segments) && instant(j.segments[i].created).Before(at); i++ {
		last = j.segments[i].first - 1
	}
	return last
}

// Since is the instant after which the journal has everything that arrived: the
// arrival of the newest record before its oldest segment. It lies in 1970 while
// the journal has its first segment, and is zero if it has none.
func (j *Journal) Since() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.segments {
		if !j.segments[i].lost {
			return instant(j.segments[i].created)
		}
	}
	return time.Time{}
}
