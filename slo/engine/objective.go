package engine

import (
	"fmt"
	"reflect"
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

// objective is one objective with its open episodes by tier: one that its SLO
// has, or the composite of all of them.
type objective struct {
	key        objectiveKey
	entry      *entry
	definition slo.SLO
	revision   int
	before     []slo.EarlierRevision
	plan       slo.Plan
	sources
	// earlier is what it counted by before edits, newest first.
	earlier []earlier
	open    map[string]slo.Episode
	leftOut
	// ended is when tiers ceased to fire.
	ended  slo.Ended
	status slo.ObjectiveStatus
}

// sources are what an objective counts by.
type sources struct {
	// series is one, or those of each member of a composite.
	series []*series
	// slices is set where the budget is made of time slices.
	slices *slo.Slices
}

// earlier is what an objective counted by up to an edit.
type earlier struct {
	sources
	revision int
	until    time.Time
	retired  bool
}

// shared reports whether several series make up the objective.
func (o *objective) shared() bool { return len(o.series) > 1 || len(o.earlier) > 0 }

// touched reports whether one of the series is among these.
func (o *objective) touched(ids map[slo.SeriesID]bool) bool {
	for _, own := range o.all() {
		for _, one := range own.series {
			if ids[one.id] {
				return true
			}
		}
	}
	return false
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
		Tier:   slo.TierStatus{Tier: &slo.Tier{Name: o.episode.Tier, Severity: o.episode.Severity}},
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
	e.generation++
	now := e.clock.at(e.settings.Now())
	for _, d := range definitions {
		e.names = append(e.names, d.SLO.Name)
		own := &entry{status: &slo.Status{
			Definition: d, Objectives: make([]slo.ObjectiveStatus, d.SLO.Evaluated()), Resets: e.resets[d.SLO.Name],
		}}
		e.statuses[d.SLO.Name] = own
		for i := range d.SLO.Evaluated() {
			key := objectiveKey{d.SLO.Name, i}
			o := e.add(before[key], key, d, now)
			delete(before, key)
			o.entry = own
			e.publish(o, now)
		}
	}
	slices.Sort(e.names)
	for _, gone := range before {
		gone.releaseAll()
		for _, episode := range gone.open {
			e.orphans = append(e.orphans, orphan{episode: episode, definition: gone.definition, status: gone.status})
		}
	}
	e.Wake()
}

// add makes an objective part of the set. One that is as it was goes on; one
// that was edited keeps its episodes. The caller holds the lock.
func (e *Engine) add(old *objective, key objectiveKey, d slo.Definition, now time.Time) *objective {
	o := old
	if old == nil || old.revision != d.Revision || !reflect.DeepEqual(old.definition, d.SLO) || !reflect.DeepEqual(old.before, d.Earlier) {
		o = &objective{
			key: key, definition: d.SLO, revision: d.Revision, before: d.Earlier, plan: slo.NewPlan(d.SLO, key.index),
			open: map[string]slo.Episode{}, ended: slo.Ended{},
		}
		if old != nil {
			old.releaseAll()
			o.open, o.ended = old.open, old.ended
		}
		e.longest = max(e.longest, o.plan.Longest())
		o.resetAt = newestReset(e.resets[key.slo], key.index)
		e.expand(o, now)
		linked, whole := e.world.link(o, now)
		if !whole {
			e.loaded = false
		}
		o.use(linked)
		o.status = o.plan.Evaluate(e.reading(o, now))
	}
	e.objectives[key] = o
	e.order = append(e.order, o)
	e.index(o)
	return o
}

// index lets a commit of any of its series touch the objective. The caller
// holds the lock.
func (e *Engine) index(o *objective) {
	seen := map[slo.SeriesID]bool{}
	for _, own := range o.all() {
		for _, s := range own.series {
			if !seen[s.id] {
				seen[s.id] = true
				e.bySeries[s.id] = append(e.bySeries[s.id], o)
			}
		}
	}
}

// all are the sources of now and those of before edits.
func (o *objective) all() []sources {
	all := []sources{o.sources}
	for _, e := range o.earlier {
		all = append(all, e.sources)
	}
	return all
}

// releaseAll lets all of its slices follow no longer.
func (o *objective) releaseAll() {
	for _, own := range o.all() {
		own.release()
	}
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
