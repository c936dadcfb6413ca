package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/slo/indicator"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// checker looks at documents as a server would that has nothing else: it puts
// SLOs together and compiles their conditions. A missing object is not known to
// be a fault, so that something harmless stands in for it.
type checker struct {
	*documents

	compiler *indicator.Compiler
	given    map[slo.ObjectRef]openslo.Object
	// missing are the objects that are referred to and not given.
	missing map[slo.ObjectRef]bool
}

// check adds what it finds to the documents.
func (d *documents) check() error {
	compiler, err := indicator.NewCompiler()
	if err != nil {
		return err
	}
	c := checker{documents: d, compiler: compiler, given: map[slo.ObjectRef]openslo.Object{}, missing: map[slo.ObjectRef]bool{}}
	for _, o := range d.objects {
		if _, twin := c.given[o.ObjectRef]; !twin {
			c.given[o.ObjectRef] = o
		}
	}
	for _, o := range d.objects {
		for _, r := range o.References {
			if _, found := c.given[r.ObjectRef]; found || r.Kind == slo.KindService {
				continue
			}
			c.missing[r.ObjectRef] = true
			if !d.mayHave(r.ObjectRef) {
				d.notes = append(d.notes, faultOf(o, r.Field, "refers to %s, which is in none of the files: it must be in force, or be applied with them", r))
			}
		}
	}
	for _, o := range d.objects {
		switch o.Kind {
		case slo.KindSLI:
			c.sli(o)
		case slo.KindSLO:
			c.slo(o)
		case slo.KindDataSource, slo.KindService, slo.KindAlertPolicy, slo.KindAlertCondition, slo.KindAlertNotificationTarget:
		}
	}
	d.sort()
	return nil
}

// sli compiles an SLI that stands alone, by an SLO around it.
func (c *checker) sli(o openslo.Object) {
	const around = `{"apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": "around"}, "spec": {
		"service": "any", "indicatorRef": %s, "timeWindow": [{"duration": "28d", "isRolling": true}],
		"budgetingMethod": "Occurrences", "objectives": [{"target": 0.9, "op": "lte", "value": 1}]}}`
	root, found := standIn(fmt.Sprintf(around, strconv.Quote(o.Name)))
	if !found {
		return
	}
	definition, warnings, err := openslo.Assemble(root, func(ref slo.ObjectRef) (openslo.Object, bool) {
		if ref == o.ObjectRef { // Of several of a name it is this one.
			return o, true
		}
		return c.find(ref)
	})
	c.warn(warnings)
	if err != nil {
		c.refuse(faultsIn(err, o.File))
	}
	for i := range definition.Objectives {
		c.compile(o, definition.IndicatorOf(i), "spec", "")
	}
}

// slo puts an SLO together, and compiles the indicators that stand in it.
func (c *checker) slo(o openslo.Object) {
	definition, warnings, err := openslo.Assemble(o, c.find)
	c.warn(warnings)
	if err != nil {
		c.refuse(faultsIn(err, o.File))
	}
	c.errors = append(c.errors, faultsOfExclusions(o, definition.Exclusions)...)
	for i := range definition.Objectives {
		field := catalog.IndicatorField(o.Lines, definition, i)
		if slices.ContainsFunc(o.References, func(r openslo.Reference) bool { return r.Kind == slo.KindSLI && r.Field == field+"Ref" }) {
			continue // It is compiled where it stands.
		}
		c.compile(o, definition.IndicatorOf(i), field, ".spec")
	}
}

// compile lets the compiler look at an indicator, which stands at a field of an
// object; its parts are below.
func (c *checker) compile(o openslo.Object, i slo.Indicator, field, below string) {
	if !catalog.IsKnown(i) { // It has faults, which are told.
		return
	}
	for part, err := range c.compiler.Faults(i) {
		at := field
		if part := catalog.PartField(i, part); part != "" {
			at += below + part
		}
		c.errors = append(c.errors, faultOf(o, at, "%v", err))
	}
}

// refuse keeps what is said of the files; those that depend on what else is
// there are notes.
func (c *checker) refuse(faults []slo.DocumentError) {
	for _, f := range faults {
		switch {
		case f.File == standInName || c.causedByStandIn(f):
		case f.Note:
			c.notes = append(c.notes, f)
		default:
			c.errors = append(c.errors, f)
		}
	}
}

// causedByStandIn reports that a source is of another type than a DataSource that is
// not given.
func (c *checker) causedByStandIn(f slo.DocumentError) bool {
	for ref := range c.missing {
		if ref.Kind == slo.KindDataSource && strings.Contains(f.Reason, fmt.Sprintf("but %s is of type", ref)) {
			return true
		}
	}
	return false
}

func (c *checker) warn(warnings []slo.DocumentError) {
	for _, w := range warnings {
		if w.File != standInName {
			c.warnings = append(c.warnings, w)
		}
	}
}

// find gives a document, or what stands in for it. For an SLI nothing can: what
// it measures is what the SLO is about, so that it is there and no more is known.
func (c *checker) find(ref slo.ObjectRef) (openslo.Object, bool) {
	if o, found := c.given[ref]; found {
		return o, true
	}
	specs := map[slo.Kind]string{
		slo.KindDataSource: `{"type": "Spans", "connectionDetails": {}}`,
		slo.KindAlertPolicy: `{"alertWhenBreaching": true,
			"conditions": [{"kind": "AlertCondition", "metadata": {"name": "any"}, "spec": {
				"severity": "page", "condition": {"kind": "burnrate", "op": "gte", "threshold": 2, "lookbackWindow": "1h", "alertAfter": "0m"}}}],
			"notificationTargets": [{"kind": "AlertNotificationTarget", "metadata": {"name": "any"}, "spec": {"target": "any"}}]}`,
		slo.KindAlertCondition:          `{"severity": "page", "condition": {"kind": "burnrate", "op": "gte", "threshold": 2, "lookbackWindow": "1h"}}`,
		slo.KindAlertNotificationTarget: `{"target": "any"}`,
	}
	spec, known := specs[ref.Kind]
	if !known {
		return openslo.Object{ObjectRef: ref, Broken: true}, true
	}
	return standIn(fmt.Sprintf(`{"apiVersion": "openslo/v1", "kind": %q, "metadata": {"name": %s}, "spec": %s}`, ref.Kind, strconv.Quote(ref.Name), spec))
}

// standInName is the file of documents that are in no file.
const standInName = "\x00"

// standIn reads a document of our own.
func standIn(text string) (openslo.Object, bool) {
	objects, _, err := openslo.Parse(standInName, []byte(text), openslo.Lenient)
	if err != nil || len(objects) != 1 {
		return openslo.Object{}, false
	}
	return objects[0], true
}
