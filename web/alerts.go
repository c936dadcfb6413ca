package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// maxOpenAlerts is how many open episodes the page shows.
const maxOpenAlerts = 500

// alertsPage shows the episodes.
func (s *Server) alertsPage(c *gin.Context) {
	page, err := s.alertsView(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.show(c, page)
}

// alertsFragment is its live part.
func (s *Server) alertsFragment(c *gin.Context) {
	page, err := s.alertsView(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.showLive(c, page)
}

func (s *Server) alertsView(r *http.Request) (view.Alerts, error) {
	if err := knownQuery(r, "slo", "page", "range", "from", "to"); err != nil {
		return view.Alerts{}, err
	}
	number, err := pageNumber(r)
	if err != nil {
		return view.Alerts{}, err
	}
	span, err := s.timeRange(r, "7d", "24h", "7d", "28d", "90d", "365d")
	if err != nil {
		return view.Alerts{}, err
	}
	list := view.AlertList{Range: span, SLO: r.URL.Query().Get("slo"), Page: number, Find: s.find}
	if err := s.fillAlerts(r, &list); err != nil {
		s.logger.ErrorContext(r.Context(), "read_episodes", "error", err)
		list.Unknown = true
	}
	return view.NewAlerts(s.liveBase(r, "/alerts"), list), nil
}

// fillAlerts reads the open episodes, and one page of those that are over. A
// page beyond the last is the last one.
func (s *Server) fillAlerts(r *http.Request, list *view.AlertList) (err error) {
	open := slo.EpisodeQuery{SLO: list.SLO, States: []slo.EpisodeState{slo.Firing, slo.Pending}, Limit: maxOpenAlerts}
	if list.Open, err = s.settings.Episodes.FindEpisodes(r.Context(), open); err != nil {
		return err
	}
	closed := slo.EpisodeQuery{
		SLO: list.SLO, States: []slo.EpisodeState{slo.Resolved}, From: list.Range.From, To: list.Range.To, Limit: view.AlertsPerPage,
	}
	if list.Total, err = s.settings.Episodes.CountEpisodes(r.Context(), closed); err != nil {
		return err
	}
	last := max(1, (list.Total+view.AlertsPerPage-1)/view.AlertsPerPage)
	list.Page = min(list.Page, last)
	closed.Offset = (list.Page - 1) * view.AlertsPerPage
	list.Closed, err = s.settings.Episodes.FindEpisodes(r.Context(), closed)
	return err
}

// find gives the status of an SLO, false if there is none of the name.
func (s *Server) find(name string) (slo.Status, bool) {
	status, err := s.settings.Statuses.Status(name)
	return status, err == nil
}
