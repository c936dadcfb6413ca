package view

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxServices is how many services the list shows.
const maxServices = 300

// Services is the list of services seen.
type Services struct {
	Base
	Range Range
	// Start teaches the first steps while nothing was seen.
	Start *Start
	Rows  []ServiceRow
	// Shown is how many there are.
	Shown, Search string
	Action        string
	Unknown       bool
}

func (Services) template() string { return "services" }

// ServiceRow is one service with its traffic of one kind.
type ServiceRow struct {
	Name, Link, Kind, Create string
	Traffic                  TrafficCells
	LastSeen                 Moment
	States                   []StateCount
}

// TrafficCells are rate, errors and latency in words.
type TrafficCells struct {
	Rate, Errors, P50, P95, P99 string
	Failing                     bool
	Spark                       Sparkline
}

func newTrafficCells(t slo.Traffic) TrafficCells {
	return TrafficCells{
		Rate: PerSecond(t.Spans, t.To.Sub(t.From)), Errors: Share(t.Errors, t.Spans, 2), Failing: t.Errors > 0,
		P50: Latency(t.P50), P95: Latency(t.P95), P99: Latency(t.P99), Spark: NewTrafficSparkline(t),
	}
}

// ServiceList is what the list shows.
type ServiceList struct {
	Range    Range
	Services []slo.Service
	Traffic  []slo.Traffic
	Statuses []slo.Status
	Search   string
	// Unknown reports that the store does not answer.
	Unknown bool
	Start   *Start
}

// NewServices fills the list: every service seen, those that fail most first.
func NewServices(base Base, in ServiceList) Services {
	base.Title = "Services"
	page := Services{Base: base, Range: in.Range, Start: in.Start, Search: in.Search, Unknown: in.Unknown, Action: "/services"}
	if in.Start != nil {
		return page
	}
	states := statesByService(in.Statuses)
	seen := map[string]time.Time{}
	for _, s := range in.Services {
		seen[s.Name] = s.LastSeen
	}
	answered := map[string]bool{}
	traffic := slices.Clone(in.Traffic)
	for _, t := range traffic {
		answered[t.Service] = true
	}
	for _, s := range in.Services {
		if !answered[s.Name] {
			traffic = append(traffic, slo.Traffic{Operation: slo.Operation{Service: s.Name}, LastSeen: s.LastSeen, From: base.Now.Add(-time.Hour), To: base.Now})
		}
	}
	search := strings.ToLower(in.Search)
	traffic = slices.DeleteFunc(traffic, func(t slo.Traffic) bool { return !strings.Contains(strings.ToLower(t.Service), search) })
	slices.SortStableFunc(traffic, func(a, b slo.Traffic) int {
		return cmp.Or(cmp.Compare(share(b), share(a)), cmp.Compare(b.Spans, a.Spans), cmp.Compare(a.Service, b.Service))
	})
	page.Shown = plural(int64(len(traffic)), "service")
	for _, t := range traffic[:min(len(traffic), maxServices)] {
		page.Rows = append(page.Rows, ServiceRow{
			Name: t.Service, Link: serviceLink(t.Service), Kind: kindWord(t.Kind), Create: createLink(t.Operation), Traffic: newTrafficCells(t),
			LastSeen: NewMoment(latest(t.LastSeen, seen[t.Service]), base.Now), States: states[t.Service],
		})
	}
	return page
}

func share(t slo.Traffic) float64 {
	if t.Spans == 0 {
		return 0
	}
	return float64(t.Errors) / float64(t.Spans)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func kindWord(kind slo.SpanKind) string {
	if kind == "" {
		return "calls only"
	}
	return string(kind)
}

// statesByService counts the objectives of each service by state.
func statesByService(statuses []slo.Status) map[string][]StateCount {
	counts := map[string]map[slo.State]int64{}
	for i := range statuses {
		service := statuses[i].Definition.SLO.Service
		if counts[service] == nil {
			counts[service] = map[slo.State]int64{}
		}
		for j := range statuses[i].Objectives {
			counts[service][statuses[i].Objectives[j].State]++
		}
	}
	out := make(map[string][]StateCount, len(counts))
	for service, byState := range counts {
		for _, state := range gravity() {
			if n := byState[state]; n > 0 {
				out[service] = append(out[service], StateCount{State: NewState(state), Count: Count(n)})
			}
		}
	}
	return out
}

// createLink is where an objective for an operation is drafted.
func createLink(o slo.Operation) string {
	query := url.Values{"service": {o.Service}}
	if o.Name != "" {
		query.Set("operation", o.Name)
	}
	if o.Kind != "" {
		query.Set("kind", string(o.Kind))
	}
	return "/create?" + query.Encode()
}

// Service is the page of one service.
type Service struct {
	Base
	Name       string
	Range      Range
	Operations []OperationRow
	Objectives []Row
	Create     string
	LastSeen   Moment
}

func (Service) template() string { return "service" }

// OperationRow is one operation.
type OperationRow struct {
	Name, Kind, Create string
	Traffic            TrafficCells
	LastSeen           Moment
}

// NewService fills the page of one service.
func NewService(base Base, name string, span Range, operations []slo.Traffic, statuses []slo.Status, seen time.Time) Service {
	base.Title = name
	page := Service{
		Base: base, Name: name, Range: span, Create: createLink(slo.Operation{Service: name, Kind: slo.ServerSpan}), LastSeen: NewMoment(seen, base.Now),
	}
	for _, t := range operations {
		page.Operations = append(page.Operations, OperationRow{
			Name: t.Name, Kind: string(t.Kind), Create: createLink(t.Operation), Traffic: newTrafficCells(t), LastSeen: NewMoment(t.LastSeen, base.Now),
		})
	}
	if len(operations) > 0 {
		page.Create = createLink(slo.Operation{Service: name, Kind: operations[0].Kind})
	}
	var entries []entry
	for i := range statuses {
		for j := range statuses[i].Objectives {
			if statuses[i].Definition.SLO.Service == name {
				entries = append(entries, entry{status: &statuses[i], objective: &statuses[i].Objectives[j]})
			}
		}
	}
	slices.SortFunc(entries, worse)
	for _, e := range entries {
		page.Objectives = append(page.Objectives, e.row(base))
	}
	return page
}
