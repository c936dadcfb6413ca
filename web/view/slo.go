package view

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// SLO is the page of one SLO.
type SLO struct {
	Base
	Name, Heading, Description, Service string
	State                               State
	Revision, Origin                    string
	AppliedAt                           Moment
	Objectives                          []Objective
	Episodes                            []Episode
	// EpisodesUnknown reports that the episodes could not be read.
	EpisodesUnknown bool
	Document        string
}

func (SLO) template() string { return "slo" }

// Objective is one target with all that is known of it.
type Objective struct {
	ID, Name                   string
	State                      State
	Target, Window, Achieved   string
	Budget                     Budget
	BudgetEvents, Spent        string
	Good, Bad, Unknown, Total  string
	From, To                   Moment
	MeasuredUntil              Moment
	LastEvent                  LastEvent
	MeasuredShare, ExhaustedIn string
	BurnRates                  []BurnRate
	Tiers                      []Verdict
	HasUnknown, PartlyMeasured bool
}

// BurnRate is one look-back.
type BurnRate struct{ Length, Rate, Good, Bad, Unknown, Total string }

// NewSLO fills the page of one SLO. Episodes are its own, the newest first;
// known is false if they could not be read.
func NewSLO(base Base, status slo.Status, episodes []slo.Episode, known bool) SLO {
	definition := status.Definition
	page := SLO{
		Base: base, Name: definition.SLO.Name, Heading: definition.SLO.DisplayName,
		Description: definition.SLO.Description, Service: definition.SLO.Service,
		State: NewState(status.State), Revision: Count(int64(definition.Revision)), Origin: definition.Origin,
		AppliedAt: NewMoment(definition.AppliedAt, base.Now), EpisodesUnknown: !known,
		Document: string(definition.Document),
	}
	if page.Heading == "" {
		page.Heading = page.Name
	}
	page.Title, page.Live = page.Heading, true
	for _, o := range status.Objectives {
		page.Objectives = append(page.Objectives, newObjective(base, status, o))
	}
	for _, e := range episodes {
		page.Episodes = append(page.Episodes, NewEpisode(e, base.Now))
	}
	return page
}

func newObjective(base Base, status slo.Status, o slo.ObjectiveStatus) Objective {
	out := Objective{
		ID: Count(int64(o.Index)), Name: objectiveName(status, o), State: NewState(o.State),
		Target: o.Target.Percent() + narrow + "%", Window: o.Window.String(),
		Achieved: Share(o.Counts.Good, o.Counts.Total(), shareDecimals(o.Target)),
		Budget:   NewBudget(o), BudgetEvents: Events(o.Budget.Total), Spent: Count(o.Budget.Spent),
		Good: Count(o.Counts.Good), Bad: Count(o.Counts.Bad), Unknown: Count(o.Counts.Unknown), Total: Count(o.Counts.Total()),
		From: NewMoment(o.From, base.Now), To: NewMoment(o.To, base.Now),
		LastEvent:     newLastEvent(o, base.Now),
		MeasuredUntil: NewMoment(o.MeasuredUntil, base.Now), MeasuredShare: SignedPercent(o.MeasuredRatio),
		ExhaustedIn: exhaustedIn(o), HasUnknown: o.Counts.Unknown > 0, PartlyMeasured: o.MeasuredRatio < 1,
	}
	for _, b := range o.BurnRates {
		out.BurnRates = append(out.BurnRates, BurnRate{
			Length: slo.FormatDuration(b.Length), Rate: rateOf(b.Rate, b.Counts), Good: Count(b.Counts.Good),
			Bad: Count(b.Counts.Bad), Unknown: Count(b.Counts.Unknown), Total: Count(b.Counts.Total()),
		})
	}
	open := append(append([]slo.Episode{}, o.Firing...), o.Pending...)
	for _, t := range o.Tiers {
		out.Tiers = append(out.Tiers, NewVerdict(t, open))
	}
	return out
}

// exhaustedIn says how long the budget lasts at the burn rate of the last
// hour; empty if it is gone, or outlasts the window.
func exhaustedIn(o slo.ObjectiveStatus) string {
	rate := 0.0
	for _, b := range o.BurnRates {
		if b.Length <= time.Hour {
			rate = b.Rate
		}
	}
	left, ends := o.TimeToExhaustion(rate)
	if !ends || left >= o.Window.Duration {
		return ""
	}
	return coarse(left)
}
