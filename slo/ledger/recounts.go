package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
)

// recounts are the stretches that were recounted and wait for the ledger, which
// is the only one that writes counts: live ones and recounted ones share one
// sequence of commits.
type recounts struct {
	mu      sync.Mutex
	waiting []recounted
	// wake ends the wait for the next record; nil while nobody waits.
	wake context.CancelFunc
}

type recounted struct {
	commit slo.Commit
	answer chan error
}

// interrupt lets the next recount end a wait, and reports whether one is there
// already.
func (r *recounts) interrupt(wake context.CancelFunc) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wake = wake
	return wake != nil && len(r.waiting) > 0
}

func (r *recounts) push(one recounted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, one)
	if r.wake != nil {
		r.wake()
	}
}

func (r *recounts) pop() (recounted, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 {
		return recounted{}, false
	}
	one := r.waiting[0]
	r.waiting = r.waiting[1:]
	return one, true
}

// CommitRecount adds what a recount of earlier records counted: the deltas,
// watermarks and Recounted of c. It returns once they are stored; with
// slo.ErrRecountMoved nothing was, because the stretches that they join are not
// what they were. After any other error the outcome is unknown: the store tells.
func (p *Projection) CommitRecount(ctx context.Context, c slo.Commit) error {
	one := recounted{commit: c, answer: make(chan error, 1)}
	p.recounts.push(one)
	select {
	case err := <-one.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takeRecount commits the oldest recount that waits, if there is one, after
// what was read before it. It commits no record, and moves only the sequence.
func (s *session) takeRecount(ctx context.Context) error {
	one, ok := s.recounts.pop()
	if !ok {
		return nil
	}
	if err := s.flush(ctx); err != nil {
		one.answer <- err
		return err
	}
	c := slo.Commit{
		Shard: s.commit.Shard, Sequence: s.commit.Sequence, From: s.commit.To, To: s.commit.To,
		MeasuredUntil: s.commit.MeasuredUntil,
		Deltas:        one.commit.Deltas, Watermarks: one.commit.Watermarks, Recounted: one.commit.Recounted,
	}
	failpoint.Here(failpoint.RecountStored)
	lasting, cancel := outlive(ctx, stopGrace)
	defer cancel()
	err := s.settings.Store.Commit(lasting, c)
	one.answer <- err
	switch {
	case errors.Is(err, slo.ErrRecountMoved):
		return nil
	case err != nil:
		return storeError{fmt.Errorf("commit a recount of shard %q: %w", s.settings.Shard, err)}
	}
	s.committed = time.Now()
	s.moved(c.To, c.Sequence, c.MeasuredUntil)
	s.settings.Committed(c)
	s.begin(c.To, c.Sequence, c.MeasuredUntil)
	return nil
}
