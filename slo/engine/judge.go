package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// due selects what to judge: objectives of touched series, at a tick also
// those with open episodes and the next share of all; all of them after the
// ledger was read anew. The caller holds the lock.
func (e *Engine) due(touched map[slo.SeriesID]bool, ticked bool) []*objective {
	if e.judgeAll {
		e.judgeAll = false
		return e.order
	}
	var due []*objective
	seen := make(map[*objective]bool)
	for id := range touched {
		for _, o := range e.bySeries[id] {
			if o.shared() && seen[o] {
				continue // A composite is touched by each of its members.
			}
			if o.shared() {
				seen[o] = true
			}
			due = append(due, o)
		}
	}
	if !ticked {
		return due
	}
	share := (len(e.order) + sweepTicks - 1) / sweepTicks
	for i, o := range e.order {
		its := (i - e.turn + len(e.order)) % len(e.order)
		if !o.touched(touched) && (len(o.open) > 0 || its < share) {
			due = append(due, o)
		}
	}
	if share > 0 {
		e.turn = (e.turn + share) % len(e.order)
	}
	return due
}

// judge evaluates what is due and, if this engine leads, stores the transitions
// with their notifications, and only then lets them be seen. The lock is not
// held while the store works, so that readers never wait for it.
func (e *Engine) judge(ctx context.Context, touched map[slo.SeriesID]bool, ticked, leads bool) error {
	moved, now := e.evaluate(touched, ticked, leads)
	if !leads || e.lost() {
		return nil // What was decided is decided again by who leads.
	}
	var err error
	if len(moved) > 0 {
		err = e.save(ctx, moved)
	}
	if errors.Is(err, slo.ErrFenced) && e.term != nil {
		e.stepDown("another process leads")
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unsaved = err != nil
	if err != nil {
		// The outcome may be unknown: what is stored decides.
		e.episodesKnown, e.judgeAll = false, true
		return err
	}
	for _, t := range moved {
		e.settle(t, now)
	}
	return nil
}

// evaluate judges what is due and returns the transitions. An objective that
// moves keeps the status that can be read until the move is stored. While
// verdicts are stale only what a human edited moves (see watch).
func (e *Engine) evaluate(touched map[slo.SeriesID]bool, ticked, leads bool) ([]slo.Transition, time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.look()
	var moved []slo.Transition
	var due []*objective
	if e.fresh.since.IsZero() {
		due = e.due(touched, ticked)
	}
	for _, o := range due {
		e.prepare(o, now)
		o.status = o.plan.Evaluate(e.reading(o, now))
		e.evaluations++
		// An engine that does not lead follows who was over when, so that it can take over.
		transitions := slo.Advance(o.definition, o.status, o.open, o.ended, now)
		if len(transitions) == 0 || !leads {
			e.publish(o, now)
			continue
		}
		moved = append(moved, transitions...)
	}
	for _, o := range e.orphans {
		moved = append(moved, o.end(now))
	}
	return moved, now
}

// save stores transitions and what is to be told of them.
func (e *Engine) save(ctx context.Context, moved []slo.Transition) error {
	var tell []slo.Notification
	for i := range moved {
		t := &moved[i]
		if t.Episode.State == slo.Firing {
			t.Episode.Labels = e.settings.Announcer.Labels(*t)
		}
		notifications, err := e.settings.Announcer.Notifications(*t)
		if err != nil {
			return fmt.Errorf("write the notifications of episode %s: %w", t.Episode.ID, err)
		}
		tell = append(tell, notifications...)
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := e.settings.Episodes.SaveTransitions(bounded, e.epoch(), moved, tell); err != nil {
		return fmt.Errorf("store %d transitions: %w", len(moved), err)
	}
	for _, t := range moved {
		e.settings.Logger.Info("episode moved", "slo", t.Episode.SLO, "objective", t.Episode.Objective,
			"tier", t.Episode.Tier, "state", string(t.Episode.State), "episode", t.Episode.ID)
	}
	if len(tell) > 0 {
		e.settings.Announced()
	}
	return nil
}

// settle lets a stored transition be seen. The caller holds the lock.
func (e *Engine) settle(t slo.Transition, now time.Time) {
	ended := t.Episode.State == slo.Resolved || t.Episode.State == slo.Lapsed
	o := e.objectives[objectiveKey{t.Episode.SLO, t.Episode.Objective}]
	switch {
	case ended:
		// It may be an orphan although the objective is there: one of the same
		// name was deleted before.
		e.orphans = slices.DeleteFunc(e.orphans, func(gone orphan) bool { return gone.episode.ID == t.Episode.ID })
		if o != nil && o.open[t.Episode.Tier].ID == t.Episode.ID {
			delete(o.open, t.Episode.Tier)
			if t.Episode.State == slo.Resolved && t.Reason == "" { // What an edit ended has told nothing of now.
				o.ended[t.Episode.Tier] = t.Episode.ResolvedAt
			}
			e.publish(o, now)
		}
	case o != nil:
		o.open[t.Episode.Tier] = t.Episode
		e.publish(o, now)
	default: // The objective went while its episode was stored.
		e.orphans = append(e.orphans, orphan{episode: t.Episode, definition: t.SLO, status: t.Status})
	}
}
