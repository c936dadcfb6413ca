package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// objectiveKey names an objective: its SLO and its place there.
type objectiveKey struct {
	slo   string
	index int
}

// entry is the status of one SLO as readers see it.
type entry struct{ status *slo.Status }

// objective is one objective with its open episodes by tier.
type objective struct {
	key        objectiveKey
	id         slo.SeriesID
	series     *series
	entry      *entry
	definition slo.SLO
	plan       slo.Plan
	open       map[string]slo.Episode
	status     slo.ObjectiveStatus
}

// orphan is an open episode whose objective is gone, with the objective as it
// was: the message that ends an episode must name it as the first one did.
type orphan struct {
	episode    slo.Episode
	definition slo.SLO
	status     slo.ObjectiveStatus
}

// end is the transition that ends the episode.
func (o orphan) end(at time.Time) slo.Transition {
	t := slo.Transition{
		Episode: o.episode.End(at), At: at, SLO: o.definition, Status: o.status,
		Tier:   slo.TierStatus{Tier: slo.Tier{Name: o.episode.Tier, Severity: o.episode.Severity}},
		Reason: "the objective was removed",
	}
	for _, tier := range o.status.Tiers {
		if tier.Name == o.episode.Tier {
			t.Tier = tier
		}
	}
	return t
}

// SetDefinitions replaces the set of objectives. The new ones are judged
// before it returns, so that their status can be read; episodes stay with
// their objective, and those of objectives that are gone end at the next step.
func (e *Engine) SetDefinitions(definitions []slo.Definition) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.objectives
	e.objectives = make(map[objectiveKey]*objective, len(before))
	e.bySeries = map[slo.SeriesID][]*objective{}
	e.order = e.order[:0]
	e.statuses = make(map[string]*entry, len(definitions))
	e.names = e.names[:0]
	now := e.settings.Now()
	for _, d := range definitions {
		e.names = append(e.names, d.SLO.Name)
		own := &entry{status: &slo.Status{Definition: d, Objectives: make([]slo.ObjectiveStatus, len(d.SLO.Objectives))}}
		e.statuses[d.SLO.Name] = own
		if d.SLO.Window.Duration > e.longest {
			e.longest, e.loaded = d.SLO.Window.Duration, false
		}
		id := d.SLO.Indicator.Series().ID
		for i := range d.SLO.Objectives {
			o := &objective{
				key: objectiveKey{d.SLO.Name, i}, id: id, series: e.known(id), entry: own, definition: d.SLO,
				plan: slo.NewPlan(d.SLO, i), open: map[string]slo.Episode{},
			}
			if old := before[o.key]; old != nil {
				o.open = old.open
				delete(before, o.key)
			}
			e.objectives[o.key] = o
			e.bySeries[id] = append(e.bySeries[id], o)
			e.order = append(e.order, o)
			o.status = o.plan.Evaluate(e.reading(o.series, now))
			e.publish(o, now)
		}
	}
	slices.Sort(e.names)
	for _, gone := range before {
		for _, episode := range gone.open {
			e.orphans = append(e.orphans, orphan{episode: episode, definition: gone.definition, status: gone.status})
		}
	}
	e.Wake()
}

// adopt sets the open episodes as they are stored. When an episode was last
// over is not stored with every verdict: one that was not followed until now
// counts as over now, so that a restart never ends it early. The caller holds
// the lock.
func (e *Engine) adopt(open []slo.Episode) {
	followed := map[string]time.Time{}
	for _, o := range e.objectives {
		for _, episode := range o.open {
			followed[episode.ID] = episode.LastOver
		}
		clear(o.open)
	}
	was := map[string]orphan{}
	for _, o := range e.orphans {
		was[o.episode.ID] = o
	}
	e.orphans = nil
	now := e.settings.Now()
	for _, episode := range open {
		episode.LastOver = now
		if last, ok := followed[episode.ID]; ok {
			episode.LastOver = last
		}
		o := e.objectives[objectiveKey{episode.SLO, episode.Objective}]
		if o != nil && o.open[episode.Tier].ID == "" {
			o.open[episode.Tier] = episode
			e.publish(o, now)
		} else {
			known := was[episode.ID]
			known.episode = episode
			known.definition.Name, known.status.Index = episode.SLO, episode.Objective
			e.orphans = append(e.orphans, known)
		}
	}
}

