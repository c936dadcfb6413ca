package simulate

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// NamedPolicy is one candidate of a backtest: alert policies that would judge
// every objective of an SLO. None at all is the default policy.
type NamedPolicy struct {
	Name     string
	Policies []slo.AlertPolicy
}

// The candidates that every backtest has.
const (
	// OwnPolicy are the SLO's own alert policies.
	OwnPolicy = "own"
	// DefaultPolicy is what holds without any.
	DefaultPolicy = "default"
)

// Candidates are the SLO's own policies, if it has any, the default one, and
// those given.
func Candidates(definition slo.SLO, given ...NamedPolicy) []NamedPolicy {
	var all []NamedPolicy
	if len(definition.Policies) > 0 {
		all = append(all, NamedPolicy{Name: OwnPolicy, Policies: definition.Policies})
	}
	return append(append(all, NamedPolicy{Name: DefaultPolicy}), given...)
}

// BacktestOptions say over what a backtest goes.
type BacktestOptions struct {
	From, To time.Time
	// CountedSince is from when on the series count as measured (see Options).
	CountedSince time.Time
	// Incidents are stretches in which people know that something was wrong.
	// Without any they are found (see FindIncidents).
	Incidents []Incident
	// LeastLost is the share of a window's budget that a stretch must have lost
	// to be found as an incident; 0 is LeastLost.
	LeastLost float64
	// Expand finds when exclusions are (see Options).
	Expand Expand
}

// Report is what a backtest has found.
type Report struct {
	From, To time.Time
	// Incidents are those given that begin within it, or found.
	Incidents []Incident
	Found     bool
	// Outside are those given that begin outside of it: what would have told of
	// them, and when, is not known. They have no part in scores, but for pages
	// that belong to them, which are not false.
	Outside []Incident
	// Scores are in the order of the candidates.
	Scores []Score
	// Recommended is the name of a candidate, Reason says why it is that one.
	Recommended, Reason string
}

// Backtest drives an SLO over its buckets under each of the candidates and
// scores what they would have told. The candidates share one pass.
func Backtest(definition slo.SLO, candidates []NamedPolicy, series Series, options BacktestOptions) (Report, error) {
	if len(candidates) == 0 {
		return Report{}, errors.New("no policy is given to try")
	}
	definitions := make([]slo.SLO, len(candidates))
	for i, c := range candidates {
		if slices.ContainsFunc(candidates[:i], func(other NamedPolicy) bool { return other.Name == c.Name }) {
			return Report{}, fmt.Errorf("two policies have the name %s", c.Name)
		}
		definitions[i] = definition
		definitions[i].Policies = c.Policies
	}
	d, err := newDrive(definitions, series, options.From, options.To, Options{CountedSince: options.CountedSince, Expand: options.Expand})
	if err != nil {
		return Report{}, err
	}
	report := Report{From: d.from, To: d.to, Found: len(options.Incidents) == 0}
	report.divide(options.Incidents)
	if report.Found {
		report.Incidents = FindIncidents(definition, series, d.from, d.to, options.LeastLost, d.excluded)
	}
	for _, incident := range options.Incidents {
		if !incident.From.Before(incident.To) {
			return Report{}, fmt.Errorf("an incident ends at %s, where it begins or before", incident.To.UTC().Format(time.RFC3339))
		}
	}
	if err := d.run(); err != nil {
		return Report{}, err
	}
	for i, c := range candidates {
		report.Scores = append(report.Scores, score(c.Name, d.result(i), report.Incidents, report.Outside))
	}
	report.Recommended, report.Reason = recommend(report.Scores, len(report.Incidents))
	return report, nil
}

// divide takes the incidents that people gave, each group in its order.
func (r *Report) divide(given []Incident) {
	given = slices.Clone(given)
	slices.SortStableFunc(given, func(a, b Incident) int { return a.From.Compare(b.From) })
	for _, i := range given {
		if i.From.Before(r.From) || !i.From.Before(r.To) {
			r.Outside = append(r.Outside, i)
		} else {
			r.Incidents = append(r.Incidents, i)
		}
	}
}
