package webtest

import (
	"fmt"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Status judges the scenario as the engine does: history, verdicts, episodes.
func (s Scenario) Status() slo.Status {
	target, err := slo.ParseTarget(s.Target, false)
	if err != nil {
		panic(fmt.Sprintf("scenario %s: %v", s.Name, err)) // A fixture that is wrong stops the test.
	}
	now := Now()
	definition := slo.Definition{
		SLO: slo.SLO{
			Name: s.Name, DisplayName: s.Title, Service: s.Service,
			Indicator: slo.Indicator{
				Total: slo.SpanSource{Service: s.Service, Condition: "span.kind == SPAN_KIND_SERVER"},
				Good:  &slo.SpanSource{MaxDuration: 300 * time.Millisecond},
			},
			Window: slo.Window{Duration: window}, Objectives: []slo.Objective{{Target: target}},
		},
		Document: fmt.Appendf(nil, "apiVersion: openslo/v1\nkind: SLO\nmetadata:\n  name: %s\n  displayName: %s\nspec:\n  service: %s\n",
			s.Name, s.Title, s.Service),
		Origin: s.Origin, Revision: 3, AppliedAt: now.Add(-40 * 24 * time.Hour),
	}
	plan := slo.NewPlan(definition.SLO, 0)
	objective := plan.Evaluate(s.reading())
	objective.CountedSince = now.Add(-window - 2*time.Hour)
	open := map[string]slo.Episode{}
	for _, tier := range objective.Tiers {
		// Each on its own: together the faster would inhibit the slower ones, and
		// the pages would have less to show.
		alone := objective
		alone.Tiers = []slo.TierStatus{tier}
		for _, t := range slo.Advance(&definition.SLO, &alone, nil, nil, now.Add(-7*time.Minute)) {
			open[t.Episode.Tier] = t.Episode
		}
	}
	objective.Conclude(open, now)
	objectives := []slo.ObjectiveStatus{objective}
	return slo.Status{Definition: definition, Objectives: objectives, State: slo.Gravest(objectives)}
}

// reading is what the engine would know of the scenario's series.
func (s Scenario) reading() slo.Reading {
	now := Now()
	begin := now.Add(-window - 2*time.Hour)
	return slo.Reading{
		Now: now, History: s.history(begin),
		Series:   slo.SeriesState{Watermark: s.watermark(), Counted: []slo.Interval{{From: begin}}},
		Coverage: slo.Coverage{Since: begin, Until: now.Add(-time.Second), Gaps: s.Gaps},
	}
}

func (s Scenario) watermark() time.Time {
	if s.Events == 0 {
		return time.Time{}
	}
	return Now().Add(-s.Quiet - 2*time.Second)
}

// history counts every slice of the scenario; those older than four days, whose
// windows begin at full hours, hour by hour.
func (s Scenario) history(begin time.Time) *slo.History {
	history := slo.NewHistory(window)
	if s.Events == 0 {
		return history
	}
	if s.Since > 0 {
		begin = Now().Add(-s.Since)
	}
	last := slo.SliceOf(Now().Add(-s.Quiet))
	var sum slo.Counts
	for slice := slo.SliceOf(begin); slice <= last; slice++ {
		age := Now().Sub(slice.Start())
		var c slo.Counts
		if s.Bad != nil {
			c.Bad = s.Bad(age)
		}
		if s.Unknown != nil {
			c.Unknown = s.Unknown(age)
		}
		if c.Good = s.Events - c.Bad - c.Unknown; c.Bad >= 0 {
			sum = sum.Plus(c)
		}
		if age < 4*24*time.Hour || slice.End().Truncate(time.Hour).Equal(slice.End()) {
			history.Add(slice, sum)
			sum = slo.Counts{}
		}
	}
	return history
}
