package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// freshAfter is how near to now the ledger must have come before a backlog
// counts as applied. An objective that was judged in the middle of it would
// page for what is over.
const freshAfter = 5 * time.Second

// freshness is whether verdicts are of now. They are not while the ledger is
// behind, the store cannot be read, or the clock was set back: then nothing
// fires or resolves, and readers are told since when.
type freshness struct {
	// since is the instant that verdicts are of; zero while they are of now.
	since time.Time
	// lags: the ledger fell behind by more than slo.StaleAfter and has not
	// caught up since. nearSince is since when it is no further behind than
	// that; a ledger that stays there is as near as it gets.
	lags      bool
	nearSince time.Time
	// behind: the wall clock lies before what was judged already.
	behind time.Duration
}

// look decides anew. reached is how far the ledger was read, readable whether
// the store answers. It returns whether freshness has changed, and whether a
// backlog was applied.
func (f *freshness) look(r reading, reached time.Time, readable bool) (changed, caughtUp bool) {
	lagged := f.lags
	switch lag := r.now.Sub(reached); {
	case lag > slo.StaleAfter:
		f.lags, f.nearSince = true, time.Time{}
	case !f.lags:
	case lag <= freshAfter:
		f.lags, f.nearSince = false, time.Time{}
	case f.nearSince.IsZero():
		f.nearSince = r.now
	case r.now.Sub(f.nearSince) >= slo.StaleAfter:
		f.lags, f.nearSince = false, time.Time{}
	}
	f.behind = r.behind
	before := f.since
	f.since = time.Time{}
	if f.lags || !readable || f.behind > jumpTolerance {
		f.since = reached
	}
	return before.IsZero() != f.since.IsZero(), lagged && !f.lags
}

// look reads the clocks and decides whether verdicts are of now. The caller
// holds the lock.
func (e *Engine) look() time.Time {
	r := e.clock.look(e.clocks())
	if r.jump != 0 {
		e.jump = r.jump
	}
	changed, caughtUp := e.fresh.look(r, e.reached(), e.ready && !e.unreadable)
	if changed {
		e.judgeAll = true
	}
	if !caughtUp {
		return r.now
	}
	// Nobody judged what passed meanwhile. As after a restart, an episode that
	// fires counts as over until now, so that it does not end early.
	for _, o := range e.objectives {
		for tier, episode := range o.open {
			episode.LastOver = r.now
			o.open[tier] = episode
		}
	}
	return r.now
}

// StaleSince is the instant that verdicts are of while they are not of now;
// zero while they are.
func (e *Engine) StaleSince() time.Time {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.fresh.since
}

// clocks reads the wall clock and the one that nobody sets, together unless a
// clock of its own is given.
func (e *Engine) clocks() (wall time.Time, uptime time.Duration) {
	wall = e.settings.Now()
	if e.settings.Uptime != nil {
		return wall, e.settings.Uptime()
	}
	return wall, wall.Sub(e.began)
}

// reached is how far the ledger was read; before the first commit of a new
// ledger, when this engine began to look. The caller holds the lock.
func (e *Engine) reached() time.Time {
	if e.coverage.Until.IsZero() {
		return e.began.Round(0)
	}
	return e.coverage.Until
}

// watch keeps statuses true while they are stale, whatever the store does, and
// reports the engine's own trouble. It ends with ctx.
func (e *Engine) watch(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.watchOnce()
		}
	}
}

func (e *Engine) watchOnce() {
	stale, text, jump, behind := e.publishStale()
	e.settings.Alarm(slo.AlarmStale, stale, text)
	e.mu.Lock()
	faulty := e.faulty()
	e.mu.Unlock()
	if faulty == "" {
		e.settings.Alarm(slo.AlarmUnjudged, false, "All objectives are judged again.")
	} else {
		e.settings.Alarm(slo.AlarmUnjudged, true, faulty)
	}
	jumped := "The wall clock runs as it should."
	switch {
	case behind > jumpTolerance:
		jumped = fmt.Sprintf("The wall clock lies %s before what was judged already. No alert fires or resolves until it "+
			"has passed that instant. If the clock is right now, restart Slowburn to judge by it at once.", slo.FormatDuration(behind))
	case jump != 0:
		jumped = fmt.Sprintf("The wall clock jumped by %s against the monotonic clock: it was set, or the machine slept. "+
			"Check how it is synchronised; event times and windows rest on it.", jump.Round(time.Millisecond))
		e.settings.Logger.Warn("the wall clock jumped", "by", jump)
	}
	e.settings.Alarm(slo.AlarmClockJump, jump != 0 || behind > jumpTolerance, jumped)
}

// publishStale publishes what is due while nothing may move, and says what is
// wrong.
func (e *Engine) publishStale() (stale bool, text string, jump, behind time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.look()
	jump, behind, e.jump = e.jump, e.fresh.behind, 0
	since := e.fresh.since
	if !since.IsZero() {
		for _, o := range e.due(true) {
			e.judgeQuietly(o, now)
		}
	}
	switch {
	case !since.IsZero():
		text = fmt.Sprintf("Verdicts are of %s: the ledger is %s behind, or the database cannot be read. No alert about an "+
			"objective fires or resolves meanwhile. Look at the database and at the load; what was accepted is kept and "+
			"will be counted.", since.UTC().Format(time.RFC3339), slo.FormatDuration(max(0, now.Sub(since))))
	case e.unsaved:
		text = "Episodes cannot be stored, so nobody is told of them. Look at the database: it answers reads and refuses writes."
	default:
		text = "Verdicts are of now again."
	}
	return !since.IsZero() || e.unsaved, text, jump, behind
}
