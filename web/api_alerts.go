package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
)

// alertsJSON are the newest episodes: those that fire, those that may, and
// those that are over.
type alertsJSON struct {
	Alerts []episodeJSON `json:"alerts"`
}

func (s *Server) listAlerts(c *gin.Context) {
	if err := knownQuery(c.Request, "limit"); err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	limit, err := limitOf(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	episodes, err := s.settings.Episodes.FindEpisodes(c.Request.Context(), slo.EpisodeQuery{Limit: limit})
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.answer(c, http.StatusOK, alertsJSON{Alerts: newEpisodes(episodes)})
}
