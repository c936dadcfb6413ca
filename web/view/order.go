package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Order is how the list of objectives is sorted; its zero value puts the worst
// first.
type Order struct {
	// by is one of the sort keys, empty for the worst first.
	by         string
	descending bool
}

// sortKey is something that the list can be sorted by.
type sortKey struct {
	key, column string
	// descending is the direction that a first click asks for.
	descending bool
	compare    func(a, b entry) int
}

func sortKeys() []sortKey {
	return []sortKey{
		{"name", "Objective", false, byTitle},
		{"budget", "Budget left", false, func(a, b entry) int { return cmp.Compare(a.budgetLeft(), b.budgetLeft()) }},
		{"achieved", "Achieved", false, func(a, b entry) int { return cmp.Compare(a.achieved(), b.achieved()) }},
		{"target", "Target", true, func(a, b entry) int {
			return cmp.Compare(a.objective.Target.Float(), b.objective.Target.Float())
		}},
		{"burn", "Burn rate, 1h", true, func(a, b entry) int { return cmp.Compare(a.burn(), b.burn()) }},
	}
}

// ParseOrder reads the query parameter sort: "" for the worst first, or a key,
// descending with a minus before it ("-burn").
func ParseOrder(text string) (Order, error) {
	if text == "" {
		return Order{}, nil
	}
	o := Order{by: strings.TrimPrefix(text, "-"), descending: strings.HasPrefix(text, "-")}
	names := make([]string, 0, 5)
	for _, key := range sortKeys() {
		if key.key == o.by {
			return o, nil
		}
		names = append(names, key.key)
	}
	return Order{}, fmt.Errorf("sort %q is none of %s, nor one of them with a minus before it", text, strings.Join(names, ", "))
}

// String is the order as the address has it.
func (o Order) String() string {
	if o.descending {
		return "-" + o.by
	}
	return o.by
}

// compare sorts by the key, and the worst first among equals.
func (o Order) compare(a, b entry) int {
	for _, key := range sortKeys() {
		if key.key != o.by {
			continue
		}
		c := key.compare(a, b)
		if o.descending {
			c = -c
		}
		return cmp.Or(c, worse(a, b))
	}
	return worse(a, b)
}

// columns are the heads of the list's columns, with links that sort.
func (in Listing) columns() []Column {
	columns := make([]Column, 0, 8)
	for _, plain := range []Column{
		{Text: "Objective"},
		{Text: "State"},
		{Text: "Budget left", Class: "wide"},
		{Text: "Achieved", Class: "number"},
		{Text: "Target", Class: "number"},
		{Text: "Burn rate, 1h", Class: "number"},
		{Text: "Last 24 hours"},
		{Text: "Firing"},
	} {
		for _, key := range sortKeys() {
			if key.column == plain.Text {
				plain.Link, plain.Sorted = in.sortLink(key)
			}
		}
		columns = append(columns, plain)
	}
	return columns
}

// sortLink turns the direction round if the list is sorted by the key already.
func (in Listing) sortLink(key sortKey) (link, sorted string) {
	next := Order{by: key.key, descending: key.descending}
	if in.Order.by == key.key {
		next.descending = !in.Order.descending
		sorted = "ascending"
		if in.Order.descending {
			sorted = "descending"
		}
	}
	return in.address(in.State, next, 1), sorted
}

func byTitle(a, b entry) int {
	title := func(e entry) string {
		return strings.ToLower(cmp.Or(e.status.Definition.SLO.DisplayName, e.status.Definition.SLO.Name))
	}
	return cmp.Compare(title(a), title(b))
}

// achieved is the share of good events; without events the best there is.
func (e entry) achieved() float64 {
	share, known := e.objective.SLI()
	if !known {
		return 1
	}
	return share
}

// burn is the burn rate of the last hour; -1 without events.
func (e entry) burn() float64 {
	rate := -1.0
	for _, b := range e.objective.BurnRates {
		if b.Length <= time.Hour && b.Counts.Total() > 0 {
			rate = b.Rate
		}
	}
	return rate
}
