package catalog

import (
	"fmt"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// check is what the compiler said of a series: where the fault is, below the
// spec of an SLI, and what it is.
type check struct {
	part string
	err  error
	// told are the objects whose fault this is that were named already.
	told map[slo.ObjectRef]bool
}

// check lets the compiler look at the indicator of each objective. A fault
// belongs to the document that the indicator stands in.
func (p *plan) check(one candidate, resolved slo.SLO) {
	for i := range resolved.Objectives {
		indicator := resolved.IndicatorOf(i)
		id := indicator.Series().ID
		found, known := p.checked[id]
		if !known {
			part, err := p.Compiler.Check(indicator)
			found = check{part: partField(indicator, part), err: err, told: map[slo.ObjectRef]bool{}}
			p.checked[id] = found
		}
		if found.err != nil {
			p.blame(one, indicatorField(one, resolved, i), found)
		}
	}
}

// indicatorField is where the indicator of an objective stands in its SLO. A
// language may leave out objectives that have none while others do.
func indicatorField(one candidate, s slo.SLO, objective int) string {
	if s.Objectives[objective].Indicator == nil {
		return "spec.indicator"
	}
	members := 0
	for i := range len(one.Lines) { // Each objective has a line.
		field := fmt.Sprintf("spec.objectives[%d].indicator", i)
		if one.Lines[field] == 0 && one.Lines[field+"Ref"] == 0 {
			continue
		}
		if members == objective {
			return field
		}
		members++
	}
	return fmt.Sprintf("spec.objectives[%d].indicator", objective)
}

// blame reports a fault of an indicator: in the SLI that the SLO refers to, if
// that is given with the change, and else in the SLO.
func (p *plan) blame(one candidate, field string, found check) {
	for _, r := range one.References {
		if r.Kind != slo.KindSLI || !strings.HasPrefix(r.Field, field+"Ref") {
			continue
		}
		blamed, fault := one, one.fault(r.Field, "%s: spec%s: %v", r, found.part, found.err)
		if at, given := p.wanted[r.ObjectRef]; given {
			blamed = p.candidates[at]
			fault = blamed.fault("spec"+found.part, "%v", found.err)
		}
		if !found.told[blamed.ObjectRef] {
			found.told[blamed.ObjectRef] = true
			p.refuse(fault)
		}
		return
	}
	if found.told[one.ObjectRef] {
		return
	}
	found.told[one.ObjectRef] = true
	if found.part != "" {
		field += ".spec" + found.part
	}
	p.refuse(one.fault(field, "%v", found.err))
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
