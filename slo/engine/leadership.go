package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Term is one time that this engine leads: that it, and nobody else, moves episodes.
type Term interface {
	// Epoch rises with every term of any engine. Whoever stores transitions
	// names it, and an older one is refused with slo.ErrFenced.
	Epoch() int64
	// Lost is closed once the term may have ended: its connection broke, say.
	Lost() <-chan struct{}
	// Close gives the term up; it MUST be safe to call after Lost.
	Close() error
}

// leadEvery is how often an engine that does not lead asks to.
const leadEvery = time.Second

// leads reports whether this engine may move episodes, and asks for a new term
// where it has none. A lost term never comes back: what was decided under it
// is forgotten, and the open episodes are read again under the new one.
func (e *Engine) leads(ctx context.Context) (bool, error) {
	if e.settings.Lead == nil {
		return true, nil
	}
	if e.term != nil && !e.lost() {
		return true, nil
	}
	_, uptime := e.clocks()
	if e.asked && uptime-e.askedUptime < leadEvery {
		return false, nil
	}
	e.asked, e.askedUptime = true, uptime
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	term, err := e.settings.Lead(bounded)
	if errors.Is(err, slo.ErrNotLeading) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask to lead: %w", err)
	}
	e.term = term
	e.settings.Logger.Info("this process leads: it moves episodes", "epoch", term.Epoch())
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leading, e.episodesKnown, e.judgeAll = true, false, true
	e.reign = Reign{Epoch: term.Epoch(), Since: e.settings.Now()}
	return true, nil
}

// lost reports whether the term was lost, and gives it up if so.
func (e *Engine) lost() bool {
	if e.term == nil {
		return false
	}
	select {
	case <-e.term.Lost():
		e.stepDown("the term was lost")
		return true
	default:
		return false
	}
}

// stepDown gives the term up.
func (e *Engine) stepDown(why string) {
	if e.term == nil {
		return
	}
	e.settings.Logger.Warn("this process no longer leads", "epoch", e.term.Epoch(), "cause", why)
	if err := e.term.Close(); err != nil {
		e.settings.Logger.Warn("the term could not be given up; it ends with its connection", "error", err)
	}
	e.term = nil
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leading, e.episodesKnown, e.judgeAll, e.reign = false, false, true, Reign{}
}

// epoch is that of the term, 0 without leadership.
func (e *Engine) epoch() int64 {
	if e.term == nil {
		return 0
	}
	return e.term.Epoch()
}

// Reign is the term that an engine leads in; zero while it does not.
type Reign struct {
	Epoch int64
	Since time.Time
}

// Reign returns the term that this engine leads in. What others decide on its
// behalf names its epoch, too.
func (e *Engine) Reign() Reign {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.reign
}

// Leading reports whether this engine moves episodes.
func (e *Engine) Leading() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.leading || e.settings.Lead == nil
}
