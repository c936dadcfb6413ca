package engine

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// verdicts are the statuses of one objective. Judging is the hottest thing there
// is, so a status that nobody outside holds is written over by a later one.
type verdicts struct {
	// judged is the newest, shown what readers see: the same, but while an
	// episode moves, which is seen only once it is stored.
	judged, shown *slo.ObjectiveStatus
	// free is to be written over; nil for none.
	free *slo.ObjectiveStatus
	// moved: a transition holds slices of what is judged. taken: somebody holds
	// those of what is shown. They stay as they are.
	moved bool
	taken atomic.Bool
}

// next is a status to write the newest verdict into.
func (v *verdicts) next() *slo.ObjectiveStatus {
	if v.judged != v.shown && !v.moved {
		v.free = v.judged // Nobody came to see it.
	}
	next := v.free
	if next == nil {
		next = &slo.ObjectiveStatus{}
	}
	v.judged, v.free, v.moved = next, nil, false
	return next
}

// publish lets readers see the newest verdict. The caller holds the lock.
func (o *objective) publish(now time.Time) {
	o.judged.Conclude(o.open, now)
	if o.shown == o.judged {
		return
	}
	if !o.taken.Load() {
		o.free = o.shown
	}
	o.shown = o.judged
	o.taken.Store(o.moved)
}

// status is what readers see, theirs to keep. The caller holds the lock, be it
// for reading.
func (own *entry) status() slo.Status {
	s := slo.Status{Definition: own.definition, Resets: own.resets, Objectives: make([]slo.ObjectiveStatus, len(own.objectives))}
	for i, o := range own.objectives {
		o.taken.Store(true)
		s.Objectives[i] = *o.shown
	}
	s.State = slo.Gravest(s.Objectives)
	return s
}

// Statuses returns the status of every SLO, sorted by name. They must not be
// changed; later evaluations do not change them either.
func (e *Engine) Statuses() []slo.Status {
	e.mu.RLock()
	defer e.mu.RUnlock()
	all := make([]slo.Status, 0, len(e.names))
	for _, name := range e.names {
		all = append(all, e.entries[name].status())
	}
	return all
}

// Status returns the status of one SLO, or slo.ErrNotFound.
func (e *Engine) Status(name string) (slo.Status, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if own := e.entries[name]; own != nil {
		return own.status(), nil
	}
	return slo.Status{}, fmt.Errorf("%s: %w", strings.ToValidUTF8(name, "\uFFFD"), slo.ErrNotFound)
}
