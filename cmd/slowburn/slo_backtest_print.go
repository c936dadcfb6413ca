package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

func printBacktest(w io.Writer, r tried) error {
	found := "given"
	if r.Found {
		found = "found"
	}
	fmt.Fprintf(w, "%s from %s to %s, %s, %s %s.\n", printable(r.slo), r.From.Format(time.RFC3339), r.To.Format(time.RFC3339),
		slo.FormatDuration(r.To.Sub(r.From)), counted(len(r.Incidents), "incident"), found)
	for _, i := range r.Outside {
		fmt.Fprintf(w, "The incident %s to %s begins outside of the data: it is not counted.\n", i.From.Format(time.RFC3339), i.To.Format(time.RFC3339))
	}
	for _, b := range r.before {
		fmt.Fprintf(w, "Objective %d measured something else until %s: up to then, as its budget, it is made of the %s of revision %d.\n",
			b.Objective, b.Until.Format(time.RFC3339), counted(b.Buckets, "bucket"), b.Revision)
	}
	if !r.leftOut.IsZero() {
		fmt.Fprintf(w, "What lies before %s is left out: objectives that count the same now counted differently then.\n", r.leftOut.Format(time.RFC3339))
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "POLICY\tPAGES/WEEK\tTICKETS/WEEK\tDETECTED\tMEDIAN\tWORST\tFALSE PAGES\tFIRING\tBUDGET LEFT")
	for _, s := range r.Scores {
		median, worst := "-", "-"
		if s.Detected > 0 {
			median, worst = slo.FormatDuration(s.Median), slo.FormatDuration(s.Worst)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d/%d\t%s\t%s\t%d\t%s\t%s\n", printable(s.Policy), slo.FormatRate(s.PagesPerWeek), slo.FormatRate(s.TicketsPerWeek),
			s.Detected, len(r.Incidents), median, worst, s.FalsePages, slo.FormatDuration(s.Firing), percentage(s.BudgetLeft))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(r.Incidents) > 0 {
		fmt.Fprintln(w)
		if err := printIncidents(w, r.Report); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\nRecommended: %s. %s\n", printable(r.Recommended), printable(r.Reason))
	return err
}

// maxIncidents is how many incidents the table shows; JSON has all.
const maxIncidents = 20

// printIncidents shows who told of each incident first.
func printIncidents(w io.Writer, r simulate.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "INCIDENT\tLASTED\tLOST")
	for _, s := range r.Scores {
		fmt.Fprintf(table, "\t%s", printable(s.Policy))
	}
	fmt.Fprintln(table)
	for i, incident := range r.Incidents {
		if i == maxIncidents {
			fmt.Fprintf(table, "and %d more\n", len(r.Incidents)-i)
			break
		}
		lost := "-"
		if incident.Lost > 0 {
			lost = percentage(incident.Lost)
		}
		fmt.Fprintf(table, "%s\t%s\t%s", incident.From.Format(time.RFC3339), slo.FormatDuration(incident.To.Sub(incident.From)), lost)
		for _, s := range r.Scores {
			told := "missed"
			if d := s.Detections[i]; d.Detected {
				told = fmt.Sprintf("%s by %s", slo.FormatDuration(d.After), printable(d.Tier))
			}
			fmt.Fprintf(table, "\t%s", told)
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

func percentage(ratio float64) string { return strconv.FormatFloat(100*ratio, 'f', 1, 64) + " %" }

// backtestOutput is a report in JSON. Ratios of nothing are null.
type backtestOutput struct {
	SLO         string           `json:"slo"`
	From        time.Time        `json:"from"`
	To          time.Time        `json:"to"`
	Before      []spliced        `json:"before_edits"`
	LeftOut     *time.Time       `json:"left_out_before"`
	Found       bool             `json:"incidents_found"`
	Incidents   []incidentOutput `json:"incidents"`
	Outside     []incidentOutput `json:"incidents_outside"`
	Policies    []scoreOutput    `json:"policies"`
	Recommended string           `json:"recommended"`
	Reason      string           `json:"reason"`
}

type incidentOutput struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Lost float64   `json:"lost_ratio"`
}

type scoreOutput struct {
	Policy         string            `json:"policy"`
	Pages          int               `json:"pages"`
	Tickets        int               `json:"tickets"`
	PagesPerWeek   float64           `json:"pages_per_week"`
	TicketsPerWeek float64           `json:"tickets_per_week"`
	FiringSeconds  float64           `json:"firing_seconds"`
	Detected       int               `json:"detected"`
	Paged          int               `json:"paged"`
	MedianSeconds  *float64          `json:"median_detection_seconds"`
	WorstSeconds   *float64          `json:"worst_detection_seconds"`
	FalsePages     int               `json:"false_pages"`
	Precision      *float64          `json:"precision"`
	Recall         *float64          `json:"recall"`
	BudgetLeft     float64           `json:"budget_left_ratio"`
	Detections     []detectionOutput `json:"detections"`
	Objectives     []objectiveOutput `json:"objectives"`
}

type detectionOutput struct {
	Detected  bool     `json:"detected"`
	After     *float64 `json:"after_seconds"`
	Objective int      `json:"objective"`
	Tier      string   `json:"tier"`
	Severity  string   `json:"severity"`
	Paged     bool     `json:"paged"`
}

type objectiveOutput struct {
	Index    int             `json:"index"`
	Tiers    []tierOutput    `json:"tiers"`
	Episodes []episodeOutput `json:"episodes"`
	Budget   []budgetOutput  `json:"budget"`
}

type tierOutput struct {
	Name          string  `json:"name"`
	Severity      string  `json:"severity"`
	LeftOut       string  `json:"left_out"`
	Fired         int     `json:"fired"`
	FiringSeconds float64 `json:"firing_seconds"`
}

type episodeOutput struct {
	Tier       string     `json:"tier"`
	Severity   string     `json:"severity"`
	FiredAt    time.Time  `json:"fired_at"`
	ResolvedAt *time.Time `json:"resolved_at"`
	Because    string     `json:"because"`
}

type budgetOutput struct {
	At   time.Time `json:"at"`
	Left *float64  `json:"left_ratio"`
}

func newBacktestOutput(r tried) backtestOutput {
	out := backtestOutput{
		SLO: r.slo, From: r.From, To: r.To, Before: append([]spliced{}, r.before...), Found: r.Found,
		Incidents: []incidentOutput{}, Outside: []incidentOutput{}, Policies: []scoreOutput{}, Recommended: r.Recommended, Reason: r.Reason,
	}
	if !r.leftOut.IsZero() {
		out.LeftOut = &r.leftOut
	}
	for _, i := range r.Incidents {
		out.Incidents = append(out.Incidents, incidentOutput(i))
	}
	for _, i := range r.Outside {
		out.Outside = append(out.Outside, incidentOutput(i))
	}
	for _, s := range r.Scores {
		out.Policies = append(out.Policies, newScoreOutput(s))
	}
	return out
}

func newScoreOutput(s simulate.Score) scoreOutput {
	out := scoreOutput{
		Policy: s.Policy, Pages: s.Pages, Tickets: s.Tickets, PagesPerWeek: s.PagesPerWeek, TicketsPerWeek: s.TicketsPerWeek,
		FiringSeconds: s.Firing.Seconds(), Detected: s.Detected, Paged: s.Paged,
		MedianSeconds: ifAny(s.Detected, s.Median.Seconds()), WorstSeconds: ifAny(s.Detected, s.Worst.Seconds()),
		FalsePages: s.FalsePages, Precision: ifAny(s.Pages, s.Precision), Recall: ifAny(len(s.Detections), s.Recall),
		BudgetLeft: s.BudgetLeft, Detections: []detectionOutput{}, Objectives: []objectiveOutput{},
	}
	for _, d := range s.Detections {
		one := detectionOutput{Detected: d.Detected, Objective: d.Objective, Tier: d.Tier, Severity: string(d.Severity), Paged: d.Paged}
		if d.Detected {
			one.After = ifAny(1, d.After.Seconds())
		}
		out.Detections = append(out.Detections, one)
	}
	for _, o := range s.Objectives {
		out.Objectives = append(out.Objectives, newObjectiveOutput(o))
	}
	return out
}

func newObjectiveOutput(o simulate.Objective) objectiveOutput {
	out := objectiveOutput{Index: o.Index, Tiers: []tierOutput{}, Episodes: []episodeOutput{}, Budget: []budgetOutput{}}
	for _, t := range o.Tiers {
		out.Tiers = append(out.Tiers, tierOutput{
			Name: t.Name, Severity: string(t.Severity), LeftOut: t.LeftOut, Fired: t.Fired, FiringSeconds: t.Firing.Seconds(),
		})
	}
	for _, e := range o.Episodes {
		if !e.Fired() {
			continue
		}
		one := episodeOutput{Tier: e.Tier.Name, Severity: string(e.Tier.Severity), FiredAt: e.FiredAt, Because: e.Began.Explain()}
		if !e.ResolvedAt.IsZero() {
			one.ResolvedAt = &e.ResolvedAt
		}
		out.Episodes = append(out.Episodes, one)
	}
	for _, b := range o.Budget {
		one := budgetOutput{At: b.At}
		if b.HasBudget {
			one.Left = &b.Left
		}
		out.Budget = append(out.Budget, one)
	}
	return out
}

// ifAny is a figure of n things; of none there is no figure.
func ifAny(n int, figure float64) *float64 {
	if n == 0 || math.IsNaN(figure) || math.IsInf(figure, 0) {
		return nil
	}
	return &figure
}
