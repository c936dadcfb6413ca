package view

import (
	"net/url"
	"strconv"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// SLO is the page of one objective of an SLO.
type SLO struct {
	Base
	Name, Heading, Description, Service, ServiceLink string
	State                                            State
	Revision, Origin                                 string
	AppliedAt                                        Moment
	// Tabs lead to the objectives of the SLO; none if there is one.
	Tabs      []Tab
	Objective Objective
	Range     Range
	Chart     Chart
	// ChartSource is where the charts ask for new data.
	ChartSource string
	Rows        []ChartRow
	RowTiers    []string
	Episodes    []EpisodeRow
	AlertsLink  string
	// EpisodesUnknown reports that the episodes could not be read.
	EpisodesUnknown bool
	// Evidence is what the counts rest on, Recounting set while they are counted
	// again.
	Evidence   Evidence
	Recounting *Recounting
	Document   string
	// EditLink is empty if the SLO comes from a file.
	EditLink string
}

func (SLO) template() string { return "slo" }

// Tab leads to one objective.
type Tab struct {
	Text, Link string
	State      State
	Current    bool
}

// EpisodeRow is one episode with the charts of its time.
type EpisodeRow struct {
	Episode
	Chart string
}

// Objective is one target with all that is known of it.
type Objective struct {
	Name                     string
	State                    State
	Target, Window, Achieved string
	// Noun is what is counted: events or slices. Method is told unless it is
	// the usual one. Spending says how much of the budget is spent.
	Noun, Method, Spending      string
	AchievedLow                 string
	Budget                      Budget
	BudgetTime, BudgetTimeWhole string
	Good, Bad, Unknown, Total   string
	From, To                    Moment
	// Until is where a calendar period ends, unknown for a rolling window.
	Until         Moment
	MeasuredUntil Moment
	LastEvent     LastEvent
	// CountedSince is from when on every accepted event was counted.
	CountedSince               Moment
	MeasuredShare              string
	Exhaustion, ExhaustionWhy  string
	Firing                     []Firing
	BurnRates                  []BurnRate
	Tiers                      []Verdict
	HasUnknown, PartlyMeasured bool
}

// Firing is an episode that fires, in words.
type Firing struct{ Tier, Severity, Text string }

// BurnRate is one look-back.
type BurnRate struct{ Length, Rate, Good, Bad, Unknown, Total string }

// Scene is what the page of one objective shows.
type Scene struct {
	Status slo.Status
	// Objective is the index of the one shown.
	Objective int
	Range     Range
	// Line is the timeline of the charts, Table a coarser one.
	Line, Table slo.Timeline
	// Recent are the newest episodes of the SLO, Drawn those in the range.
	Recent, Drawn []slo.Episode
	// EpisodesKnown is false if they could not be read.
	EpisodesKnown bool
	// Corrections are those of the window, Compared what audits say of it,
	// Recount how far the newest recount has got; each nil if it is not known.
	Corrections *slo.Corrections
	Compared    *Compared
	Recount     *slo.RecountState
}

// NewSLO fills the page.
func NewSLO(base Base, in Scene) SLO {
	definition, o := in.Status.Definition, in.Status.Objectives[in.Objective]
	name := definition.SLO.Name
	base.Scripts, base.Styles = []string{"vendor/uplot.min.js", "js/chart.js", "js/copy.js"}, []string{"vendor/uplot.min.css", "css/slo.css"}
	base.Alarms = aboutOne(base.Alarms, o.StaleSince, base.Now)
	page := SLO{
		Base: base, Name: name, Heading: definition.SLO.DisplayName,
		Description: definition.SLO.Description, Service: definition.SLO.Service, ServiceLink: serviceLink(definition.SLO.Service),
		State: NewState(o.State), Revision: Count(int64(definition.Revision)), Origin: definition.Origin,
		AppliedAt: NewMoment(definition.AppliedAt, base.Now), EpisodesUnknown: !in.EpisodesKnown,
		Document: string(definition.Document), Objective: newObjective(base, in.Status, o), Range: in.Range,
		Chart: NewChart(name, o, in.Line, in.Drawn), ChartSource: chartSource(name, in), AlertsLink: "/alerts?" + url.Values{"slo": {name}}.Encode(),
		Evidence: newEvidence(in, o, base.Now), Recounting: newRecounting(in.Recount, base.Now),
		Rows: NewChartRows(in.Table, o, base.Now),
	}
	if page.Heading == "" {
		page.Heading = page.Name
	}
	page.Title = page.Heading
	if definition.Origin == "" {
		page.EditLink = editLink(name)
	}
	for _, tier := range in.Table.Tiers {
		page.RowTiers = append(page.RowTiers, slo.FormatDuration(tier.Long))
	}
	if len(in.Status.Objectives) > 1 {
		for _, other := range in.Status.Objectives {
			page.Tabs = append(page.Tabs, Tab{
				Text: objectiveName(in.Status, other) + ", " + targetText(other), Link: sloLink(name, other.Index),
				State: NewState(other.State), Current: other.Index == in.Objective,
			})
		}
	}
	for _, e := range in.Recent {
		page.Episodes = append(page.Episodes, EpisodeRow{Episode: NewEpisode(e, base.Now), Chart: episodeChart(e, base.Now)})
	}
	return page
}

// ChartPoints is how many points the charts have at most, TablePoints how many
// rows the table beneath them.
const (
	ChartPoints = 400
	TablePoints = 48
)

// chartSource is the address of the data of the charts; a range that moves
// with time is asked for by its length.
func chartSource(name string, in Scene) string {
	query := url.Values{"points": {strconv.Itoa(ChartPoints)}, "objective": {strconv.Itoa(in.Objective)}}
	if in.Range.Fixed() {
		query.Set("from", strconv.FormatInt(in.Range.From.Unix(), 10))
		query.Set("to", strconv.FormatInt(in.Range.To.Unix(), 10))
	} else {
		query.Set("range", in.Range.Key)
	}
	return "/api/v1/slos/" + url.PathEscape(name) + "/timeline?" + query.Encode()
}

func newObjective(base Base, status slo.Status, o slo.ObjectiveStatus) Objective {
	decimals := shareDecimals(o.Target)
	out := Objective{
		Name: objectiveName(status, o), State: NewState(o.State),
		Target: targetText(o), Window: o.Window.Text(), Noun: "events", Spending: spending(o),
		Achieved: Share(o.Counts.Good, o.Counts.Total(), decimals), Budget: NewBudget(o),
		Good: inUnits(o, o.Counts.Good), Bad: inUnits(o, o.Counts.Bad), Unknown: inUnits(o, o.Counts.Unknown), Total: inUnits(o, o.Counts.Total()),
		From: NewMoment(o.From, base.Now), To: NewMoment(o.To, base.Now),
		LastEvent:     newLastEvent(o, base.Now),
		MeasuredUntil: NewMoment(o.MeasuredUntil, base.Now), MeasuredShare: SignedPercent(o.MeasuredRatio),
		CountedSince: NewMoment(o.CountedSince, base.Now), HasUnknown: o.Counts.Unknown > 0, PartlyMeasured: o.MeasuredRatio < 1,
	}
	if o.Unit == slo.UnitSlice || o.Unit == slo.UnitRatioSlice {
		out.Noun = "slices"
	}
	if o.Method != slo.Occurrences {
		out.Method = string(o.Method)
	}
	if !o.Window.Rolling() {
		out.Until = NewMoment(o.PeriodEnd, base.Now)
	}
	if out.HasUnknown {
		// What could not be judged may have been good: the share lies between.
		out.AchievedLow, out.Achieved = out.Achieved, Share(o.Counts.Good+o.Counts.Unknown, o.Counts.Total(), decimals)
	}
	out.BudgetTime, out.BudgetTimeWhole = budgetTime(o)
	out.Exhaustion, out.ExhaustionWhy = exhaustion(o)
	for _, b := range o.BurnRates {
		out.BurnRates = append(out.BurnRates, BurnRate{
			Length: slo.FormatDuration(b.Length), Rate: rateOf(b.Rate, b.Counts), Good: inUnits(o, b.Counts.Good),
			Bad: inUnits(o, b.Counts.Bad), Unknown: inUnits(o, b.Counts.Unknown), Total: inUnits(o, b.Counts.Total()),
		})
	}
	open := append(append([]slo.Episode{}, o.Firing...), o.Pending...)
	for _, t := range o.Tiers {
		out.Tiers = append(out.Tiers, NewVerdict(t, open))
	}
	e := entry{status: &status, objective: &o}
	for _, f := range o.Firing {
		out.Firing = append(out.Firing, Firing{Tier: f.Tier, Severity: string(f.Severity), Text: e.burning(f, base.Now)})
	}
	return out
}

// weighted reports whether the budget is one of shares: that of a composite by
// Occurrences.
func weighted(o slo.ObjectiveStatus) bool { return o.Composite && o.Method == slo.Occurrences }

// targetText is the target; a composite by Occurrences has those of its members.
func targetText(o slo.ObjectiveStatus) string {
	if weighted(o) {
		return "all members"
	}
	return o.Target.Percent() + narrow + "%"
}

// inUnits writes a count in whole events or slices.
func inUnits(o slo.ObjectiveStatus, n int64) string {
	if o.Unit.Scale() == 1 {
		return Count(n)
	}
	return Events(float64(n) / float64(o.Unit.Scale()))
}

// spending is "4 of 10 bad events spent".
func spending(o slo.ObjectiveStatus) string {
	noun := "events"
	if o.Unit == slo.UnitSlice || o.Unit == slo.UnitRatioSlice {
		noun = "slices"
	}
	if weighted(o) {
		return SignedPercent(o.Budget.SpentRatio) + " spent by all members together"
	}
	return inUnits(o, o.Budget.Spent) + " of " + Events(o.Budget.Total/float64(o.Unit.Scale())) + " bad " + noun + " spent"
}

// budgetTime is the budget as time: how long everything may fail at the usual
// traffic. Half of the budget of 99.9 % over 28d is 20m of 40m.
func budgetTime(o slo.ObjectiveStatus) (left, whole string) {
	all := o.Budget.Time
	if all == 0 {
		all = time.Duration((1 - o.Target.Float()) * float64(o.Window.Duration))
	}
	whole = coarse(all.Round(time.Second))
	if o.Counts.Total() == 0 {
		return "–", whole
	}
	rest := time.Duration(float64(all) * o.Budget.RemainingRatio).Truncate(time.Second)
	if rest < 0 {
		return "−" + coarse(-rest), whole
	}
	return coarse(rest), whole
}

// exhaustion says when the budget is gone at the burn rate of the last hour.
func exhaustion(o slo.ObjectiveStatus) (when, why string) {
	rate := max(entry{objective: &o}.burn(), 0)
	left, ends := o.TimeToExhaustion(rate)
	switch {
	case o.Counts.Total() == 0:
		return "–", "without events nothing is spent"
	case o.Budget.Exhausted:
		if !o.Window.Rolling() {
			return "now", "nothing is left until the next period begins"
		}
		return "now", "nothing is left until bad events leave the window"
	case ends && !o.Window.Rolling() && left > o.PeriodEnd.Sub(o.To):
		return "not in this period", "the last hour burns at " + Rate(rate) + ", and the period ends first"
	case !ends || left >= o.Window.Duration:
		return "not in sight", "the last hour burns at " + Rate(rate) + ", which the budget outlasts"
	default:
		return coarse(left), "if it goes on at the last hour’s " + Rate(rate)
	}
}

// exhaustedIn says how long the budget lasts at the burn rate of the last
// hour; empty if it is gone, or outlasts the window.
func exhaustedIn(o slo.ObjectiveStatus) string {
	left, ends := o.TimeToExhaustion(max(entry{objective: &o}.burn(), 0))
	if !ends || left >= o.Window.Duration {
		return ""
	}
	return coarse(left)
}
