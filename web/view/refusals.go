package view

import (
	"cmp"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxRefusals is how many kinds of refused items the settings list.
const maxRefusals = 50

// Refusals are the refused items by signal, reason and service.
type Refusals struct {
	Rows []RefusalRow
	// More is how many kinds are not shown, empty for none.
	More string
	// Unknown reports that the store did not answer.
	Unknown bool
}

// RefusalRow is one kind of them, and what to do about it.
type RefusalRow struct{ Signal, Service, Items, Reason, Advice string }

// NewRefusals lists them, the most first.
func NewRefusals(list []slo.Refusal) Refusals {
	sorted := slices.DeleteFunc(slices.Clone(list), func(r slo.Refusal) bool { return r.Items <= 0 })
	slices.SortFunc(sorted, func(a, b slo.Refusal) int {
		return cmp.Or(cmp.Compare(b.Items, a.Items), strings.Compare(a.Signal, b.Signal),
			strings.Compare(a.Reason, b.Reason), strings.Compare(a.Service, b.Service))
	})
	var out Refusals
	for _, r := range sorted[:min(len(sorted), maxRefusals)] {
		known := wordsOf(r.Reason)
		out.Rows = append(out.Rows, RefusalRow{
			Signal: cmp.Or(r.Signal, "–"), Service: cmp.Or(r.Service, "not named"), Items: Count(r.Items),
			Reason: known.text, Advice: known.advice,
		})
	}
	if n := len(sorted) - maxRefusals; n > 0 {
		out.More = Count(int64(n))
	}
	return out
}

// reasonWords are what a reason means and what to do about it. Clocks says that
// clocks and retry buffers are to blame.
type reasonWords struct {
	reason, text, advice string
	clocks               bool
}

// reasonsInOrder are all reasons, in the order in which they are told.
func reasonsInOrder() []reasonWords {
	return []reasonWords{
		{slo.RefusedLate, "late (ended before the lateness bound)", "Mend the sender’s clock, or let it give up sooner what it could not deliver.", true},
		{slo.RefusedFuture, "from the future (end later than a clock may run ahead)", "Mend the sender’s clock.", true},
		{slo.RefusedNoEndTime, "without an end time", "Let the program end its spans before they are exported.", false},
		{slo.RefusedInvalidID, "with a trace or span id that is missing or all zeros", "Update the SDK, or mend the program that makes the ids.", false},
		{slo.RefusedLimits, "beyond the limits (too many attributes, too long or too deep)", "Lower the SDK’s limits: OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT.", false},
		{slo.RefusedSignal, "of a kind that is not taken", "Do not send logs here: take Slowburn out of the sender’s logs pipeline.", false},
		{slo.RefusedUndecodable, "undecodable (each record that cannot be read counts as one)", "Look into the log: it names the record and what is wrong with it.", false},
	}
}

// wordsOf has words for every reason: one that is not known is told as it is.
func wordsOf(reason string) reasonWords {
	for _, w := range reasonsInOrder() {
		if w.reason == reason {
			return w
		}
	}
	return reasonWords{reason: reason, text: strings.ReplaceAll(reason, "_", " ")}
}
