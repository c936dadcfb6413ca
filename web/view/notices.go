package view

import (
	"errors"
	"slices"
	"strconv"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxFaults is how many faults of the files of SLOs a page shows.
const maxFaults = 10

// Problems says why files of SLOs are not in force; its zero value, without
// faults, that they are.
type Problems struct {
	Faults []Fault
	// More is how many faults are not shown, empty for none.
	More string
}

// Fault is one thing that is wrong with a file of SLOs. Each part but Reason
// is empty if it is not known.
type Fault struct {
	// Place is the file and what of it, "slos/checkout.yaml, line 12".
	Place, Object, Field, Reason string
}

// NewProblems describes what stands in the way: each fault of the documents,
// or the one error that it is otherwise.
func NewProblems(err error) Problems {
	if err == nil {
		return Problems{}
	}
	faults, ok := errors.AsType[slo.DocumentErrors](err)
	if !ok {
		return Problems{Faults: []Fault{{Reason: err.Error()}}}
	}
	var p Problems
	for _, f := range faults[:min(len(faults), maxFaults)] {
		p.Faults = append(p.Faults, Fault{Place: place(f), Object: f.Object, Field: f.Field, Reason: f.Reason})
	}
	if n := len(faults) - maxFaults; n > 0 {
		p.More = Count(int64(n))
	}
	return p
}

// place names the line, and the document only where no line is known.
func place(f slo.DocumentError) string {
	switch {
	case f.Line > 0:
		return f.File + ", line " + strconv.Itoa(f.Line)
	case f.Document > 0:
		return f.File + ", document " + strconv.Itoa(f.Document)
	default:
		return f.File
	}
}

// Refused are the items that were refused for good, in one sentence.
type Refused struct {
	// Items is their number with its noun, "12 items"; empty for none.
	Items string
	// Reasons say for how many of them each reason holds.
	Reasons []string
	// Clocks reports that items came too late or too early, which clocks and
	// retry buffers cause.
	Clocks bool
	// Unknown reports that the ledger did not answer.
	Unknown bool
}

// NewRefused describes the refused items, by reason.
func NewRefused(byReason map[string]int64) Refused {
	var r Refused
	var sum int64
	known := map[string]bool{}
	for _, w := range reasonsInOrder() {
		known[w.reason] = true
		if n := byReason[w.reason]; n > 0 {
			sum += n
			r.Reasons = append(r.Reasons, Count(n)+" "+w.text)
			r.Clocks = r.Clocks || w.clocks
		}
	}
	var others []string
	for reason, n := range byReason {
		if !known[reason] && n > 0 {
			sum += n
			others = append(others, Count(n)+" "+wordsOf(reason).text)
		}
	}
	slices.Sort(others)
	r.Reasons = append(r.Reasons, others...)
	if sum > 0 {
		r.Items = plural(sum, "item")
	}
	return r
}
