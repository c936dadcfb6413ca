package convert

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// RuleSource is an objective to be written as rules of Prometheus.
type RuleSource struct {
	// Name is that of the SLO, Objective the place of the objective within it.
	// They are the labels slo and objective.
	Name      string
	Objective int
	// Service, unless empty, is the label service; Labels are others.
	Service string
	Labels  map[string]string
	Target  slo.Target
	Window  slo.Window
	// Bad and Total are counters of events, bad ones and all: a bare selector
	// of PromQL, whose increase is summed over all series, or an expression of
	// either increases or rates in which {{.window}} stands for the look-back.
	Bad, Total string
	// Tiers are the alerts. Those that are left out or muted, that are no burn
	// rate, or that ask for few events (the quiet tier) of what may be rates are not
	// written, and named in a comment. How likely bad events are by chance is asked
	// of the quiet tier alone.
	Tiers []slo.Tier
	// Drawn are the short look-backs of tiers that were drawn out to two scrapes,
	// as they were, by the name of the tier.
	Drawn map[string]time.Duration
}

// EventsMetric is the counter of Slowburn's own events, by slo, objective and
// result: good, bad or unknown.
const EventsMetric = "slowburn_events_total"

// SourceOf is an objective of an SLO as counted by Slowburn's own counters, with
// the tiers of its alert policies or else of the default policy. scrape is how
// often Prometheus reads the counters: tiers of the default policy look back over
// two scrapes at least, those of one's own that look back less are left out.
//
// It refuses what such counters cannot tell: other budgeting methods than
// Occurrences, whose burn rate is none of events, and conditions of policies
// other than a burn rate of at least a factor. A raw indicator needs counters of
// events, not of slo.RawUnit.
func SourceOf(s slo.SLO, objective int, scrape time.Duration) (RuleSource, error) {
	if objective < 0 || objective >= len(s.Objectives) {
		return RuleSource{}, fmt.Errorf("the SLO %s has no objective %d", s.Name, objective)
	}
	if s.Method != "" && s.Method != slo.Occurrences {
		return RuleSource{}, fmt.Errorf("the SLO %s has the budgeting method %s: rules can be written for %s", s.Name, s.Method, slo.Occurrences)
	}
	if s.Composite() {
		return RuleSource{}, fmt.Errorf("the SLO %s is a composite: rules can be written for its members alone", s.Name)
	}
	selector := fmt.Sprintf(`%s{slo=%q,objective="%d"`, EventsMetric, s.Name, objective)
	source := RuleSource{
		Name: s.Name, Objective: objective, Service: s.Service, Labels: map[string]string{},
		Target: s.Objectives[objective].Target, Window: s.Window,
		Bad: selector + `,result="bad"}`, Total: selector + "}",
	}
	for name, values := range s.Labels {
		if len(values) > 0 && name != "service" && checkLabel(name) == nil {
			source.Labels[name] = values[0] // The one that alerts carry, too.
		}
	}
	if len(s.Policies) == 0 {
		source.Tiers, source.Drawn = fitScrape(slo.DefaultPolicy(source.Target, s.Window, 0), scrape)
		return source, nil
	}
	for _, p := range s.Policies {
		if !p.WhenBreaching {
			continue
		}
		t, err := tierOf(p, scrape)
		if err != nil {
			return RuleSource{}, fmt.Errorf("the alert policy %s of the SLO %s: %w", p.Name, s.Name, err)
		}
		source.Tiers = append(source.Tiers, t)
	}
	return source, nil
}

// tierOf is an alert policy as a tier.
func tierOf(p slo.AlertPolicy, scrape time.Duration) (slo.Tier, error) {
	c := p.Condition
	switch {
	case c.Kind != slo.BurnRate && c.Kind != "":
		return slo.Tier{}, fmt.Errorf("its condition is of kind %s: rules can be written for %s", c.Kind, slo.BurnRate)
	case c.Op != slo.GTE && c.Op != slo.GT:
		return slo.Tier{}, fmt.Errorf("its operator is %s: rules can be written for gte and gt", c.Op)
	}
	t := slo.Tier{
		Name: p.Name, Severity: c.Severity, Kind: slo.BurnRate, Op: c.Op, Long: c.LookBack, Short: c.ShortLookBack,
		Factor: c.Threshold.Float(), MinBad: c.MinBad, After: c.After,
	}
	if shortest := slices.Min(lookBacks(t)); shortest < 2*scrape {
		t.LeftOut = tooShort
	}
	return t, nil
}

// check finds what would make a file that Prometheus refuses, or that says
// something else.
func (s RuleSource) check() error {
	switch {
	case !regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`).MatchString(s.Name):
		return fmt.Errorf("the name %q is none of OpenSLO's: write a-z, 0-9 and -", excerpt(s.Name))
	case s.Bad == "" || s.Total == "":
		return errors.New("the counters of bad and of all events are required")
	case len(s.used()) == 0:
		return errors.New("no tier is in use, so that there is nothing to alert on")
	}
	for _, expr := range []string{s.Bad, s.Total} {
		if !windowTemplate().MatchString(expr) && !bareSelector(expr) {
			return fmt.Errorf("%q is neither a bare selector nor an expression with {{.window}}", excerpt(expr))
		}
	}
	for name := range s.Labels {
		if err := checkLabel(name); err != nil {
			return err
		}
	}
	names := map[string]bool{}
	for _, t := range s.used() {
		switch {
		case t.Op != "" && t.Op != slo.GTE && t.Op != slo.GT:
			return fmt.Errorf("the tier %s fires when the burn rate is low: rules can be written for gte and gt", t.Name)
		case t.Name == "" || names[t.Name]:
			return fmt.Errorf("the tier %q has no name of its own", t.Name)
		case slices.Min(lookBacks(t)) < time.Second || t.Factor <= 0 || math.IsInf(t.Factor, 0) || math.IsNaN(t.Factor):
			return fmt.Errorf("the tier %s has a look-back below a second, or no factor", t.Name)
		}
		names[t.Name] = true
	}
	return nil
}

// checkLabel refuses names that Prometheus does not take, and those that are
// ours. "service" is ours where there is a service.
func checkLabel(name string) error {
	if !regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`).MatchString(name) || regexp.MustCompile(`^__`).MatchString(name) {
		return fmt.Errorf("%q is no name of a label of Prometheus", excerpt(name))
	}
	if slices.Contains([]string{"slo", "objective", "severity", "tier", "alertname"}, name) {
		return fmt.Errorf("the label %s is one of the rules' own", name)
	}
	return nil
}
