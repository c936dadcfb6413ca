package engine

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// One objective that cannot be judged, because of a defect of ours that only it
// brings to light, must not keep all others from being judged: a panic is kept to
// the objective. It stays as it was, says since when it is stale, raises an alarm
// and is tried again whenever it is due.

// judgeOne judges an objective, and moves its episodes. It reports false if it
// could not be judged. The caller holds the lock.
func (e *Engine) judgeOne(o *objective, now time.Time) (moved []slo.Transition, judged bool) {
	defer func() { judged = e.guard(o, now, recover()) }()
	e.prepare(o, now)
	e.evaluateOne(o, now)
	return slo.Advance(&o.definition, o.judged, o.open, o.ended, now), true
}

// judgeQuietly judges an objective and shows it; no episode moves. The caller
// holds the lock.
func (e *Engine) judgeQuietly(o *objective, now time.Time) {
	defer func() {
		if e.guard(o, now, recover()) {
			o.publish(now)
		}
	}()
	e.evaluateOne(o, now)
}

// guard takes what was recovered while the objective was judged; nil for nothing.
// It reports whether the objective was judged. The caller holds the lock.
func (e *Engine) guard(o *objective, now time.Time, fault any) bool {
	if fault == nil {
		if len(e.faults) > 0 {
			delete(e.faults, o.key)
		}
		return true
	}
	if _, known := e.faults[o.key]; !known {
		e.settings.Logger.Error("an objective cannot be judged; it stays as it was, and the others are judged",
			"slo", o.key.slo, "objective", o.key.index, "error", fmt.Sprint(fault), "stack", string(debug.Stack()))
	}
	e.faults[o.key] = fmt.Sprint(fault)
	o.keep(now)
	return false
}

// keep shows the objective as it was judged last, as of then. One that never was
// has seen nothing.
func (o *objective) keep(now time.Time) {
	if o.shown == nil {
		empty := o.plan.Evaluate(slo.Reading{Now: now, History: slo.NewHistory(0)})
		empty.Conclude(o.open, now)
		o.shown = &empty
	}
	o.judged, o.free, o.moved = o.shown, nil, false // Free may be half written.
	if o.shown.StaleSince.IsZero() {
		o.shown.StaleSince = now
	}
}

// faulty says which objectives cannot be judged; empty if all can. The caller
// holds the lock.
func (e *Engine) faulty() string {
	const named = 3
	var all []string
	for key, fault := range e.faults {
		if e.objectives[key] == nil {
			delete(e.faults, key)
			continue
		}
		all = append(all, fmt.Sprintf("%s, objective %d (%s)", key.slo, key.index, fault))
	}
	slices.Sort(all)
	switch n := len(all); {
	case n == 0:
		return ""
	case n > named:
		all = append(all[:named], fmt.Sprintf("and %d more", n-named))
	}
	return fmt.Sprintf("Cannot be judged, by a defect of Slowburn: %s. Their alerts neither fire nor resolve; all other objectives are "+
		"judged. The log has the details: please report them. Editing or deleting the objective may help meanwhile.", strings.Join(all, "; "))
}
