package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// check is what the compiler said of a series: what is wrong with each part, by
// where that is below the spec of an SLI.
type check struct {
	faults map[string]error
	// told are the objects whose faults these are that were named already.
	told map[slo.ObjectRef]bool
}

// check lets the compiler look at the indicator of each objective. A fault
// belongs to the document that the indicator stands in. Of an SLO that is not whole
// there may be indicators that nothing is known of.
func (p *plan) check(one candidate, resolved slo.SLO, whole bool) {
	for i := range resolved.Objectives {
		indicator := resolved.IndicatorOf(i)
		if !whole && !isKnown(indicator) {
			continue
		}
		id := indicator.Series().ID
		found, known := p.checked[id]
		if !known {
			found = check{faults: map[string]error{}, told: map[slo.ObjectRef]bool{}}
			for part, err := range p.Compiler.Faults(indicator) {
				found.faults[partField(indicator, part)] = err
			}
			p.checked[id] = found
		}
		if len(found.faults) > 0 {
			p.blame(one, indicatorField(one.Lines, resolved, i), found)
		}
	}
}

// isKnown reports whether an indicator says which events are good.
func isKnown(i slo.Indicator) bool { return i.Good != nil || i.Bad != nil || i.Value != nil }

// indicatorField is where the indicator of an objective stands in its SLO. A
// language may leave out objectives that have none while others do.
func indicatorField(lines map[string]int, s slo.SLO, objective int) string {
	if s.Objectives[objective].Indicator == nil {
		return "spec.indicator"
	}
	members := 0
	for i := range len(lines) { // Each objective has a line.
		field := fmt.Sprintf("spec.objectives[%d].indicator", i)
		if lines[field] == 0 && lines[field+"Ref"] == 0 {
			continue
		}
		if members == objective {
			return field
		}
		members++
	}
	return fmt.Sprintf("spec.objectives[%d].indicator", objective)
}

// blame reports the faults of an indicator: in the SLI that the SLO refers to, if
// that is given with the change, and else in the SLO.
func (p *plan) blame(one candidate, field string, found check) {
	blamed := one
	fault := func(part string, err error) slo.DocumentError {
		if part != "" {
			part = ".spec" + part
		}
		return one.fault(field+part, "%v", err)
	}
	for _, r := range one.References {
		if r.Kind != slo.KindSLI || !strings.HasPrefix(r.Field, field+"Ref") {
			continue
		}
		fault = func(part string, err error) slo.DocumentError {
			return one.fault(r.Field, "%s: spec%s: %v", r, part, err)
		}
		if at, given := p.wanted[r.ObjectRef]; given {
			blamed = p.candidates[at]
			fault = func(part string, err error) slo.DocumentError { return blamed.fault("spec"+part, "%v", err) }
		}
		break
	}
	if found.told[blamed.ObjectRef] {
		return
	}
	found.told[blamed.ObjectRef] = true
	for _, part := range slices.Sorted(maps.Keys(found.faults)) {
		p.refuse(fault(part, found.faults[part]))
	}
}

// partField is where a part of an indicator stands below the spec of its SLI.
func partField(i slo.Indicator, part string) string {
	const source = ".metricSource.spec."
	switch {
	case part == "":
		return ""
	case i.Value == nil:
		return ".ratioMetric." + part + source + "condition"
	}
	metric := ".thresholdMetric"
	if i.Value.Raw != "" {
		metric = ".ratioMetric.raw"
	}
	if part == "total" {
		return metric + source + "condition"
	}
	return metric + source + part
}
