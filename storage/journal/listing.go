package journal

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

// listing is what the folder holds.
type listing struct {
	files map[slo.Offset]disk.Entry
	// lost are the segments whose loss was accepted, aside those that were quarantined.
	lost, aside map[slo.Offset]bool
	suspects    map[slo.Offset]suspicion
}

// inOrder are the offsets of all segments, there or lost.
func (l listing) inOrder() []slo.Offset {
	var all []slo.Offset
	for first := range l.files {
		all = append(all, first)
	}
	for first := range l.lost {
		all = append(all, first)
	}
	slices.Sort(all)
	return all
}

// list reads the folder, and removes what was never finished or has no meaning
// any more.
func (j *Journal) list() (listing, error) {
	l := listing{
		files: map[slo.Offset]disk.Entry{}, lost: map[slo.Offset]bool{}, aside: map[slo.Offset]bool{},
		suspects: map[slo.Offset]suspicion{},
	}
	all, err := j.fs.ReadDir(j.dir)
	if err != nil {
		return l, fmt.Errorf("list segments: %w", err)
	}
	for _, e := range all {
		if err := j.sort(l, e); err != nil {
			return l, err
		}
	}
	for first := range l.lost {
		if _, restored := l.files[first]; restored {
			delete(l.lost, first)
			if err := j.fs.Remove(j.beside(first, lostSuffix)); err != nil {
				return l, fmt.Errorf("take back the loss of a segment that is there again: %w", err)
			}
			continue
		}
		if err := j.keepAside(l, first); err != nil {
			return l, err
		}
	}
	return l, nil
}

// sort puts one file of the folder into the listing.
func (j *Journal) sort(l listing, e disk.Entry) error {
	name, _, _ := strings.Cut(e.Name, segmentSuffix)
	suffix := e.Name[len(name):]
	first, ok := parseSegmentName(name + segmentSuffix)
	switch {
	case strings.HasSuffix(e.Name, temporarySuffix):
		if err := j.fs.Remove(filepath.Join(j.dir, e.Name)); err != nil {
			return fmt.Errorf("remove unfinished segment: %w", err)
		}
	case suffix == segmentSuffix && !ok:
		return fmt.Errorf("%w: %s has a name that no segment has: move it elsewhere", ErrDamaged, filepath.Join(j.dir, e.Name))
	case suffix == segmentSuffix:
		l.files[first] = e
	case suffix == lostSuffix && ok:
		l.lost[first] = true
	case strings.HasPrefix(suffix, quarantinedSuffix) && ok:
		l.aside[first] = true
	case suffix == suspectSuffix && ok:
		found, err := j.readSuspicion(filepath.Join(j.dir, e.Name), e.Size)
		if err != nil {
			return err
		}
		l.suspects[first] = found
	}
	return nil
}

// beside is the path of a file that says something of a segment.
func (j *Journal) beside(first slo.Offset, suffix string) string {
	return filepath.Join(j.dir, strings.TrimSuffix(segmentName(first), segmentSuffix)+suffix)
}

// clearSuspicions removes the files of readers whose segments are whole, or gone.
func (j *Journal) clearSuspicions(l listing) error {
	for first := range l.suspects {
		if _, there := l.files[first]; there {
			j.options.Logger.Warn("journal read a segment whole in which a reader had met damage: it is as it was written, so memory or disk gave wrong bytes once",
				"segment", segmentName(first))
		}
		if err := j.fs.Remove(j.beside(first, suspectSuffix)); err != nil {
			return fmt.Errorf("forget a suspicion: %w", err)
		}
	}
	return nil
}
