package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// recentEpisodes is how many episodes the page of one SLO shows.
const recentEpisodes = 20

// sloPage is the page of one SLO.
func (s *Server) sloPage(c *gin.Context) {
	status, err := s.settings.Statuses.Status(c.Param("name"))
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	episodes, known := s.episodesOf(c.Request, status.Definition.SLO.Name)
	s.show(c, view.NewSLO(s.base(), status, episodes, known))
}

// episodesOf finds the newest episodes of one SLO. The page is worth showing
// without them.
func (s *Server) episodesOf(r *http.Request, name string) (own []slo.Episode, known bool) {
	episodes, err := s.settings.Episodes.Episodes(r.Context(), maxLimit)
	if err != nil {
		s.logger.ErrorContext(r.Context(), "read_episodes", "slo", name, "error", err)
		return nil, false
	}
	for _, e := range firingFirst(episodes) {
		if e.SLO == name && len(own) < recentEpisodes {
			own = append(own, e)
		}
	}
	return own, true
}
