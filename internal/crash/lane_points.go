package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
)

// killPoint is a point with how often it may be passed before the kill, and
// how long the harness waits for that.
type killPoint struct {
	point failpoint.Point
	most  int
	limit time.Duration
	// cause makes the platform come to the point; nil if load does.
	cause func(context.Context, *stand)
}

// killPoints are all points. Those of requests are passed a hundred times a
// second on a slow disk, those of the ledger four times, those of notifications whenever a
// burning objective moves.
func killPoints() []killPoint {
	const quick, slow = 4 * time.Second, 12 * time.Second
	return []killPoint{
		{failpoint.BodyRead, 150, quick, nil},
		{failpoint.Decoded, 150, quick, nil},
		{failpoint.Written, 40, quick, nil},
		{failpoint.Synced, 40, quick, nil},
		{failpoint.Acknowledged, 100, quick, nil},
		{failpoint.DedupSync, 3, quick, nil},
		{failpoint.InTransaction, 5, quick, nil},
		{failpoint.CommitSent, 5, quick, nil},
		{failpoint.Committed, 5, quick, nil},
		{failpoint.Compaction, 1, slow, nil},
		{failpoint.OutboxClaimed, 2, slow, nil},
		{failpoint.RequestSent, 2, slow, nil},
		{failpoint.Answered, 2, slow, nil},
		{failpoint.SetActivating, 1, quick, define},
		{failpoint.RecountStored, 2, slow, define},
		{failpoint.EpisodeStored, 2, slow, nil},
		{failpoint.InPacking, 3, slow, nil},
		{failpoint.SegmentCreated, 1, slow, nil},
		{failpoint.SegmentDeleted, 1, slow, nil}, // The last, see trimKill.
	}
}

// define creates an objective while the platform runs, which changes the set
// that is in force and has it recounted. The answer may never come.
func define(ctx context.Context, s *stand) {
	s.latecomers++
	name, document := latecomer(s.latecomers)
	err := s.apply(ctx, document) // The process may die of it, before or after it is stored.
	s.later = append(s.later, name)
	s.logf("objective %s defined: %v", name, err)
}

// pointKill starts the platform so that it dies at a point, and waits for that.
func (s *stand) pointKill(ctx context.Context, p killPoint) error {
	if err := s.down(ctx); err != nil {
		return err
	}
	if p.point == failpoint.SegmentDeleted {
		return s.trimKill(ctx)
	}
	n := 1 + s.random.IntN(p.most)
	if err := s.begin([]string{fmt.Sprintf("SLOWBURN_CRASH_AT=%s:%d", p.point, n)}); err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil && !errors.Is(err, errDied) {
		return err
	}
	if p.cause != nil && s.running() {
		p.cause(ctx, s)
	}
	return s.awaitDeath(ctx, string(p.point), p.limit)
}

// awaitDeath waits until the platform kills itself. If it does not come to
// that, it is killed at this random time, which is reported as such.
func (s *stand) awaitDeath(ctx context.Context, kind string, limit time.Duration) error {
	select {
	case <-s.dead:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(limit):
		s.count(&s.notPassed, kind)
		s.logf("%s was not passed within %s", kind, limit)
		return s.killNow("random")
	}
	if !s.sigkilled() {
		return s.endedByItself()
	}
	flying := s.meter.cutBy(s.died)
	s.killed(kind, flying)
	s.logf("kill %d (%s), requests in flight %d", s.kills, kind, flying)
	return nil
}

// endedByItself is the worst: a process that ends though nobody killed it.
func (s *stand) endedByItself() error {
	return red("the process ended by itself: %s", s.state)
}

// trimKill starts the platform with a journal that may hardly grow, so that it
// trims, and kills it between the deletion of a segment and the sync of the
// folder. What objectives are defined later can no longer be recounted whole.
func (s *stand) trimKill(ctx context.Context) error {
	if err := s.settle(ctx, false); err != nil {
		return err
	}
	if err := s.down(ctx); err != nil {
		return err
	}
	s.trimmed = true
	args := s.args
	limit := s.journalBytes()>>20 + 2 // MiB: little more than it has by now.
	s.args = slices.Concat(args, []string{"--journal-max-size", fmt.Sprintf("%dMiB", limit)})
	defer func() { s.args = args }()
	if err := s.begin([]string{fmt.Sprintf("SLOWBURN_CRASH_AT=%s:1", failpoint.SegmentDeleted)}); err != nil {
		return err
	}
	return s.awaitDeath(ctx, string(failpoint.SegmentDeleted), 20*time.Second)
}

// migrationKill kills the platform in the migration of a new database, and
// again until it is through: each start finds what the one before left.
func (s *stand) migrationKill(ctx context.Context) error {
	n := 1 + s.random.IntN(40)
	if err := s.begin([]string{fmt.Sprintf("SLOWBURN_CRASH_AT=%s:%d", failpoint.InMigration, n)}); err != nil {
		return err
	}
	return s.awaitDeath(ctx, string(failpoint.InMigration), 10*time.Second)
}

// journalBytes is the size of the journal on disk.
func (s *stand) journalBytes() (size int64) {
	segments, err := os.ReadDir(filepath.Join(s.dataDir(), "journal"))
	if err != nil {
		return 0
	}
	for _, segment := range segments {
		if info, err := segment.Info(); err == nil {
			size += info.Size()
		}
	}
	return size
}
