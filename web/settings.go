package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/web/view"
)

// settingsPage says how the program is set, and how its parts are.
func (s *Server) settingsPage(c *gin.Context) {
	if err := knownQuery(c.Request); err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.show(c, s.settingsView(c.Request))
}

// settingsFragment is its live part.
func (s *Server) settingsFragment(c *gin.Context) { s.showLive(c, s.settingsView(c.Request)) }

func (s *Server) settingsView(r *http.Request) view.Settings {
	facts := s.settings.Health.Facts(r.Context())
	notReady := s.settings.Health.Ready(r.Context())
	return view.NewSettings(s.liveBase(r, "/settings"), facts, notReady, s.refused(r), len(s.tokens) > 0)
}
