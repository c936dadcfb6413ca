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

// series is what the engine knows of one series.
type series struct {
	history *slo.History
	state   slo.SeriesState
}

// load reads the ledger where it is not known.
func (e *Engine) load(ctx context.Context) error {
	e.mu.RLock()
	loaded := e.loaded
	e.mu.RUnlock()
	if loaded {
		return nil
	}
	return e.rebuild(ctx)
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
	e.mu.Lock()
	defer e.mu.Unlock()
	e.adopt(open)
	e.episodesKnown = true
	return nil
}

// rebuild reads the whole ledger as of one moment.
func (e *Engine) rebuild(ctx context.Context) error {
	e.mu.RLock()
	longest := e.longest
	e.mu.RUnlock()
	all := map[slo.SeriesID]*series{}
	known := func(id slo.SeriesID) *series {
		s := all[id]
		if s == nil {
			s = &series{history: slo.NewHistory(longest)}
			all[id] = s
		}
		return s
	}
	since := e.settings.Now().Add(-longest - time.Hour)
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var last slo.SeriesID // Most often the next is of the same series.
	var history *slo.History
	states, coverage, sequences, err := e.settings.Ledger.ReadLedger(ctx, since, nil, func(d slo.Delta) {
		if history == nil || d.Series != last {
			last, history = d.Series, known(d.Series).history
		}
		history.Add(d.Slice, d.Counts)
	})
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	for id, state := range states {
		known(id).state = state
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.series, e.coverage, e.sequences = all, coverage, maps.Clone(sequences)
	if e.sequences == nil {
		e.sequences = map[string]int64{}
	}
	for _, o := range e.order {
		o.series = e.known(o.id)
	}
	// A window that grew meanwhile needs another read.
	e.loaded = e.longest == longest
	e.ready, e.judgeAll = true, true
	return nil
}

// catchUp applies the next commits and returns the series that they touched,
// and whether there may be more.
func (e *Engine) catchUp(ctx context.Context) (touched map[slo.SeriesID]bool, more bool, err error) {
	e.mu.RLock()
	after := maps.Clone(e.sequences)
	e.mu.RUnlock()
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	commits, err := e.settings.Ledger.Commits(bounded, after, commitLimit)
	if errors.Is(err, slo.ErrRebuild) {
		if err := e.rebuild(ctx); err != nil {
			return nil, false, err
		}
		return nil, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("follow the ledger: %w", err)
	}
	touched = map[slo.SeriesID]bool{}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range commits {
		e.apply(c, touched)
	}
	return touched, len(commits) == commitLimit, nil
}

// apply adds one commit.
func (e *Engine) apply(c slo.Commit, touched map[slo.SeriesID]bool) {
	known := func(id slo.SeriesID) *series {
		touched[id] = true
		return e.known(id)
	}
	for _, d := range c.Deltas {
		known(d.Series).history.Add(d.Slice, d.Counts)
	}
	for id, at := range c.Watermarks {
		if s := known(id); at.After(s.state.Watermark) {
			s.state.Watermark = at
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

// known returns what is known of a series, nothing yet if it is new. The
// caller holds the lock.
func (e *Engine) known(id slo.SeriesID) *series {
	s := e.series[id]
	if s == nil {
		s = &series{history: slo.NewHistory(e.longest)}
		e.series[id] = s
	}
	return s
}

// reading is what is known of a series now. The caller holds the lock.
func (e *Engine) reading(s *series, now time.Time) slo.Reading {
	return slo.Reading{Now: now, History: s.history, Series: s.state, Coverage: e.coverage, StaleSince: e.fresh.since}
}
