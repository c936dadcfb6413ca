package engine

import (
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
	now := e.clock.at(e.settings.Now())
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
	now := e.clock.at(e.settings.Now())
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
