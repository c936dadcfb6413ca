package view

import "github.com/slowburn-slo/slowburn/slo"

// Gallery shows the components in every state, and leads to every page.
type Gallery struct {
	Base
	Exhibits []NavItem
	States   []State
	Budgets  []Budget
	Badges   []Badge
	Verdicts []Verdict
	Sparks   []Sparkline
	Strips   []Strip
	Refused  Refused
	Range    Range
}

func (Gallery) template() string { return "gallery" }

// NewGallery fills it from fixtures. Path is its own address, below which the
// exhibits are.
func NewGallery(base Base, path string, exhibits []string, statuses []slo.Status, traffic []slo.Traffic) Gallery {
	base.Title = "Gallery"
	page := Gallery{
		Base: base, Badges: []Badge{{Tier: "fast", Severity: "page"}, {Tier: "3d", Severity: "ticket"}},
		Refused: NewRefused(map[string]int64{"late": 12_340, "future": 5}),
		Range:   Range{Key: "6h", Path: path, Lengths: []string{"1h", "6h", "24h", "28d"}, From: base.Now, To: base.Now},
	}
	for _, name := range exhibits {
		page.Exhibits = append(page.Exhibits, NavItem{Link: path + "/" + name, Text: name})
	}
	for _, state := range gravity() {
		page.States = append(page.States, NewState(state))
	}
	for _, status := range statuses {
		o := status.Objectives[0]
		page.Budgets = append(page.Budgets, NewBudget(o))
		for _, tier := range o.Tiers {
			page.Verdicts = append(page.Verdicts, NewVerdict(tier, o.Firing))
		}
	}
	for _, t := range traffic {
		page.Sparks = append(page.Sparks, NewTrafficSparkline(t))
	}
	page.Strips = []Strip{{Label: "ok, over, empty, unmeasured", Width: 4 * cellPitch, Cells: []StripCell{
		{Kind: "ok", X: 0, Y: 11, Height: 9},
		{Kind: "over", X: cellPitch, Y: 0, Height: stripHeight},
		{Kind: "empty", X: 2 * cellPitch, Y: 18, Height: 2},
		{Kind: "unmeasured", X: 3 * cellPitch, Y: 0, Height: stripHeight},
	}}, {}}
	return page
}
