package journal

import (
	"errors"
	"fmt"

	"github.com/slowburn-slo/slowburn/slo"
)

// ErrFull says that the journal has reached Options.MaxBytes. It accepts again
// by itself when Trim has made room.
var ErrFull = errors.New("the journal is full")

// definitionsReserve is how far above MaxBytes definitions may go: they are
// small, and without them what is counted could not be changed while the
// journal is full.
const definitionsReserve = 1 << 20

// probeBytes is how much is written at once to find out whether there is room.
const probeBytes = 1 << 20

// admit takes out of a group what there is no room for, in the order of the
// group, and returns why. Once telemetry was refused, everything waits until
// the largest of the refused would fit. Otherwise small records would slip in,
// and heartbeats would say "measured" of a time in which batches were refused.
func (j *Journal) admit(group []*request) (admitted, refused []*request, reason error) {
	if j.options.MaxBytes <= 0 {
		return group, nil, nil
	}
	w := &j.writer
	// A new segment may begin before the group, and another when it is full.
	used, wanted := j.Size()+2*segmentHeaderBytes, w.wanted
	for _, q := range group {
		size := int64(len(q.frame))
		need, limit := max(size, wanted), j.options.MaxBytes
		essential := q.record.Kind == slo.RecordDefinitions
		if essential {
			need, limit = size, max(limit, j.opened)+definitionsReserve
		}
		if used+need > limit || (reason != nil && !essential) {
			refused = append(refused, q)
			if !essential {
				w.wanted = max(w.wanted, size)
			}
			reason = j.full()
			continue
		}
		if !essential {
			wanted = 0
		}
		used += size
		admitted = append(admitted, q)
	}
	return admitted, refused, reason
}

// full is ErrFull with how full, and what to do.
func (j *Journal) full() error {
	const mebibyte = 1 << 20
	return fmt.Errorf("%w: %s has %.1f of at most %.1f MiB. It accepts again when records that were counted are deleted; "+
		"if that does not happen, see whether the database is down, or allow the journal more",
		ErrFull, j.dir, float64(j.Size())/mebibyte, float64(j.options.MaxBytes)/mebibyte)
}

// turnWhenFull begins a new segment, so that Trim can delete the one that was
// written to: it might be all that the journal holds.
func (j *Journal) turnWhenFull() error {
	if j.writer.end == segmentHeaderBytes || j.Err() != nil {
		return nil //nolint:nilerr // Nothing is to be turned; whoever appends next hears of a failure.
	}
	return j.turn()
}

// probe finds out whether so many bytes have room behind the last record, and
// leaves the file as it was. A heartbeat would find room on a disk that has
// none for the batches that are being refused.
func (j *Journal) probe(need int64) error {
	w, block := &j.writer, make([]byte, min(need, probeBytes))
	var err error
	for done := int64(0); done < need && err == nil; done += int64(len(block)) {
		block = block[:min(need-done, probeBytes)]
		_, err = w.file.WriteAt(block, w.end+done)
	}
	if err != nil {
		err = fmt.Errorf("try to write to %s: %w", j.active().path, err)
	}
	if cut := w.file.Truncate(w.end); cut != nil {
		err = errors.Join(err, fmt.Errorf("%w: taking back zeros: %w", errNotSynced, cut))
	}
	return err
}

// telemetry reports whether a group says anything of what is measured;
// definitions do not, they go through when telemetry is refused.
func telemetry(group []*request) bool {
	for _, q := range group {
		if q.record.Kind != slo.RecordDefinitions {
			return true
		}
	}
	return false
}

// tell keeps whether records are refused, and logs only when that changes. A
// failure for good is told by Err.
func (j *Journal) tell(reason error) {
	j.mu.Lock()
	before, failure := j.refusing, j.failure
	j.refusing = reason
	j.mu.Unlock()
	switch {
	case failure != nil || (before == nil) == (reason == nil):
	case reason != nil:
		j.options.Logger.Warn("journal refuses records", "error", reason)
	default:
		j.options.Logger.Info("journal accepts records again")
	}
}

// Refusing says why telemetry is refused at the moment: the journal or the disk
// is full, or the journal has stopped for good. It is nil while records are
// accepted. The journal tries again with every record and every heartbeat.
func (j *Journal) Refusing() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failure != nil {
		return j.failure
	}
	return j.refusing
}
