package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// leftOut is what the budget of an objective does not count: what is excluded,
// and what lies before its last reset.
type leftOut struct {
	excluded []slo.Excluded
	// expanded is when excluded was found; resetAt is zero without a reset.
	expanded time.Time
	resetAt  time.Time
}

const (
	// expandAhead is how far ahead exclusions are found, expandEvery how often:
	// their edges are pinned long before they are too old to be.
	expandAhead = 24 * time.Hour
	expandEvery = time.Hour
	// resetsEvery is how often resets are read that another process made.
	resetsEvery = time.Minute
)

// edges are the places that must stay exact at any age.
func (l leftOut) edges() []slo.Slice {
	edges := slo.ExcludedEdges(l.excluded)
	if !l.resetAt.IsZero() {
		edges = append(edges, slo.ResetSlice(l.resetAt))
	}
	return edges
}

// expand finds anew when the exclusions of an objective are, if that is due, and
// reports whether it did. The caller holds the lock.
func (e *Engine) expand(o *objective, now time.Time) bool {
	if !o.excludes || e.settings.Expand == nil {
		return false
	}
	if since := now.Sub(o.expanded); since >= 0 && since < expandEvery {
		return false
	}
	// Cut at whole hours, which are exact at any age.
	from, to := now.Add(-o.plan.Longest()-time.Hour).Truncate(time.Hour), now.Add(expandAhead).Truncate(time.Hour)
	o.excluded, o.expanded = slo.Excluding(e.settings.Expand(o.definition.Exclusions, from, to), from, to), now
	return true
}

// tryExpand is expand where a defect of ours must not stop what goes on around
// it: the objective is not judged then. The caller holds the lock.
func (e *Engine) tryExpand(o *objective, now time.Time) (found bool) {
	defer func() { found = e.guard(o, now, recover()) }()
	e.expand(o, now)
	return true
}

// knowResets reads the resets of budgets where they are not known, and again
// every minute.
func (e *Engine) knowResets(ctx context.Context) error {
	if e.settings.Resets == nil {
		return nil
	}
	wall, uptime := e.clocks()
	e.mu.RLock()
	fresh := e.resetsKnown && uptime-e.resetsUptime < resetsEvery
	e.mu.RUnlock()
	if fresh {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	resets, err := e.settings.Resets(bounded, wall.Add(-slo.MaxWindow))
	if err != nil {
		return fmt.Errorf("read the resets of budgets: %w", err)
	}
	e.AddResets(resets)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resetsKnown, e.resetsUptime = true, uptime
	return nil
}

// AddResets begins budgets anew; it returns when their statuses say so. Resets
// that are known already change nothing, nor do those of before the SLO was
// created: they were of another one that had its name.
func (e *Engine) AddResets(resets []slo.Reset) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.clock.at(e.settings.Now())
	added := map[string]bool{}
	for _, r := range resets {
		own := e.resets[r.SLO]
		if slices.ContainsFunc(own, func(known slo.Reset) bool { return known.Objective == r.Objective && known.At.Equal(r.At) }) {
			continue
		}
		// Statuses that were handed out keep the list that they have.
		own = append(slices.Clone(own), r)
		slices.SortStableFunc(own, func(a, b slo.Reset) int { return b.At.Compare(a.At) })
		e.resets[r.SLO], added[r.SLO] = own, true
	}
	for name := range added {
		own := e.entries[name]
		if own == nil {
			continue
		}
		own.resets = slo.ResetsSince(e.resets[name], own.definition.CreatedAt)
		for _, o := range own.objectives {
			at := newestReset(own.resets, o.key.index)
			if at.Equal(o.resetAt) {
				continue
			}
			o.resetAt = at
			if !(linked{sources: o.sources, earlier: o.earlier}).pin(o.edges()) {
				e.loaded = false
			}
			e.judgeQuietly(o, now)
		}
	}
}

// newestReset is when the budget of an objective was begun anew last; zero if never.
func newestReset(resets []slo.Reset, objective int) time.Time {
	for _, r := range resets {
		if r.Objective == objective {
			return r.At
		}
	}
	return time.Time{}
}
