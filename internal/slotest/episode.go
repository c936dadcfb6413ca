package slotest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// chosen are the tiers that a name stands for: the tier of that name, or all of
// that severity.
func chosen(o simulate.Objective, name string) ([]simulate.TierUse, error) {
	var all []simulate.TierUse
	var names []string
	for _, tier := range o.Tiers {
		if tier.Name == name {
			return []simulate.TierUse{tier}, nil
		}
		if string(tier.Severity) == name {
			all = append(all, tier)
		}
		names = append(names, tier.Name)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no tier has the name or the severity %s: the objective has %s", name, anyOf(names))
	}
	return all, nil
}

func among(tiers []simulate.TierUse, name string) bool {
	return slices.ContainsFunc(tiers, func(t simulate.TierUse) bool { return t.Name == name })
}

// never checks that nothing fires.
func (c *checker) never(e *expectation, o simulate.Objective, s slo.ObjectiveStatus, check *Check) error {
	tiers, err := chosen(o, e.Never)
	if err != nil {
		return err
	}
	from, until := e.From.from(c.from, c.from), e.Until.from(c.from, c.to)
	check.Expected = e.Never + " never fires"
	if e.From.given() || e.Until.given() {
		check.Expected += fmt.Sprintf(" from %s to %s", slo.FormatDuration(from.Sub(c.from)), slo.FormatDuration(until.Sub(c.from)))
	}
	check.OK, check.Found = true, "it did not"
	for _, episode := range o.Episodes {
		if !episode.Fired() || !among(tiers, episode.Tier.Name) || episode.FiredAt.After(until) || episode.End(c.to.Add(1)).Before(from) {
			continue
		}
		check.OK = false
		check.Found = fmt.Sprintf("%s fired %s", episode.Tier.Name, c.when(episode.FiredAt))
		check.Why = episode.Began.Explain()
		return nil
	}
	check.Why = explain(tiers, s)
	return nil
}

// moves checks that an episode fires, or resolves, in time.
func (c *checker) moves(e *expectation, o simulate.Objective, s slo.ObjectiveStatus, check *Check) error {
	name, word := e.Fires, "fires"
	if e.Resolves != "" {
		name, word = e.Resolves, "resolves"
	}
	tiers, err := chosen(o, name)
	if err != nil {
		return err
	}
	after := e.After.from(c.from, c.from)
	check.Expected = name + " " + word
	if e.Within.Duration > 0 {
		check.Expected += " within " + slo.FormatDuration(e.Within.Duration)
	}
	if e.After.given() {
		check.Expected += " after " + slo.FormatDuration(after.Sub(c.from))
	}
	for _, episode := range o.Episodes {
		at, verdict := episode.FiredAt, episode.Began
		if e.Resolves != "" {
			at, verdict = episode.ResolvedAt, episode.Ended
		}
		if at.IsZero() || !episode.Fired() || at.Before(after) || !among(tiers, episode.Tier.Name) {
			continue
		}
		check.Found = word + " " + simulate.After(at.Sub(after))
		if episode.Tier.Name != name {
			check.Found = episode.Tier.Name + " " + check.Found
		}
		check.OK, check.Why = !at.After(c.deadline(e, after)), verdict.Explain()
		return nil
	}
	check.Found, check.Why = c.missing(o, tiers, word, after), explain(tiers, s)
	return nil
}

func (c *checker) deadline(e *expectation, after time.Time) time.Time {
	if e.Within.Duration > 0 {
		return after.Add(e.Within.Duration)
	}
	return c.to
}

// missing says what there was instead.
func (c *checker) missing(o simulate.Objective, tiers []simulate.TierUse, word string, after time.Time) string {
	for _, episode := range o.Episodes {
		if !among(tiers, episode.Tier.Name) || !episode.Fired() || episode.FiredAt.After(after) || episode.End(c.to.Add(1)).Before(after) {
			continue
		}
		return fmt.Sprintf("%s has fired since %s", episode.Tier.Name, strings.TrimPrefix(c.when(episode.FiredAt), "at "))
	}
	if word == "resolves" {
		return "it never resolved"
	}
	return "it never fired"
}

// explain is what the verdicts of the tiers say.
func explain(tiers []simulate.TierUse, s slo.ObjectiveStatus) string {
	var all []string
	for _, tier := range s.Tiers {
		if among(tiers, tier.Name) {
			text := tier.Explain()
			if len(tiers) > 1 {
				text = tier.Name + ": " + text
			}
			all = append(all, text)
		}
	}
	return strings.Join(all, " ")
}
