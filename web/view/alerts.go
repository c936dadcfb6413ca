package view

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// AlertsPerPage is how many past episodes one page shows.
const AlertsPerPage = 50

// Alerts are the episodes: those that fire, those that may, and those that
// are over.
type Alerts struct {
	Base
	Range   Range
	SLO     string
	Firing  []Alert
	Pending []Alert
	History []Alert
	// Shown says which past episodes are on this page.
	Shown          string
	Previous, Next string
	// Unknown reports that the store does not answer.
	Unknown bool
}

func (Alerts) template() string { return "alerts" }

// Alert is one episode with the objective that it is about.
type Alert struct {
	Episode
	Title, Link, Service string
	// Chart is the page of the objective around the time of the episode.
	Chart string
}

// AlertList is what the page shows. Open and Closed are the newest first.
type AlertList struct {
	Range        Range
	SLO          string
	Open, Closed []slo.Episode
	// Total is how many are over in all, Page, from 1, which of them are here.
	Total, Page int
	Unknown     bool
	// Find gives the status of an SLO, false if it is gone.
	Find func(name string) (slo.Status, bool)
}

// NewAlerts fills the page.
func NewAlerts(base Base, in AlertList) Alerts {
	base.Title = "Alerts"
	page := Alerts{Base: base, Range: in.Range, SLO: in.SLO, Unknown: in.Unknown}
	for _, e := range in.Open {
		if e.State == slo.Firing {
			page.Firing = append(page.Firing, newAlert(e, in, base.Now))
		} else {
			page.Pending = append(page.Pending, newAlert(e, in, base.Now))
		}
	}
	for _, e := range in.Closed {
		page.History = append(page.History, newAlert(e, in, base.Now))
	}
	first := (in.Page - 1) * AlertsPerPage
	page.Shown = plural(int64(in.Total), "episode")
	if in.Total > AlertsPerPage {
		page.Shown = Count(int64(first+1)) + "–" + Count(int64(first+len(in.Closed))) + " of " + page.Shown
	}
	if in.Page > 1 {
		page.Previous = in.address(in.Page - 1)
	}
	if first+len(in.Closed) < in.Total {
		page.Next = in.address(in.Page + 1)
	}
	return page
}

// address is the page of the history with a number.
func (in AlertList) address(page int) string {
	query := url.Values{}
	for key, values := range in.Range.Query {
		if key != "page" {
			query[key] = values
		}
	}
	if page > 1 {
		query.Set("page", strconv.Itoa(page))
	}
	return strings.TrimSuffix("/alerts?"+query.Encode(), "?")
}

// around is how much before and after an episode its chart shows.
const around = 30 * time.Minute

func newAlert(e slo.Episode, in AlertList, now time.Time) Alert {
	a := Alert{Episode: NewEpisode(e, now), Title: e.SLO, Service: "removed"}
	status, found := in.Find(e.SLO)
	if !found {
		return a
	}
	definition := status.Definition.SLO
	a.Title, a.Service = cmp.Or(definition.DisplayName, definition.Name), definition.Service
	a.Link = sloLink(definition.Name, e.Objective)
	if e.Objective < len(status.Objectives) {
		if name := objectiveName(status, status.Objectives[e.Objective]); name != "" {
			a.Title += " · " + name
		}
	}
	a.Chart = episodeChart(e, now)
	return a
}

// episodeChart is the page of the objective around the time of an episode.
func episodeChart(e slo.Episode, now time.Time) string {
	began, ended := e.PendingSince, e.ResolvedAt
	if began.IsZero() {
		began = e.FiredAt
	}
	if ended.IsZero() {
		ended = now
	}
	query := url.Values{
		"from": {strconv.FormatInt(began.Add(-around).Unix(), 10)},
		"to":   {strconv.FormatInt(min(ended.Add(around).Unix(), now.Unix()), 10)},
	}
	if e.Objective > 0 {
		query.Set("objective", strconv.Itoa(e.Objective))
	}
	return "/slos/" + url.PathEscape(e.SLO) + "?" + query.Encode()
}
