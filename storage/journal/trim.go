package journal

import (
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
)

// Trim deletes the oldest segments while they are older than maxAge or the
// journal uses more than maxBytes. Records above read, the newest one that the
// ledger has counted, are never deleted. Of the rest, age alone deletes only
// what is at or below sealed, the newest record on which an audit has spoken its
// last word; size deletes also what no audit has sealed, which is logged once
// and returned as a number of segments. The segment that is written to stays.
// Readers that are overtaken get ErrGap.
func (j *Journal) Trim(read, sealed slo.Offset, maxAge time.Duration, maxBytes int64) (unsealed int, err error) {
	j.trim.Lock()
	defer j.trim.Unlock()
	if failpoint.Planted(failpoint.TrimEarly) {
		read = ^slo.Offset(0)
	}
	var through slo.Offset // the newest record that went without a seal
	defer func() {
		if unsealed > 0 {
			j.options.Logger.Warn("journal deleted records before an audit had sealed them, to stay below its size",
				"segments", unsealed, "sealed_through", uint64(sealed), "deleted_through", uint64(through), "max_bytes", maxBytes)
		}
	}()
	for {
		oldest, last, found := j.removable(read, sealed, maxAge, maxBytes)
		if !found {
			return unsealed, nil
		}
		if err := j.removeOldest(oldest.path); err != nil {
			return unsealed, err
		}
		if last > sealed && !oldest.lost {
			unsealed, through = unsealed+1, last
		}
	}
}

// removable returns the oldest segment and its newest record, if it may go.
func (j *Journal) removable(read, sealed slo.Offset, maxAge time.Duration, maxBytes int64) (oldest segment, last slo.Offset, found bool) {
	now := j.options.Now()
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.segments) < 2 {
		return segment{}, 0, false
	}
	last = j.segments[1].first - 1
	// The next segment was created with the arrival of this one's newest record.
	old := now.Sub(instant(j.segments[1].created)) > maxAge && last <= sealed
	return j.segments[0], last, last <= read && (old || j.size() > maxBytes)
}

// removeOldest deletes the oldest segment.
func (j *Journal) removeOldest(path string) error {
	if err := j.Err(); err != nil {
		return unavailable(err)
	}
	if err := j.fs.Remove(path); err != nil {
		return fmt.Errorf("delete a journal segment that is no longer needed: %w", err)
	}
	failpoint.Here(failpoint.SegmentDeleted)
	j.mu.Lock()
	// A fresh slice: views of readers hold parts of the old one.
	j.segments = append([]segment(nil), j.segments[1:]...)
	j.mu.Unlock()
	// One by one, so that a power loss cannot leave a hole: the names must
	// vanish in order. For the same reason a failure ends it: if the next name
	// became durable without this one, there would be a hole.
	if err := j.syncDir(); err != nil {
		err = fmt.Errorf("sync journal folder %s: %w: %w", j.dir, errNotSynced, err)
		j.stop(err)
		return err
	}
	return nil
}
