package view

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// maxAttention and maxHealth bound the overview, which is to be read at a
	// glance; the lists have the rest.
	maxAttention = 12
	maxHealth    = 24
)

// Overview is the first page: what needs attention, then how the services are.
type Overview struct {
	Base
	// Start teaches the first steps; nil once something was seen.
	Start *Start
	// Unobserved reports that services send and no objective is defined yet.
	Unobserved bool
	Tiles      []StateTile
	Attention  []Attention
	// More is how many need attention beyond those shown, empty for none.
	More     string
	Services []Health
	// MoreServices is how many services are not shown, empty for none.
	MoreServices string
	Problems     Problems
	Refused      Refused
}

func (Overview) template() string { return "overview" }

// Attention is one objective that needs it, and why.
type Attention struct {
	State                State
	Title, Link, Service string
	// Why is the gravest reason, Also the others.
	Why  string
	Also []string
	// Severity is that of the gravest firing tier, empty if none fires.
	Severity string
	Budget   Budget
}

// Health is how one service is.
type Health struct {
	Name, Link, Create string
	State              State
	// States are the objectives by state, the gravest first.
	States []StateCount
	// Lowest is the least budget left among its objectives.
	Lowest Budget
	// Traffic is what it does for others; nil if it answers nobody.
	Traffic *TrafficSummary
}

// StateCount is how many objectives are in one state.
type StateCount struct {
	State State
	Count string
}

// TrafficSummary is the traffic of one service.
type TrafficSummary struct {
	Rate, Errors, P95 string
	Failing           bool
	Spark             Sparkline
}

// Situation is what the overview shows.
type Situation struct {
	Statuses []slo.Status
	// Traffic is that of the services, of the last hour.
	Traffic  []slo.Traffic
	Problems Problems
	Refused  Refused
	// Seen are the services in the telemetry while no objective is defined.
	Seen []Seen
	// Start is set while nothing was seen either.
	Start *Start
}

// NewOverview fills the overview.
func NewOverview(base Base, in Situation) Overview {
	base.Title = "Overview"
	page := Overview{Base: base, Start: in.Start, Problems: in.Problems, Refused: in.Refused}
	if in.Start != nil {
		return page
	}
	page.Unobserved = len(in.Statuses) == 0
	counts := map[slo.State]int64{}
	var items []ranked
	for i := range in.Statuses {
		for j := range in.Statuses[i].Objectives {
			e := entry{status: &in.Statuses[i], objective: &in.Statuses[i].Objectives[j]}
			counts[e.objective.State]++
			if item, needed := e.attention(base.Now); needed {
				items = append(items, item)
			}
		}
	}
	for _, state := range gravity() {
		page.Tiles = append(page.Tiles, StateTile{
			State: NewState(state), Count: Count(counts[state]), Link: Listing{}.address(state, Order{}, 1),
		})
	}
	slices.SortStableFunc(items, func(a, b ranked) int { return cmp.Or(a.rank-b.rank, worse(a.entry, b.entry)) })
	for _, item := range items[:min(len(items), maxAttention)] {
		page.Attention = append(page.Attention, item.Attention)
	}
	if n := len(items) - maxAttention; n > 0 {
		page.More = Count(int64(n))
	}
	page.health(in)
	return page
}

// health gathers the services, the worst first.
func (p *Overview) health(in Situation) {
	byName := map[string]*gathered{}
	find := func(name string) *gathered {
		if byName[name] == nil {
			byName[name] = &gathered{name: name, counts: map[slo.State]int64{}}
		}
		return byName[name]
	}
	for i := range in.Statuses {
		for j := range in.Statuses[i].Objectives {
			g := find(in.Statuses[i].Definition.SLO.Service)
			g.objectives = append(g.objectives, entry{status: &in.Statuses[i], objective: &in.Statuses[i].Objectives[j]})
			g.counts[in.Statuses[i].Objectives[j].State]++
		}
	}
	for i := range in.Traffic {
		g := find(in.Traffic[i].Service)
		// A service that answers and consumes shows what it answers.
		if g.traffic == nil || in.Traffic[i].Kind == slo.ServerSpan {
			g.traffic = &in.Traffic[i]
		}
	}
	for _, seen := range in.Seen {
		find(seen.Name)
	}
	services := make([]*gathered, 0, len(byName))
	for _, g := range byName {
		slices.SortFunc(g.objectives, worse)
		services = append(services, g)
	}
	slices.SortFunc(services, (*gathered).compare)
	for _, g := range services[:min(len(services), maxHealth)] {
		p.Services = append(p.Services, g.health())
	}
	if n := len(services) - maxHealth; n > 0 {
		p.MoreServices = Count(int64(n))
	}
}

// gathered is a service with what is known of it; its objectives are the
// worst first.
type gathered struct {
	name       string
	objectives []entry
	counts     map[slo.State]int64
	traffic    *slo.Traffic
}

// compare puts the worst first; services without objectives come last.
func (g *gathered) compare(other *gathered) int {
	switch {
	case len(g.objectives) > 0 && len(other.objectives) > 0:
		return cmp.Or(worse(g.objectives[0], other.objectives[0]), strings.Compare(g.name, other.name))
	case len(g.objectives)+len(other.objectives) > 0:
		return len(other.objectives) - len(g.objectives)
	default:
		return strings.Compare(g.name, other.name)
	}
}

