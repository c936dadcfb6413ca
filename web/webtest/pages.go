package webtest

import (
	"maps"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// Pages are the pages of the read side in every state, by a name for each: the
// goldens of package view are made of them, and the gallery shows them.
func Pages(base view.Base) map[string]view.Page {
	pages := map[string]view.Page{
		"failure": view.NewFailure(base, 404, "Not Found", `there is no "<script>"`),
		"gallery": view.NewGallery(base, "/-/gallery", []string{"slo-burning"}, All(), Busy()),
	}
	for _, more := range []map[string]view.Page{
		listPages(base), overviewPages(base), alertPages(base), settingsPages(base), sloPages(base), servicePages(base), createPages(base), countingPages(base),
	} {
		maps.Copy(pages, more)
	}
	return pages
}

func listPages(base view.Base) map[string]view.Page {
	base.Nav = "/slos"
	source := NewSource(All()...)
	day := func(name string, objective int) (slo.Timeline, bool) {
		line, err := source.Timeline(name, objective, Now().Add(-24*time.Hour), Now(), 25)
		return line, err == nil
	}
	problems := view.NewProblems(slo.DocumentErrors{{File: "slos/a.yaml", Line: 3, Field: "spec.service", Reason: "is required"}})
	burnt, _ := view.ParseOrder("-burn")
	return map[string]view.Page{
		"slos-all": view.NewSLOs(base, view.Listing{
			Statuses: All(), Defined: true, Refused: view.NewRefused(map[string]int64{"late": 7}), Day: day,
			Services: []string{"checkout", "payment", "search"},
		}),
		"slos-silent": view.NewSLOs(base, view.Listing{Statuses: []slo.Status{Silent()}, Defined: true, Problems: problems, Order: burnt}),
		"slos-many": view.NewSLOs(base, view.Listing{
			Statuses: Many(10_000), Defined: true, Search: "objective", Page: 2, Refused: view.Refused{Unknown: true},
		}),
		"slos-none":  view.NewSLOs(base, view.Listing{Defined: true, Search: "x", State: slo.Burning}),
		"slos-empty": view.NewSLOs(base, view.Listing{}),
	}
}

func overviewPages(base view.Base) map[string]view.Page {
	base.Nav = "/"
	start := view.NewStart(view.Receivers{Self: "http://localhost:8080", GRPC: ":4317", HTTP: ":4318", Token: true}, nil)
	return map[string]view.Page{
		"overview":       view.NewOverview(base, view.Situation{Statuses: append(All(), Silent()), Traffic: Busy()}),
		"overview-calm":  view.NewOverview(base, view.Situation{Statuses: []slo.Status{Healthy()}}),
		"overview-start": view.NewOverview(base, view.Situation{Start: &start}),
	}
}

func alertPages(base view.Base) map[string]view.Page {
	base.Nav = "/alerts"
	firing := Burning().Objectives[0].Firing
	pending := firing[0]
	pending.State, pending.Tier, pending.Severity = slo.Pending, "3d", slo.Ticket
	list := view.AlertList{
		Range: view.Range{From: Now().Add(-7 * 24 * time.Hour), To: Now(), Key: "7d", Path: "/alerts", Lengths: []string{"24h", "7d", "28d"}},
		Page:  1, Find: NewSource(All()...).Find,
	}
	none, unknown := list, list
	unknown.Unknown = true
	list.Open, list.Closed, list.Total = slices.Concat(firing, []slo.Episode{pending}), []slo.Episode{over(firing[0]), gone(firing[0])}, 120
	return map[string]view.Page{
		"alerts": view.NewAlerts(base, list), "alerts-none": view.NewAlerts(base, none), "alerts-unknown": view.NewAlerts(base, unknown),
	}
}

// over is an episode that ended an hour ago, gone one whose SLO was removed.
func over(e slo.Episode) slo.Episode {
	e.State, e.ResolvedAt = slo.Resolved, Now().Add(-time.Hour)
	e.FiredAt = e.ResolvedAt.Add(-5 * time.Minute)
	e.PendingSince = e.FiredAt
	return e
}

func gone(e slo.Episode) slo.Episode {
	e = over(e)
	e.SLO = "no-longer-there"
	return e
}
