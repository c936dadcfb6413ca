package view

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// RowsPerPage is how many objectives one page of the list shows.
const RowsPerPage = 100

// SLOs is the list of objectives.
type SLOs struct {
	Base
	// Defined reports that there is at least one SLO, matching or not.
	Defined bool
	Tiles   []StateTile
	Rows    []Row
	Columns []Column
	// Search, State, Service and Sort are the filter and the order as the
	// address has them.
	Search, State, Service, Sort string
	// Services are those to choose from.
	Services []string
	// Shown says which rows are on this page: "1–100 of 1 000 objectives".
	Shown          string
	Previous, Next string
	// Action and Target are where the filter is sent to, as a page and as a
	// fragment.
	Action, FragmentAction string
	Problems               Problems
	Refused                Refused
}

func (SLOs) template() string { return "slos" }

// StateTile counts the objectives of one state, and selects them.
type StateTile struct {
	State    State
	Count    string
	Link     string
	Selected bool
}

// Column is the head of a column; Link sorts by it, and is empty if nothing can.
type Column struct {
	Text, Class, Link string
	// Sorted is "ascending" or "descending" while the list is sorted by it.
	Sorted string
}

// Row is one objective in the list.
type Row struct {
	Name, Title, Objective, Service, Link string
	Target, Window, Achieved, BurnRate    string
	State                                 State
	Budget                                Budget
	Firing                                []Badge
	LastEvent                             LastEvent
	// Day is the last 24 hours, hour by hour.
	Day Strip
}

// Badge is a tier that fires.
type Badge struct{ Tier, Severity string }

// Listing is what the list shows. Statuses are those that match the search and
// the service, in any state; State selects among them, all if empty.
type Listing struct {
	Statuses []slo.Status
	// Defined reports that there is at least one SLO, matching or not.
	Defined         bool
	Search, Service string
	Services        []string
	State           slo.State
	Order           Order
	// Page counts from 1.
	Page     int
	Problems Problems
	Refused  Refused
	// Day gives the last 24 hours of an objective, hour by hour; it is asked
	// for those that are shown. Nil leaves them out.
	Day func(name string, objective int) (slo.Timeline, bool)
}

// NewSLOs fills the list.
func NewSLOs(base Base, in Listing) SLOs {
	base.Title = "Objectives"
	page := SLOs{
		Base: base, Defined: in.Defined, Search: in.Search, State: string(in.State), Service: in.Service, Sort: in.Order.String(),
		Services: in.Services, Problems: in.Problems, Refused: in.Refused, Action: "/slos", FragmentAction: "/fragments/slos",
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
		tile.Link = in.address(state, in.Order, 1)
		if tile.Selected {
			tile.Link = in.address("", in.Order, 1)
		}
		page.Tiles = append(page.Tiles, tile)
	}
	page.Columns = in.columns()
	slices.SortStableFunc(selected, in.Order.compare)
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
		row := e.row(p.Base)
		if in.Day != nil {
			if day, ok := in.Day(row.Name, e.objective.Index); ok {
				row.Day = NewStrip(day, e.objective.Target, p.Now)
			}
		}
		p.Rows = append(p.Rows, row)
	}
	p.Shown = plural(int64(len(selected)), "objective")
	if pages > 1 {
		p.Shown = Count(int64(first+1)) + "–" + Count(int64(last)) + " of " + p.Shown
	}
	if number > 1 {
		p.Previous = in.address(in.State, in.Order, number-1)
	}
	if number < pages {
		p.Next = in.address(in.State, in.Order, number+1)
	}
}

// plural writes a number with its noun: "1 objective", "2 objectives".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// entry is one objective on its way to a row.
type entry struct {
	status    *slo.Status
	objective *slo.ObjectiveStatus
}

func (e entry) row(base Base) Row {
	definition, o := e.status.Definition.SLO, *e.objective
	row := Row{
		Name: definition.Name, Title: definition.DisplayName, Objective: objectiveName(*e.status, o),
		Service: definition.Service, Link: sloLink(definition.Name, o.Index),
		Target: targetText(o), Window: o.Window.String(),
		Achieved: achieved(o.Counts, o.Target),
		BurnRate: lastHour(o), State: NewState(o.State), Budget: NewBudget(o),
		LastEvent: newLastEvent(o, base.Now),
	}
	if row.Title == "" {
		row.Title = definition.Name
	}
	for _, f := range o.Firing {
		row.Firing = append(row.Firing, Badge{Tier: f.Tier, Severity: string(f.Severity)})
	}
	return row
}

// sloLink is the page of an objective.
func sloLink(name string, objective int) string {
	link := "/slos/" + url.PathEscape(name)
	if objective > 0 {
		link += "?objective=" + strconv.Itoa(objective)
	}
	return link
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

// address is the list with a state, an order and a page, and the search as it is.
func (in Listing) address(state slo.State, order Order, page int) string {
	query := url.Values{}
	for key, value := range map[string]string{
		"q": in.Search, "service": in.Service, "state": string(state), "sort": order.String(),
	} {
		if value != "" {
			query.Set(key, value)
		}
	}
	if page > 1 {
		query.Set("page", strconv.Itoa(page))
	}
	return strings.TrimSuffix("/slos?"+query.Encode(), "?")
}

// gravity is the order of the states, the gravest first.
func gravity() []slo.State {
	return []slo.State{slo.Exhausted, slo.Burning, slo.Unmeasured, slo.OK}
}

// worse puts the worst first: by state, by budget left, by name.
func worse(a, b entry) int {
	return cmp.Or(
		slices.Index(gravity(), a.objective.State)-slices.Index(gravity(), b.objective.State),
		cmp.Compare(a.budgetLeft(), b.budgetLeft()),
		byName(a, b),
	)
}

func byName(a, b entry) int {
	return cmp.Or(
		cmp.Compare(a.status.Definition.SLO.Name, b.status.Definition.SLO.Name),
		cmp.Compare(a.objective.Index, b.objective.Index),
	)
}

// budgetLeft is the share of the budget; an objective without events has all.
func (e entry) budgetLeft() float64 {
	if e.objective.Counts.Total() == 0 {
		return 1
	}
	return e.objective.Budget.RemainingRatio
}