// due selects what to judge: objectives of touched series, at a tick also
// those with open episodes and the next share of all; all of them after the
// ledger was read anew. The caller holds the lock.
func (e *Engine) due(touched map[slo.SeriesID]bool, ticked bool) []*objective {
	if e.judgeAll {
		e.judgeAll = false
		return e.order
	}
	var due []*objective
	for id := range touched {
		due = append(due, e.bySeries[id]...)
	}
	if !ticked {
		return due
	}
	share := (len(e.order) + sweepTicks - 1) / sweepTicks
	for i, o := range e.order {
		its := (i - e.turn + len(e.order)) % len(e.order)
		if !touched[o.id] && (len(o.open) > 0 || its < share) {
			due = append(due, o)
		}
	}
	if share > 0 {
		e.turn = (e.turn + share) % len(e.order)
	}
	return due
}

// judge evaluates what is due, stores the transitions with their
// notifications, and only then lets them be seen. The lock is not held while
// the store works, so that readers never wait for it.
func (e *Engine) judge(ctx context.Context, touched map[slo.SeriesID]bool, ticked bool) error {
	now := e.settings.Now()
	moved := e.evaluate(touched, ticked, now)
	if len(moved) == 0 {
		return nil
	}
	err := e.save(ctx, moved)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		// The outcome may be unknown: what is stored decides.
		e.episodesKnown = false
		return err
	}
	for _, t := range moved {
		e.settle(t, now)
	}
	return nil
}

// evaluate judges what is due and returns the transitions. An objective that
// moves keeps the status that can be read until the move is stored.
func (e *Engine) evaluate(touched map[slo.SeriesID]bool, ticked bool, now time.Time) []slo.Transition {
	e.mu.Lock()
	defer e.mu.Unlock()
	var moved []slo.Transition
	for _, o := range e.due(touched, ticked) {
		o.status = o.plan.Evaluate(e.reading(o.series, now))
		e.evaluations++
		transitions := slo.Advance(o.definition, o.status, o.open, now)
		if len(transitions) == 0 {
			e.publish(o, now)
		}
		moved = append(moved, transitions...)
	}
	for _, o := range e.orphans {
		moved = append(moved, o.end(now))
	}
	return moved
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
	if err := e.settings.Episodes.SaveTransitions(ctx, moved, tell); err != nil {
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
			e.publish(o, now)
		}
	case o != nil:
		o.open[t.Episode.Tier] = t.Episode
		e.publish(o, now)
	default: // The objective went while its episode was stored.
		e.orphans = append(e.orphans, orphan{episode: t.Episode, definition: t.SLO, status: t.Status})
	}
}

// publish makes the objective's status part of its SLO's. The caller holds
// the lock. Statuses that were handed out stay as they were.
func (e *Engine) publish(o *objective, now time.Time) {
	o.status.Conclude(o.open, now)
	after := *o.entry.status
	after.Objectives = slices.Clone(after.Objectives)
	after.Objectives[o.key.index] = o.status
	after.State = slo.Gravest(after.Objectives)
	o.entry.status = &after
}

// Statuses returns the status of every SLO, sorted by name. They must not be
// changed; later evaluations do not change them either.
func (e *Engine) Statuses() []slo.Status {
	e.mu.RLock()
	defer e.mu.RUnlock()
	all := make([]slo.Status, 0, len(e.names))
	for _, name := range e.names {
		all = append(all, *e.statuses[name].status)
	}
	return all
}

// Status returns the status of one SLO, or slo.ErrNotFound.
func (e *Engine) Status(name string) (slo.Status, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if own := e.statuses[name]; own != nil {
		return *own.status, nil
	}
	return slo.Status{}, fmt.Errorf("%s: %w", strings.ToValidUTF8(name, "\uFFFD"), slo.ErrNotFound)
}
