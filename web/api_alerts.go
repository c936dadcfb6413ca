package web

import (
	"net/http"
	"slices"

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
	episodes, err := s.settings.Episodes.Episodes(c.Request.Context(), limit)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.answer(c, http.StatusOK, alertsJSON{Alerts: newEpisodes(firingFirst(episodes))})
}

// firingFirst sorts by state, and leaves the order within each as it is.
func firingFirst(episodes []slo.Episode) []slo.Episode {
	rank := func(e slo.Episode) int {
		switch e.State {
		case slo.Firing:
			return 0
		case slo.Pending:
			return 1
		case slo.Resolved, slo.Lapsed:
			return 2
		}
		return 2
	}
	sorted := slices.Clone(episodes)
	slices.SortStableFunc(sorted, func(a, b slo.Episode) int { return rank(a) - rank(b) })
	return sorted
}
