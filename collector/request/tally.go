package request

import (
	"cmp"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// maxEntries bounds a record of refusals: senders invent names of services.
	maxEntries = 100
	// maxService is the longest name that is told apart, in bytes.
	maxService = 256
)

// Tally counts what of a request is refused. The zero value is empty.
type Tally struct {
	counts map[tallied]int64
	total  int64
}

type tallied struct{ reason, service string }

// Add counts items of a service.
func (t *Tally) Add(reason, service string, items int64) {
	if items == 0 {
		return
	}
	if t.counts == nil {
		t.counts = map[tallied]int64{}
	}
	if len(service) > maxService {
		service = slo.OtherNames
	}
	t.counts[tallied{reason, service}] += items
	t.total += items
}

// Total is the number of all items.
func (t *Tally) Total() int64 { return t.total }

// Refusals are the counts, the largest first. Beyond 100 entries, the services
// with the fewest are counted together under slo.OtherNames.
func (t *Tally) Refusals(signal string) []slo.Refusal {
	if t.total == 0 {
		return nil
	}
	all := make([]slo.Refusal, 0, len(t.counts))
	reasons := map[string]bool{}
	for key, items := range t.counts {
		reasons[key.reason] = true
		all = append(all, slo.Refusal{Signal: signal, Reason: key.reason, Service: key.service, Items: items})
	}
	slices.SortFunc(all, func(a, b slo.Refusal) int {
		return cmp.Or(cmp.Compare(b.Items, a.Items), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Service, b.Service))
	})
	if len(all) <= maxEntries {
		return all
	}
	kept, rest := all[:maxEntries-len(reasons)], all[maxEntries-len(reasons):]
	var folded Tally
	for _, r := range kept {
		folded.Add(r.Reason, r.Service, r.Items)
	}
	for _, r := range rest {
		folded.Add(r.Reason, slo.OtherNames, r.Items)
	}
	return folded.Refusals(signal)
}

// ServiceOf is the service.name of a resource, empty if it has none.
func ServiceOf(r pcommon.Resource) string {
	name, ok := r.Attributes().Get("service.name")
	if !ok {
		return ""
	}
	return name.Str()
}
