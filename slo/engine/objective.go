package engine

import (
	"reflect"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// objectiveKey names an objective: its SLO and its place there.
type objectiveKey struct {
	slo   string
	index int
}

// entry is one SLO with its objectives, as readers see it.
type entry struct {
	definition slo.Definition
	resets     []slo.Reset
	objectives []*objective
}

// objective is one objective with its open episodes by tier: one that its SLO
// has, or the composite of all of them. What every evaluation looks at stands
// first, together: memory is slower than arithmetic.
type objective struct {
	plan *slo.Plan
	sources
	one [1]*series
	// due: it is among those to judge. composite: it is that of all objectives of
	// its SLO, even of one. excludes: its SLO has exclusions.
	due, composite, excludes bool
	// open are the open episodes by tier, ended is when tiers ceased to fire. They
	// are nil while there never was one.
	open  map[string]slo.Episode
	ended slo.Ended
	verdicts
	// earlier is what it counted by before edits, newest first.
	earlier []earlier
	leftOut
	key        objectiveKey
	definition slo.SLO
	revision   int
	before     []slo.EarlierRevision
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
	before, plans, touched := e.objectives, e.plans, e.touched
	e.objectives = make(map[objectiveKey]*objective, len(before))
	e.plans = map[string]*slo.Plan{}
	for _, s := range e.world {
		s.objectives = nil
	}
	e.order, e.touched = e.order[:0], nil
	e.entries = make(map[string]*entry, len(definitions))
	e.names = e.names[:0]
	e.generation++
	now := e.clock.at(e.settings.Now())
	for _, d := range definitions {
		e.names = append(e.names, d.SLO.Name)
		own := &entry{definition: d, resets: slo.ResetsSince(e.resets[d.SLO.Name], d.CreatedAt)}
		e.entries[d.SLO.Name] = own
		for i := range d.SLO.Evaluated() {
			key := objectiveKey{d.SLO.Name, i}
			own.objectives = append(own.objectives, e.add(before[key], key, d, plans, now))
			delete(before, key)
		}
	}
	slices.Sort(e.names)
	for _, gone := range before {
		gone.releaseAll()
		for _, episode := range gone.open {
			e.orphans = append(e.orphans, orphan{episode: episode, definition: gone.definition, status: *gone.judged})
		}
	}
	for _, o := range touched {
		o.due = false
		if now := e.objectives[o.key]; now != nil {
			e.touch(now)
		}
	}
	e.findAlert()
	e.Wake()
}

// add makes an objective part of the set. One that is as it was goes on; one
// that was edited keeps its episodes. The caller holds the lock.
func (e *Engine) add(old *objective, key objectiveKey, d slo.Definition, plans map[string]*slo.Plan, now time.Time) *objective {
	o := old
	if old == nil || old.revision != d.Revision || !reflect.DeepEqual(old.definition, d.SLO) || !reflect.DeepEqual(old.before, d.Earlier) {
		o = &objective{
			key: key, definition: d.SLO, revision: d.Revision, before: d.Earlier,
			composite: key.index == len(d.SLO.Objectives), excludes: len(d.SLO.Exclusions) > 0,
		}
		if old != nil {
			old.releaseAll()
			o.open, o.ended = old.open, old.ended
		}
		o.plan = e.plan(d.SLO, key.index, plans)
		e.longest = max(e.longest, o.plan.Longest())
		o.resetAt = newestReset(slo.ResetsSince(e.resets[key.slo], d.CreatedAt), key.index)
		found := e.tryExpand(o, now)
		linked, whole := e.world.link(o, now)
		if !whole {
			e.loaded = false
		}
		o.use(linked)
		if found {
			e.judgeQuietly(o, now)
		}
	} else {
		o.plan = e.plan(d.SLO, key.index, plans)
	}
	e.objectives[key] = o
	e.order = append(e.order, o)
	o.index()
	return o
}

// plan finds or makes the plan of an objective, among those of before, too.
func (e *Engine) plan(definition slo.SLO, index int, before map[string]*slo.Plan) *slo.Plan {
	key := slo.PlanKey(definition, index)
	p := e.plans[key]
	if p == nil {
		p = before[key]
	}
	if p == nil {
		made := slo.NewPlan(definition, index)
		p = &made
	}
	e.plans[key] = p
	return p
}

// all are the sources of now and those of before edits.
func (o *objective) all() []sources {
	all := []sources{o.sources}
	for _, e := range o.earlier {
		all = append(all, e.sources)
	}
	return all
}

// opened keeps an episode that is open.
func (o *objective) opened(episode slo.Episode) {
	if o.open == nil {
		o.open = map[string]slo.Episode{}
	}
	o.open[episode.Tier] = episode
}

// remember keeps when a tier ceased to fire.
func (o *objective) remember(episode slo.Episode) {
	if o.ended == nil {
		o.ended = slo.Ended{}
	}
	o.ended[episode.Tier] = episode.ResolvedAt
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
			o.opened(episode)
			o.publish(now)
		} else {
			known := was[episode.ID]
			known.episode = episode
			known.definition.Name, known.status.Index = episode.SLO, episode.Objective
			e.orphans = append(e.orphans, known)
		}
	}
	e.findAlert()
}
