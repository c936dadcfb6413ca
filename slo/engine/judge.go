package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// touch makes an objective one of those to judge. The caller holds the lock.
func (e *Engine) touch(o *objective) {
	if !o.due {
		o.due = true
		e.touched = append(e.touched, o)
	}
}

// findAlert finds the objectives with open episodes. The caller holds the lock.
func (e *Engine) findAlert() {
	clear(e.alert)
	for _, o := range e.order {
		if len(o.open) > 0 {
			e.alert[o] = true
		}
	}
}

// due selects what to judge: objectives of touched series, at a tick also
// those with open episodes and the next share of all; all of them after the
// ledger was read anew. What it returns holds until it is called again. The
// caller holds the lock.
func (e *Engine) due(ticked bool) []*objective {
	if ticked && !e.judgeAll {
		for o := range e.alert {
			e.touch(o)
		}
		share := (len(e.order) + sweepTicks - 1) / sweepTicks
		for range share {
			e.turn = (e.turn + 1) % len(e.order)
			e.touch(e.order[e.turn])
		}
	}
	due := e.touched
	e.touched, e.handled = e.handled[:0], due
	for _, o := range due {
		o.due = false
	}
	if e.judgeAll {
		e.judgeAll = false
		return e.order
	}
	return due
}

// judge evaluates what is due and, if this engine leads, stores the transitions
// with their notifications, and only then lets them be seen. The lock is not
// held while the store works, so that readers never wait for it.
func (e *Engine) judge(ctx context.Context, ticked, leads bool) error {
	moved, now := e.evaluate(ticked, leads)
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
func (e *Engine) evaluate(ticked, leads bool) ([]slo.Transition, time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.look()
	var moved []slo.Transition
	var due []*objective
	if e.fresh.since.IsZero() {
		due = e.due(ticked)
	}
	for _, o := range due {
		transitions, judged := e.judgeOne(o, now)
		if !judged {
			continue
		}
		e.evaluations++
		// An engine that does not lead follows who was over when, so that it can take over.
		if len(transitions) == 0 || !leads {
			o.publish(now)
			continue
		}
		o.moved = true
		moved = append(moved, transitions...)
	}
	for _, o := range e.orphans {
		moved = append(moved, o.end(now))
	}
	return moved, now
}

// evaluateOne judges an objective; nobody sees it before it is published. The
// caller holds the lock.
func (e *Engine) evaluateOne(o *objective, now time.Time) {
	reading := e.reading(o, now)
	o.plan.EvaluateInto(&reading, o.next())
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
	defer e.noteAlert(o)
	switch {
	case ended:
		// It may be an orphan although the objective is there: one of the same
		// name was deleted before.
		e.orphans = slices.DeleteFunc(e.orphans, func(gone orphan) bool { return gone.episode.ID == t.Episode.ID })
		if o != nil && o.open[t.Episode.Tier].ID == t.Episode.ID {
			delete(o.open, t.Episode.Tier)
			if t.Episode.State == slo.Resolved && t.Reason == "" { // What an edit ended has told nothing of now.
				o.remember(t.Episode)
			}
			o.publish(now)
		}
	case o != nil:
		o.opened(t.Episode)
		o.publish(now)
	default: // The objective went while its episode was stored.
		e.orphans = append(e.orphans, orphan{episode: t.Episode, definition: t.SLO, status: t.Status})
	}
}

// noteAlert notes whether an objective has open episodes.
func (e *Engine) noteAlert(o *objective) {
	switch {
	case o == nil:
	case len(o.open) > 0:
		e.alert[o] = true
	default:
		delete(e.alert, o)
	}
}