func (g *gathered) health() Health {
	h := Health{Name: g.name, Link: serviceLink(g.name), Create: createLink(slo.Operation{Service: g.name, Kind: slo.ServerSpan})}
	if g.traffic != nil {
		h.Create = createLink(g.traffic.Operation)
	}
	if len(g.objectives) > 0 {
		h.State = NewState(g.objectives[0].objective.State)
	}
	for _, state := range gravity() {
		if n := g.counts[state]; n > 0 {
			h.States = append(h.States, StateCount{State: NewState(state), Count: Count(n)})
		}
	}
	lowest := 0
	for i, e := range g.objectives {
		if e.budgetLeft() < g.objectives[lowest].budgetLeft() {
			lowest = i
		}
	}
	if len(g.objectives) > 0 {
		h.Lowest = NewBudget(*g.objectives[lowest].objective)
	}
	if g.traffic != nil && g.traffic.Spans > 0 {
		h.Traffic = newTrafficSummary(*g.traffic)
	}
	return h
}

func newTrafficSummary(t slo.Traffic) *TrafficSummary {
	return &TrafficSummary{
		Rate: PerSecond(t.Spans, t.To.Sub(t.From)), Errors: Share(t.Errors, t.Spans, 1), P95: Latency(t.P95),
		Failing: t.Errors > 0, Spark: NewTrafficSparkline(t),
	}
}

// serviceLink is the page of a service.
func serviceLink(name string) string { return "/services/" + url.PathEscape(name) }

// ranked is an objective that needs attention; the lower the rank, the sooner.
type ranked struct {
	Attention
	entry
	rank int
}

// The reasons for attention, the most urgent first.
const (
	rankPage = iota
	rankExhausted
	rankTicket
	rankSoon
	rankPending
	rankSilent
	rankUnmeasured
)

// soon is how near the end of a budget must be to need attention.
const soon = 3 * 24 * time.Hour

// reason is one reason for attention.
type reason struct {
	rank int
	text string
}

// attention says why an objective needs it, if it does.
func (e entry) attention(now time.Time) (ranked, bool) {
	reasons := e.reasons(now)
	if len(reasons) == 0 {
		return ranked{}, false
	}
	slices.SortStableFunc(reasons, func(a, b reason) int { return a.rank - b.rank })
	definition := e.status.Definition.SLO
	item := ranked{entry: e, rank: reasons[0].rank, Attention: Attention{
		State: NewState(e.objective.State), Title: cmp.Or(definition.DisplayName, definition.Name),
		Link: sloLink(definition.Name, e.objective.Index), Service: definition.Service,
		Why: reasons[0].text, Budget: NewBudget(*e.objective),
	}}
	if name := objectiveName(*e.status, *e.objective); name != "" {
		item.Title += " · " + name
	}
	switch reasons[0].rank {
	case rankPage:
		item.Severity = string(slo.Page)
	case rankTicket:
		item.Severity = string(slo.Ticket)
	}
	for _, r := range reasons[1:] {
		item.Also = append(item.Also, r.text)
	}
	return item, true
}

func (e entry) reasons(now time.Time) []reason {
	o := *e.objective
	var all []reason
	for _, episode := range o.Firing {
		rank := rankTicket
		if episode.Severity == slo.Page {
			rank = rankPage
		}
		all = append(all, reason{rank, e.burning(episode, now)})
	}
	for _, episode := range o.Pending {
		all = append(all, reason{rankPending, "The " + episode.Tier + " tier is pending: its long look-back burns too fast."})
	}
	left := exhaustedIn(o)
	switch rest, ends := o.TimeToExhaustion(max(e.burn(), 0)); {
	case o.Budget.Exhausted:
		all = append(all, reason{rankExhausted, "The budget is spent: " + spending(o) + "."})
	case ends && rest < soon && left != "":
		all = append(all, reason{rankSoon, "At the last hour’s rate the budget is gone in " + left + "."})
	}
	switch {
	case o.State == slo.Unmeasured && o.LastEvent.IsZero():
		all = append(all, reason{rankUnmeasured, "No event was counted yet."})
	case o.State == slo.Unmeasured:
		all = append(all, reason{rankUnmeasured, "Nothing is measured now."})
	case o.Silent && !o.LastEvent.IsZero():
		all = append(all, reason{rankSilent, "Silent: the last event was " + NewMoment(o.LastEvent, now).Ago + "."})
	}
	return all
}

// burning says of an episode how long and how fast: "The fast tier has fired
// for 12m, burning 98× over 2m.".
func (e entry) burning(episode slo.Episode, now time.Time) string {
	burns := ""
	for _, tier := range e.objective.Tiers {
		if tier.Name == episode.Tier && tier.Long.Total() > 0 {
			burns = ", burning " + Rate(tier.Long.Rate) + " over " + slo.FormatDuration(tier.Tier.Long)
		}
	}
	return "The " + episode.Tier + " tier has fired for " + coarse(max(now.Sub(episode.FiredAt), 0)) + burns + "."
}
