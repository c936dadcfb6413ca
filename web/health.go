package web

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// healthJSON is the one word of a health check.
type healthJSON struct {
	Status string `json:"status"`
}

// healthz says that the process answers.
func (s *Server) healthz(c *gin.Context) { s.answer(c, http.StatusOK, healthJSON{Status: "ok"}) }

// readyz says whether telemetry is accepted and counted. It is open to
// everybody, so the reason is told only where everything is.
func (s *Server) readyz(c *gin.Context) {
	err := s.settings.Health.Ready(c.Request.Context())
	if err == nil {
		s.answer(c, http.StatusOK, healthJSON{Status: "ready"})
		return
	}
	s.logger.DebugContext(c.Request.Context(), "not_ready", "error", err)
	if len(s.tokens) > 0 {
		err = refuse(http.StatusServiceUnavailable, "not ready: the log of the server says more")
	} else {
		err = refuse(http.StatusServiceUnavailable, "not ready: %v", err)
	}
	s.fail(c.Writer, c.Request, err)
}
