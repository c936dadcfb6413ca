package view

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"

	"github.com/slowburn-slo/slowburn/slo"
)

// RowsPerPage is how many objectives one page of the list shows.
const RowsPerPage = 250

// SLOs is the list of objectives, the worst first.
type SLOs struct {
	Base
	// Start teaches the first steps; nil once an SLO is defined.
	Start *Start
	Tiles []StateTile
	Rows  []Row
	// Search is what was searched for, State the state that is selected.
	Search, State string
	// Shown says which rows are on this page: "1–250 of 1 000 objectives".
	Shown          string
	Previous, Next string
	Problems       Problems
	Refused        Refused
}

func (SLOs) template() string { return "slos" }

// StateTile counts the objectives of one state, and selects them.
type StateTile struct {
	State    State
	Count    string
	Link     string
	Selected bool
}

// Row is one objective in the list.
type Row struct {
	Name, Title, Objective, Service, Link string
	Target, Window, Achieved, BurnRate    string
	State                                 State
	Budget                                Budget
	Firing                                []Badge
	MeasuredUntil                         Moment
	LastEvent                             LastEvent
}

// Badge is a tier that fires.
type Badge struct{ Tier, Severity string }

// Listing is what the list shows. Statuses are those that match the search,
// in any state; State selects among them, all if empty.
type Listing struct {
	Statuses []slo.Status
	// Defined reports that there is at least one SLO, matching or not.
	Defined bool
	Search  string
	State   slo.State
	// Page counts from 1.
	Page     int
	Problems Problems
	Refused  Refused
	Start    Start
}

// NewSLOs fills the list.
func NewSLOs(base Base, in Listing) SLOs {
	base.Title, base.Live = "Objectives", true
	page := SLOs{Base: base, Search: in.Search, State: string(in.State), Problems: in.Problems, Refused: in.Refused}
	if !in.Defined {
		page.Start = &in.Start
		return page
	}
	var selected []entry
	counts := map[slo.State]int{}
	for i := range in.Statuses {
		for j := range in.Statuses[i].Objectives {
			o := &in.Statuses[i].Objectives[j]
			counts[o.State]++
			if in.State == "" || o.State == in.State {
				selected = append(selected, entry{status: &in.Statuses[i], objective: o})
			}
		}
	}
	for _, state := range gravity() {
		tile := StateTile{State: NewState(state), Count: Count(int64(counts[state])), Selected: state == in.State}
		tile.Link = address(in.Search, state, 1)
		if tile.Selected {
			tile.Link = address(in.Search, "", 1)
		}
		page.Tiles = append(page.Tiles, tile)
	}
	slices.SortStableFunc(selected, entry.compare)
	page.cut(selected, in)
	return page
}

// cut keeps the rows of one page; a page beyond the end is the last one.
func (p *SLOs) cut(selected []entry, in Listing) {
	pages := max(1, (len(selected)+RowsPerPage-1)/RowsPerPage)
	number := min(max(in.Page, 1), pages)
	first := (number - 1) * RowsPerPage
	last := min(first+RowsPerPage, len(selected))
	for _, e := range selected[first:last] {
		p.Rows = append(p.Rows, e.row(p.Base))
	}
	noun := " objectives"
	if len(selected) == 1 {
		noun = " objective"
	}
	p.Shown = Count(int64(len(selected))) + noun
	if pages > 1 {
		p.Shown = Count(int64(first+1)) + "–" + Count(int64(last)) + " of " + p.Shown
	}
	if number > 1 {
		p.Previous = address(in.Search, in.State, number-1)
	}
	if number < pages {
		p.Next = address(in.Search, in.State, number+1)
	}
}

// entry is one objective on its way to a row.
type entry struct {
	status    *slo.Status
	objective *slo.ObjectiveStatus
}

// gravity is the order of the states, the gravest first.
func gravity() []slo.State {
	return []slo.State{slo.Exhausted, slo.Burning, slo.Unmeasured, slo.OK}
}

// compare puts the worst first: by state, by budget left, by name.
func (e entry) compare(other entry) int {
	left := func(e entry) float64 {
		if e.objective.Counts.Total() == 0 {
			return 1
		}
		return e.objective.Budget.RemainingRatio
	}
	return cmp.Or(
		slices.Index(gravity(), e.objective.State)-slices.Index(gravity(), other.objective.State),
		cmp.Compare(left(e), left(other)),
		cmp.Compare(e.status.Definition.SLO.Name, other.status.Definition.SLO.Name),
		cmp.Compare(e.objective.Index, other.objective.Index),
	)
}

func (e entry) row(base Base) Row {
	definition, o := e.status.Definition.SLO, *e.objective
	row := Row{
		Name: definition.Name, Title: definition.DisplayName, Objective: objectiveName(*e.status, o),
		Service: definition.Service, Link: "/slos/" + url.PathEscape(definition.Name),
		Target: o.Target.Percent() + narrow + "%", Window: o.Window.String(),
		Achieved: Share(o.Counts.Good, o.Counts.Total(), shareDecimals(o.Target)),
		BurnRate: lastHour(o), State: NewState(o.State), Budget: NewBudget(o),
		MeasuredUntil: NewMoment(o.MeasuredUntil, base.Now), LastEvent: newLastEvent(o, base.Now),
	}
	if row.Title == "" {
		row.Title = definition.Name
	}
	for _, f := range o.Firing {
		row.Firing = append(row.Firing, Badge{Tier: f.Tier, Severity: string(f.Severity)})
	}
	return row
}

// objectiveName tells the objectives of one SLO apart; empty if there is one.
func objectiveName(s slo.Status, o slo.ObjectiveStatus) string {
	switch {
	case o.DisplayName != "":
		return o.DisplayName
	case len(s.Objectives) > 1:
		return "objective " + strconv.Itoa(o.Index)
	default:
		return ""
	}
}

// address is the list with a search, a state and a page.
func address(search string, state slo.State, page int) string {
	query := url.Values{}
	if search != "" {
		query.Set("q", search)
	}
	if state != "" {
		query.Set("state", string(state))
	}
	if page > 1 {
		query.Set("page", strconv.Itoa(page))
	}
	if len(query) == 0 {
		return "/"
	}
	return "/?" + query.Encode()
}
