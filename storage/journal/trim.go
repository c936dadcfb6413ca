package journal

import (
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Trim deletes the oldest segments while all their records are at or below
// read, and they are older than maxAge or the journal uses more than maxBytes.
// The segment that is written to stays. Readers that are overtaken get ErrGap.
func (j *Journal) Trim(read slo.Offset, maxAge time.Duration, maxBytes int64) error {
	j.trim.Lock()
	defer j.trim.Unlock()
	for {
		path, found := j.removable(read, maxAge, maxBytes)
		if !found {
			return nil
		}
		if err := j.fs.Remove(path); err != nil {
			return fmt.Errorf("delete a journal segment that is no longer needed: %w", err)
		}
		j.mu.Lock()
		// A fresh slice: views of readers hold parts of the old one.
		j.segments = append([]segment(nil), j.segments[1:]...)
		j.mu.Unlock()
		// One by one, so that a power loss cannot leave a hole: the names must
		// vanish in order.
		if err := j.fs.SyncDir(j.dir); err != nil {
			return fmt.Errorf("sync journal folder %s: %w", j.dir, err)
		}
	}
}

// removable returns the path of the oldest segment if it may go.
func (j *Journal) removable(read slo.Offset, maxAge time.Duration, maxBytes int64) (string, bool) {
	now := j.options.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.segments) < 2 || j.segments[1].first-1 > read {
		return "", false
	}
	// The next segment was created with the arrival of this one's newest record.
	age := now.Sub(instant(j.segments[1].created))
	return j.segments[0].path, age > maxAge || j.size() > maxBytes
}
