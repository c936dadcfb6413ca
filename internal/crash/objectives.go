package main

import (
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// mark is what one item counts for in one objective: the harness's own
// judgement, made without any code of the product.
type mark struct {
	cell
	good bool
}

// cell is one bucket: ten seconds of event time of one objective.
type cell struct {
	Objective string
	Slice     int64 // Ten seconds since 1970.
}

// sliceSeconds is the length of a bucket as the API documents it.
const sliceSeconds = 10

// marks judges an item for every objective of the harness.
func (it *item) marks() []mark {
	if it.refused || it.changed || it.kind != ptrace.SpanKindServer {
		return nil
	}
	at := it.end.Unix() / sliceSeconds
	marks := []mark{{cell{it.service, at}, !it.failed}}
	if it.service == "mixed" && it.plan == "gold" {
		marks = append(marks, mark{cell{"gold", at}, !it.failed && it.duration <= 300*time.Millisecond})
	}
	return marks
}

// document is an OpenSLO objective: its conditions are those of marks, its
// window decides how fast it fires.
func document(name, service, target, window, also, good string) string {
	return fmt.Sprintf(`apiVersion: openslo/v1
kind: SLO
metadata: {name: %s}
spec:
  service: %s
  indicator:
    metadata: {name: %s}
    spec:
      ratioMetric:
        counter: true
        total: {metricSource: {type: Spans, spec: {service: %s, condition: 'span.kind == SPAN_KIND_SERVER%s'}}}
        good: {metricSource: {type: Spans, spec: {condition: 'span.status.code != STATUS_CODE_ERROR'%s}}}
  timeWindow: [{duration: %s, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: %s}]
`, name, service, name, service, also, good, window, target)
}

// objectives are those of --slos: one always good, one mixed, one with a
// condition and a bound, and several that burn in turn.
func objectives() (names []string, documents string) {
	var b []string
	add := func(name, document string) {
		names, b = append(names, name), append(b, document)
	}
	add("steady", document("steady", "steady", "0.999", "30d", "", ""))
	add("mixed", document("mixed", "mixed", "0.5", "30d", "", ""))
	add("gold", document("gold", "mixed", "0.1", "30d", ` and span.attributes["plan"] == "gold"`, ", maxDuration: 300ms"))
	for i := range burners {
		// The shortest window has look-backs of seconds: it fires and resolves often.
		name := burnerName(i)
		add(name, document(name, name, "0.99", "1h", "", ""))
	}
	return names, strings.Join(b, "---\n")
}

// latecomer is an objective that is created while the platform runs. It means
// the same as mixed, in other words, so that it is a series of its own, which
// is recounted from the journal.
func latecomer(i int) (name, body string) {
	name = fmt.Sprintf("later-%d", i)
	return name, document(name, "mixed", "0.5", "30d", fmt.Sprintf(` and span.attributes["plan"] != "never-%d"`, i), "")
}
