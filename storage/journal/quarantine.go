package journal

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// Quarantine, and how a loss is accepted.
//
// A damaged segment is renamed to "….journal.quarantined" and never deleted. As
// long as such a file lies there and its segment does not, or a segment is
// missing between others, the journal does not open. The operator puts a whole
// copy back, or names the segment in Options.AcceptLoss. Then an empty file
// "….journal.lost" says from then on that its records are given up, and the
// quarantined file gets another name, under which nobody asks for it.
const (
	quarantinedSuffix = segmentSuffix + ".quarantined"
	keptSuffix        = segmentSuffix + ".given-up" // a quarantined file whose loss was accepted
	lostSuffix        = segmentSuffix + ".lost"
)

// lostTail is how many offsets are passed over when the end of the journal was
// lost, and with it how far it had got: no segment has so many records. No
// offset may ever be given twice.
const lostTail = 1 << 32

// fault is a segment that cannot be read, or is not there.
type fault struct {
	first slo.Offset
	err   error
	// accepted: the operator has accepted the loss under another name.
	accepted bool
}

// settle sets a damaged segment aside, and goes on without it if the operator
// has accepted that; otherwise it returns what is to be done.
func (j *Journal) settle(l listing, f fault) error {
	name := segmentName(f.first)
	path := filepath.Join(j.dir, name)
	_, there := l.files[f.first]
	if there {
		aside, err := j.setAside(path)
		if err != nil {
			return errors.Join(f.err, err)
		}
		f.err = fmt.Errorf("%w. The file was set aside as %s", f.err, aside)
		delete(l.files, f.first)
		l.aside[f.first] = true
	}
	if !f.accepted && !j.accepts(f.first) {
		return fmt.Errorf("%w. Put a whole copy of it back as %s, or start with --accept-loss %s: its records are then given up, and their time is not measured",
			f.err, path, name)
	}
	if err := j.giveUp(l, f.first); err != nil {
		return errors.Join(f.err, err)
	}
	j.options.Logger.Warn("journal goes on without a segment, as --accept-loss says", "segment", name, "reason", f.err)
	return nil
}

// accepts reports whether the operator accepts the loss of a segment.
func (j *Journal) accepts(first slo.Offset) bool {
	return slices.Contains(j.options.AcceptLoss, segmentName(first))
}

// checkAccepted refuses names in AcceptLoss that no segment can have.
func (j *Journal) checkAccepted() error {
	for _, name := range j.options.AcceptLoss {
		if _, ok := parseSegmentName(name); !ok {
			return fmt.Errorf("accept the loss of %q: no segment has such a name, they are like %s", name, segmentName(1))
		}
	}
	return nil
}

// setAside renames a segment to the first quarantine name that is free, and
// returns that.
func (j *Journal) setAside(path string) (string, error) {
	entries, err := j.fs.ReadDir(j.dir)
	if err != nil {
		return "", fmt.Errorf("list segments: %w", err)
	}
	aside := strings.TrimSuffix(path, segmentSuffix) + quarantinedSuffix
	for n := 2; slices.ContainsFunc(entries, func(e disk.Entry) bool { return e.Name == filepath.Base(aside) }); n++ {
		aside = fmt.Sprintf("%s%s-%d", strings.TrimSuffix(path, segmentSuffix), quarantinedSuffix, n)
	}
	if err := j.fs.Rename(path, aside); err != nil {
		return "", fmt.Errorf("set the damaged segment aside: %w", err)
	}
	if err := j.syncDir(); err != nil {
		return "", fmt.Errorf("sync journal folder %s: %w", j.dir, err)
	}
	return aside, nil
}

// giveUp makes durable that a segment is lost.
func (j *Journal) giveUp(l listing, first slo.Offset) error {
	if err := j.put(first, lostSuffix, nil); err != nil {
		return fmt.Errorf("note the accepted loss of %s: %w", segmentName(first), err)
	}
	l.lost[first] = true
	return j.keepAside(l, first)
}

// keepAside gives the quarantined files of a lost segment the name under which
// nobody asks for them.
func (j *Journal) keepAside(l listing, first slo.Offset) error {
	if !l.aside[first] {
		return nil
	}
	entries, err := j.fs.ReadDir(j.dir)
	if err != nil {
		return fmt.Errorf("list segments: %w", err)
	}
	base := strings.TrimSuffix(segmentName(first), segmentSuffix)
	for _, e := range entries {
		if rest, ok := strings.CutPrefix(e.Name, base+quarantinedSuffix); ok {
			if err := j.fs.Rename(filepath.Join(j.dir, e.Name), filepath.Join(j.dir, base+keptSuffix+rest)); err != nil {
				return fmt.Errorf("keep the damaged segment: %w", err)
			}
		}
	}
	delete(l.aside, first)
	return j.syncDir()
}

// put writes a small file beside a segment, durably.
func (j *Journal) put(first slo.Offset, suffix string, content []byte) error {
	f, err := j.fs.Create(filepath.Join(j.dir, strings.TrimSuffix(segmentName(first), segmentSuffix)+suffix))
	if err != nil {
		return err
	}
	if len(content) > 0 {
		if _, err := f.WriteAt(content, 0); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return j.syncDir()
}

// Holes are the stretches that were lost and given up, the oldest first, as far
// as Trim has not yet passed them. They do not change while the journal is open,
// except that Trim takes away the oldest.
func (j *Journal) Holes() []slo.Hole {
	j.mu.Lock()
	defer j.mu.Unlock()
	var holes []slo.Hole
	for i := 0; i < len(j.segments); i++ {
		if !j.segments[i].lost {
			continue
		}
		hole := slo.Hole{After: j.segments[i].first - 1}
		if created := j.segments[i].created; created != 0 {
			hole.From = instant(created)
		}
		for j.segments[i].lost { // The last segment never is.
			i++
		}
		hole.Through, hole.To = j.segments[i].first-1, instant(j.segments[i].created)
		holes = append(holes, hole)
	}
	return holes
}
