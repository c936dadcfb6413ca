package webtest

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

func sloPages(base view.Base) map[string]view.Page {
	base.Nav = "/slos"
	firing := Burning()
	open := firing.Objectives[0].Firing
	lapsed := slo.Episode{ID: "lapsed", Tier: "6h", State: slo.Lapsed, PendingSince: Now().Add(-2 * time.Hour), ResolvedAt: Now().Add(-time.Hour)}
	frozen := Healthy()
	frozen.Objectives[0].Tiers[1].Frozen = true
	frozen.Objectives[0].MeasuredRatio = 0.25
	frozen.Definition.Document, frozen.Definition.SLO.DisplayName = nil, ""
	frozen.Definition.SLO.Description = "What people wait for."
	unknown := scene(Unmeasured(), nil)
	unknown.EpisodesKnown = false
	return map[string]view.Page{
		"slo-burning":    view.NewSLO(base, audited(scene(firing, append(open, over(open[0]), lapsed)))),
		"slo-exhausted":  view.NewSLO(base, scene(Exhausted(), nil)),
		"slo-unmeasured": view.NewSLO(base, unknown),
		"slo-tiers":      view.NewSLO(base, scene(Tiers(), nil)),
		"slo-silent":     view.NewSLO(base, scene(Silent(), nil)),
		"slo-hostile":    view.NewSLO(base, scene(Hostile(), nil)),
		"slo-long":       view.NewSLO(base, scene(Long(), nil)),
		"slo-frozen":     view.NewSLO(base, scene(frozen, nil)),
		"slo-gaps":       view.NewSLO(base, scene(Gappy(), nil)),
		"slo-excluded":   view.NewSLO(base, scene(Maintained(), nil)),
	}
}

// Maintained is Burning with a week of nightly backups excluded, and its budget
// begun anew.
func Maintained() slo.Status {
	status := Burning()
	o := &status.Objectives[0]
	for night := 7; night > 0; night-- {
		at := Now().Add(-time.Duration(night) * 24 * time.Hour).Truncate(24 * time.Hour)
		e := slo.Excluded{Interval: slo.Interval{From: at, To: at.Add(time.Hour)}, As: slo.Drop, Reason: "nightly <backup>"}
		if night == 2 {
			e.As, e.Reason = slo.CountGood, ""
		}
		o.Excluded = append(o.Excluded, e)
	}
	o.ExcludedCounts = slo.Counts{Good: 9_000, Bad: 1_000}
	all := o.Counts.Plus(o.ExcludedCounts)
	o.Without = &slo.Unexcluded{Counts: all, Budget: slo.BudgetOf(o.Target, all)}
	o.ResetAt = Now().Add(-8 * 24 * time.Hour).Truncate(time.Hour) // Where the history has an edge.
	status.Resets = []slo.Reset{
		{SLO: status.Definition.SLO.Name, At: o.ResetAt, Reason: "a load test spent it"},
		{SLO: status.Definition.SLO.Name, At: o.ResetAt.Add(-time.Hour), Reason: "the first try"},
	}
	return status
}

// scene is the page of an SLO over its window.
func scene(status slo.Status, episodes []slo.Episode) view.Scene {
	source := NewSource(status)
	name := status.Definition.SLO.Name
	span := view.Range{
		From: Now().Add(-window), To: Now(), Key: "28d", Path: "/slos/" + name, Lengths: []string{"1h", "6h", "24h", "3d", "7d", "28d"},
	}
	in := view.Scene{Status: status, Range: span, Recent: episodes, EpisodesKnown: true}
	var err error
	if in.Line, err = source.Timeline(name, 0, span.From, span.To, view.ChartPoints); err == nil {
		in.Table, err = source.Timeline(name, 0, span.From, span.To, view.TablePoints)
	}
	if err != nil {
		panic(err) // A fixture without a scenario stops the test.
	}
	for _, e := range episodes {
		if e.State != slo.Lapsed {
			in.Drawn = append(in.Drawn, e)
		}
	}
	return in
}
