package engine

import "github.com/slowburn-slo/slowburn/slo"

// Counted visits every objective that counts one series with the events that
// were counted for it since this engine was made: counters, for who keeps such.
// Composites are left out: their members have the events. Counts of a raw
// indicator are in units of slo.RawUnit.
func (e *Engine) Counted(visit func(name string, objective int, unit slo.Unit, counts slo.Counts)) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, o := range e.order {
		if o.composite {
			continue
		}
		unit := slo.UnitEvent
		if v := o.definition.IndicatorOf(o.key.index).Value; v != nil && v.Raw != "" {
			unit = slo.UnitRawEvent
		}
		visit(o.key.slo, o.key.index, unit, o.series[0].counted)
	}
}
