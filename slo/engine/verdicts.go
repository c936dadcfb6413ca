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
	judged, shown *verdict
	// free is to be written over; nil for none.
	free *verdict
}

type verdict struct {
	status slo.ObjectiveStatus
	// taken: somebody outside holds slices of the status. They stay as they are.
	taken atomic.Bool
}

// next is a verdict to write the newest status into.
func (v *verdicts) next() *verdict {
	if v.judged != v.shown {
		v.recycle(v.judged) // Nobody came to see it.
	}
	next := v.free
	v.free = nil
	if next == nil {
		next = &verdict{}
	}
	v.judged = next
	return next
}

// recycle lets a verdict be written over that is neither judged nor shown, unless it is held.
func (v *verdicts) recycle(old *verdict) {
	if old != nil && !old.taken.Load() {
		v.free = old
	}
}

// publish lets readers see the newest verdict. The caller holds the lock.
func (o *objective) publish(now time.Time) {
	o.judged.status.Conclude(o.open, now)
	if o.shown != o.judged {
		o.recycle(o.shown)
		o.shown = o.judged
	}
}

// status is what readers see, theirs to keep. The caller holds the lock, be it
// for reading.
func (own *entry) status() slo.Status {
	s := slo.Status{Definition: own.definition, Resets: own.resets, Objectives: make([]slo.ObjectiveStatus, len(own.objectives))}
	for i, o := range own.objectives {
		o.shown.taken.Store(true)
		s.Objectives[i] = o.shown.status
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
