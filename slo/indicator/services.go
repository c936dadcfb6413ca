package indicator

import (
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxServices bounds the names kept, as every client may invent more.
const maxServices = 10_000

// roster counts the services seen. It remembers the names for as long as the
// process lives, so that the bound on them holds over all commits.
type roster struct {
	byName  map[string]*slo.Service
	touched []*slo.Service
}

func newRoster() *roster { return &roster{byName: map[string]*slo.Service{}} }

// add counts spans of a service, the newest of which ended at (Unix nanoseconds).
func (r *roster) add(name string, spans, at int64) {
	service := r.find(name)
	if service.Spans == 0 {
		r.touched = append(r.touched, service)
		service.LastSeen = time.Time{}
	}
	service.Spans += spans
	if seen := time.Unix(0, at).UTC(); seen.After(service.LastSeen) {
		service.LastSeen = seen
	}
}

func (r *roster) find(name string) *slo.Service {
	if service, ok := r.byName[name]; ok {
		return service
	}
	name = slo.CleanService(name)
	if _, ok := r.byName[name]; !ok && len(r.byName) >= maxServices {
		name = slo.OtherNames
	}
	service, ok := r.byName[name]
	if !ok {
		service = &slo.Service{Name: name}
		r.byName[name] = service
	}
	return service
}

func (r *roster) pending() int { return len(r.touched) }

// drain returns the services counted since it was last called, by name.
func (r *roster) drain() []slo.Service {
	if len(r.touched) == 0 {
		return nil
	}
	seen := make([]slo.Service, len(r.touched))
	for i, service := range r.touched {
		seen[i] = *service
		service.Spans = 0
	}
	r.touched = r.touched[:0]
	slices.SortFunc(seen, func(a, b slo.Service) int { return strings.Compare(a.Name, b.Name) })
	return seen
}
