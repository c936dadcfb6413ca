package simulate

import (
	"math"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Score is what one policy would have told. What tells of missing data and of
// what nobody is told of has no part in it.
type Score struct {
	Policy string
	// Objectives are the episodes and the course of the budget.
	Objectives []Objective
	// Pages and Tickets are the episodes that fired, of the severity page and
	// of any other; the rates are those a week.
	Pages, Tickets               int
	PagesPerWeek, TicketsPerWeek float64
	// Firing is how long an episode fired, whichever and however many.
	Firing time.Duration
	// Detections are in the order of the incidents. Detected of them were told
	// of, Paged of those by a page.
	Detections      []Detection
	Detected, Paged int
	// Median and Worst are those of the detection times; 0 without any.
	Median, Worst time.Duration
	// FalsePages are the pages that belong to no incident, outside or not.
	FalsePages        int
	FalsePagesPerWeek float64
	// Precision is the share of pages that belong to an incident, Recall that
	// of incidents that were told of. NaN of none at all.
	Precision, Recall float64
	// BudgetLeft is what is left at the end of the objective that has least.
	BudgetLeft float64
}

// Detection is what a policy did in one incident.
type Detection struct {
	Detected bool
	// After is how long after its beginning it was told, at the soonest; 0 if
	// an episode fired already.
	After time.Duration
	// Objective and Tier told it, with Severity.
	Objective int
	Tier      string
	Severity  slo.Severity
	// Paged: a page told it, PagedAfter how long after the beginning.
	Paged      bool
	PagedAfter time.Duration
}

// told is an episode that counts, with its objective.
type told struct {
	Episode
	objective int
	end       time.Time
}

// belongs reports whether an episode has to do with an incident: it fired in
// it, or as long after it as its short look-back still holds some of it, or
// fired already and went on into it.
func (e told) belongs(i Incident) bool {
	reach := e.Tier.Short
	if reach == 0 {
		reach = e.Tier.Long
	}
	return e.FiredAt.Before(i.To.Add(reach)) && e.end.After(i.From)
}

func score(name string, result Result, incidents, outside []Incident) Score {
	s := Score{Policy: name, Objectives: result.Objectives, BudgetLeft: math.Inf(1)}
	var all []told
	for _, o := range result.Objectives {
		if o.Status.Counts.Total() > 0 {
			s.BudgetLeft = min(s.BudgetLeft, o.Status.Budget.RemainingRatio)
		}
		for _, e := range o.Episodes {
			if e.Tells() && windowed(e.Tier.Kind) {
				all = append(all, told{Episode: e, objective: o.Index, end: e.End(result.To)})
			}
		}
	}
	if math.IsInf(s.BudgetLeft, 1) {
		s.BudgetLeft = 1
	}
	slices.SortStableFunc(all, func(a, b told) int { return a.FiredAt.Compare(b.FiredAt) })
	s.count(all, slices.Concat(incidents, outside))
	s.detect(all, incidents)
	weeks := result.To.Sub(result.From).Hours() / (7 * 24)
	s.PagesPerWeek, s.TicketsPerWeek = float64(s.Pages)/weeks, float64(s.Tickets)/weeks
	s.FalsePagesPerWeek = float64(s.FalsePages) / weeks
	s.Precision = float64(s.Pages-s.FalsePages) / float64(s.Pages)
	s.Recall = float64(s.Detected) / float64(len(incidents))
	return s
}

// count counts episodes, in the order in which they fired.
func (s *Score) count(all []told, incidents []Incident) {
	var until time.Time
	for _, e := range all {
		if e.Tier.Severity != slo.Page {
			s.Tickets++
		} else {
			s.Pages++
			if !slices.ContainsFunc(incidents, e.belongs) {
				s.FalsePages++
			}
		}
		if from := e.FiredAt; e.end.After(until) {
			if from.Before(until) {
				from = until
			}
			s.Firing += e.end.Sub(from)
			until = e.end
		}
	}
}

// detect finds who told of each incident first.
func (s *Score) detect(all []told, incidents []Incident) {
	var times []time.Duration
	for _, incident := range incidents {
		var d Detection
		for _, e := range all {
			if !e.belongs(incident) {
				continue
			}
			after := max(0, e.FiredAt.Sub(incident.From))
			if !d.Detected {
				d.Detected, d.After, d.Objective, d.Tier, d.Severity = true, after, e.objective, e.Tier.Name, e.Tier.Severity
			}
			if e.Tier.Severity == slo.Page {
				d.Paged, d.PagedAfter = true, after
				break
			}
		}
		s.Detections = append(s.Detections, d)
		if d.Detected {
			s.Detected++
			times = append(times, d.After)
		}
		if d.Paged {
			s.Paged++
		}
	}
	if len(times) > 0 {
		slices.Sort(times)
		s.Median, s.Worst = times[(len(times)-1)/2], times[len(times)-1]
	}
}
