package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// load reads the ledger where it is not known, and again if the objectives
// changed meanwhile.
func (e *Engine) load(ctx context.Context) error {
	for {
		e.mu.RLock()
		loaded := e.loaded
		e.mu.RUnlock()
		if loaded {
			return nil
		}
		if err := e.rebuild(ctx); err != nil {
			return err
		}
	}
}

// What is read of episodes that ended: as far back as the longest short
// look-back of a usual policy reaches (see slo.Ended).
const (
	endedSince = 24 * time.Hour
	endedLimit = 10_000
)

// remember notes when tiers ceased to fire. The caller holds the lock.
func (e *Engine) remember(ended []slo.Episode) {
	for _, episode := range ended {
		o := e.objectives[objectiveKey{episode.SLO, episode.Objective}]
		if o != nil && episode.ResolvedAt.After(o.ended[episode.Tier]) {
			o.remember(episode)
		}
	}
}

// knowEpisodes reads the open episodes where they are not known, or where
// another engine moves them.
func (e *Engine) knowEpisodes(ctx context.Context, again bool) error {
	e.mu.RLock()
	known := e.episodesKnown
	e.mu.RUnlock()
	if known && !again {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	open, err := e.settings.Episodes.OpenEpisodes(bounded)
	if err != nil {
		return fmt.Errorf("read open episodes: %w", err)
	}
	var ended []slo.Episode
	if !known {
		ended, err = e.settings.Episodes.FindEpisodes(bounded, slo.EpisodeQuery{
			States: []slo.EpisodeState{slo.Resolved}, From: e.settings.Now().Add(-endedSince), Limit: endedLimit,
		})
		if err != nil {
			return fmt.Errorf("read the episodes that ended: %w", err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.adopt(open)
	e.remember(ended)
	e.episodesKnown = true
	return nil
}

// rebuild reads the whole ledger as of one moment into a new world, which
// replaces the old one unless the objectives changed meanwhile.
func (e *Engine) rebuild(ctx context.Context) error {
	now := e.settings.Now()
	e.mu.Lock()
	generation, longest := e.generation, e.longest
	for _, o := range e.order {
		e.tryExpand(o, now)
	}
	next, linked := newWorld(e.order, now)
	detail := detailOf(linked, e.order, now)
	e.mu.Unlock()
	since := now.Add(-longest - time.Hour)
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var last *series // Most often the next is of the same series.
	states, coverage, sequences, err := e.settings.Ledger.ReadLedger(ctx, since, detail, func(d slo.Delta) {
		if last == nil || d.Series != last.id {
			last = next.known(d.Series)
		}
		last.add(d.Slice, d.Counts)
	})
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	for id, state := range states {
		next.known(id).know(state)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.generation != generation {
		return nil
	}
	for id, s := range next {
		if before := e.world[id]; before != nil {
			s.counted = before.counted
		}
	}
	e.world, e.coverage, e.sequences = next, coverage, maps.Clone(sequences)
	if e.sequences == nil {
		e.sequences = map[string]int64{}
	}
	for i, o := range e.order {
		o.use(linked[i])
		o.index()
	}
	e.loaded, e.ready, e.judgeAll = true, true, true
	return nil
}

// catchUp applies the next commits and reports whether there may be more.
func (e *Engine) catchUp(ctx context.Context) (more bool, err error) {
	e.mu.RLock()
	after := maps.Clone(e.sequences)
	e.mu.RUnlock()
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	commits, err := e.settings.Ledger.Commits(bounded, after, commitLimit)
	if errors.Is(err, slo.ErrRebuild) {
		if err := e.rebuild(ctx); err != nil {
			return false, err
		}
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("follow the ledger: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range commits {
		e.apply(c)
	}
	return len(commits) == commitLimit, nil
}

// apply adds one commit.
func (e *Engine) apply(c slo.Commit) {
	known := func(id slo.SeriesID) *series {
		s := e.world.known(id)
		for _, o := range s.objectives {
			e.touch(o)
		}
		return s
	}
	moved := 0
	for _, d := range c.Deltas {
		s := known(d.Series)
		s.add(d.Slice, d.Counts)
		s.counted = s.counted.Plus(d.Counts)
		if at := c.Watermarks[d.Series]; at.After(s.state.Watermark) {
			s.state.Watermark = at
			moved++
		}
	}
	if moved < len(c.Watermarks) { // Seldom: each is of a series that counted something.
		for id, at := range c.Watermarks {
			if s := known(id); at.After(s.state.Watermark) {
				s.state.Watermark = at
			}
		}
	}
	for id, at := range c.Started {
		s := known(id)
		s.state.Counted = append(s.state.Counted, slo.Interval{From: at})
	}
	for id, at := range c.Stopped {
		s := known(id)
		if n := len(s.state.Counted); n > 0 && s.state.Counted[n-1].To.IsZero() {
			s.state.Counted[n-1].To = at
		}
	}
	for _, r := range c.Recounted {
		known(r.Series).state.Recounted(r)
		if r.Since.Before(e.coverage.Since) {
			e.coverage.Since = r.Since // As the ledger keeps it.
		}
	}
	if e.coverage.Since.IsZero() {
		e.coverage.Since = c.MeasuredUntil
	}
	if c.MeasuredUntil.After(e.coverage.Until) {
		e.coverage.Until = c.MeasuredUntil
	}
	if len(c.Gaps) > 0 {
		forgotten := c.MeasuredUntil.Add(-e.longest - time.Hour)
		e.coverage.Gaps = slices.DeleteFunc(append(e.coverage.Gaps, c.Gaps...), func(gap slo.Interval) bool {
			return gap.To.Before(forgotten)
		})
	}
	e.sequences[c.Shard] = c.Sequence
}

// reading is what is known of an objective now. The caller holds the lock.
func (e *Engine) reading(o *objective, now time.Time) slo.Reading {
	r := slo.Reading{Now: now, Coverage: e.coverage, StaleSince: e.fresh.since, Excluded: o.excluded, ResetAt: o.resetAt}
	r.History, r.Events, r.Series, r.Members = o.known(o.composite)
	for _, past := range o.earlier {
		one := slo.Earlier{Revision: past.revision, Until: past.until, Retired: past.retired}
		one.History, one.Events, one.Series, one.Members = past.known(o.composite)
		r.Earlier = append(r.Earlier, one)
	}
	return r
}

// known is what is known of the series, and what is derived from them; that of a
// composite is its members.
func (s sources) known(composite bool) (history, events *slo.History, state slo.SeriesState, members []slo.Member) {
	if !composite {
		history, state = s.series[0].history, s.series[0].state
	} else {
		for _, one := range s.series {
			members = append(members, slo.Member{History: one.history, Series: one.state})
		}
	}
	if s.slices != nil {
		history, events = s.slices.History(), history
	}
	return history, events, state, members
}

// prepare makes sure that the objective can be judged exactly at now: a place
// whose detail is gone, or slices that a late event has changed too late, need
// the ledger read anew. The caller holds the lock.
func (e *Engine) prepare(o *objective, now time.Time) {
	own := linked{sources: o.sources, earlier: o.earlier}
	edges := own.edges(o.plan, now)
	if e.expand(o, now) {
		edges = append(edges, o.edges()...) // What was pinned stays so.
	}
	if !own.pin(edges) {
		e.loaded = false
	}
}
