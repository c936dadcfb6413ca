package slotest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// checker compares what was expected with what was found.
type checker struct {
	definition slo.SLO
	from, to   time.Time
	// instants are those whose status is needed, in their order.
	instants []time.Time
	result   simulate.Result
}

// prepare notes the instants that an expectation is about.
func (c *checker) prepare(e *expectation) error {
	if _, err := c.index(e); err != nil {
		return err
	}
	for _, m := range []moment{e.At, e.After, e.From, e.Until} {
		if at := m.from(c.from, c.from); at.Before(c.from) || at.After(c.to) {
			return fmt.Errorf("%s lies outside of the test, %s to %s", at.Format(time.RFC3339), c.from.Format(time.RFC3339), c.to.Format(time.RFC3339))
		}
	}
	at := c.instant(e)
	i, found := slices.BinarySearchFunc(c.instants, at, time.Time.Compare)
	if !found {
		c.instants = slices.Insert(c.instants, i, at)
	}
	return nil
}

// instant is the one at which the expectation is decided, at the latest.
func (c *checker) instant(e *expectation) time.Time {
	switch {
	case e.Within.Duration > 0:
		if at := e.After.from(c.from, c.from).Add(e.Within.Duration); at.Before(c.to) {
			return at
		}
		return c.to
	case e.Never != "":
		return e.Until.from(c.from, c.to)
	default:
		return e.At.from(c.from, c.to)
	}
}

// index is the objective of an expectation: the composite, or the first, unless
// it names one.
func (c *checker) index(e *expectation) (int, error) {
	if e.Objective == "" {
		if c.definition.Composite() {
			return len(c.definition.Objectives), nil
		}
		return 0, nil
	}
	i, ok := objectiveIndex(c.definition, e.Objective)
	if !ok {
		return 0, fmt.Errorf("%s has no objective %s: write its index or its display name", c.definition.Name, e.Objective)
	}
	return i, nil
}

func (c *checker) check(e *expectation) (Check, error) {
	i, err := c.index(e)
	if err != nil {
		return Check{}, err
	}
	o := c.result.Objectives[i]
	at, _ := slices.BinarySearchFunc(c.instants, c.instant(e), time.Time.Compare)
	status := o.At[at]
	check := Check{Line: e.line}
	switch {
	case e.State != "":
		c.state(e, status, &check)
	case e.Budget != nil:
		c.budget(e, status, &check)
	case e.Counts != nil:
		c.counts(e, status, &check)
	case e.Never != "":
		err = c.never(e, o, status, &check)
	default:
		err = c.moves(e, o, status, &check)
	}
	if e.Objective != "" {
		check.Expected = "objective " + e.Objective + ": " + check.Expected
	}
	return check, err
}

// when says an instant as time after the start.
func (c *checker) when(at time.Time) string {
	if !at.Before(c.to) {
		return "at the end"
	}
	return "at " + slo.FormatDuration(at.Sub(c.from))
}

func (c *checker) state(e *expectation, s slo.ObjectiveStatus, check *Check) {
	check.Expected = fmt.Sprintf("%s %s", e.State, c.when(c.instant(e)))
	check.Found, check.OK = string(s.State), string(s.State) == e.State
	var why []string
	for _, tier := range s.Tiers {
		if slices.ContainsFunc(s.Firing, func(f slo.Episode) bool { return f.Tier == tier.Name }) {
			why = append(why, tier.Name+" fires. "+tier.Explain())
		}
	}
	if len(why) == 0 {
		why = append(why, spent(s))
	}
	check.Why = strings.Join(why, " ")
}

// spent says what of the budget is spent.
func spent(s slo.ObjectiveStatus) string {
	if s.Counts.Total() == 0 {
		return "The window holds no event."
	}
	return fmt.Sprintf("%s bad of %s in the window, %.4g %% of the budget is left.",
		s.Unit.Format(s.Counts.Bad), s.Unit.Name(s.Counts.Total()), 100*s.Budget.RemainingRatio)
}

func (c *checker) budget(e *expectation, s slo.ObjectiveStatus, check *Check) {
	const close = 1e-9
	left := s.Budget.RemainingRatio
	check.OK, check.Why = s.Counts.Total() > 0, spent(s)
	check.Found = percent(left) + " left"
	var wanted []string
	for _, bound := range []struct {
		word string
		is   *share
		ok   func(limit float64) bool
	}{
		{"exactly", e.Budget.Is, func(limit float64) bool { return math.Abs(left-limit) <= close }},
		{"at least", e.Budget.AtLeast, func(limit float64) bool { return left >= limit-close }},
		{"at most", e.Budget.AtMost, func(limit float64) bool { return left <= limit+close }},
	} {
		if bound.is != nil {
			wanted = append(wanted, bound.word+" "+bound.is.String())
			check.OK = check.OK && bound.ok(bound.is.float())
		}
	}
	check.Expected = fmt.Sprintf("%s of the budget left %s", strings.Join(wanted, ", "), c.when(c.instant(e)))
	if s.Counts.Total() == 0 {
		check.Found = "no event, so no budget"
	}
}

// counts compares whole events, or slices where those make the budget.
func (c *checker) counts(e *expectation, s slo.ObjectiveStatus, check *Check) {
	check.OK, check.Why = true, spent(s)
	var wanted, found []string
	for _, one := range []struct {
		word   string
		wanted *int64
		found  int64
	}{{"good", e.Counts.Good, s.Counts.Good}, {"bad", e.Counts.Bad, s.Counts.Bad}, {"unknown", e.Counts.Unknown, s.Counts.Unknown}} {
		found = append(found, s.Unit.Format(one.found)+" "+one.word)
		if one.wanted != nil {
			wanted = append(wanted, fmt.Sprintf("%d %s", *one.wanted, one.word))
			check.OK = check.OK && one.found == *one.wanted*s.Unit.Scale()
		}
	}
	check.Expected = fmt.Sprintf("%s %s", strings.Join(wanted, ", "), c.when(c.instant(e)))
	check.Found = strings.Join(found, ", ")
}
