package web

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// The addresses for programs outside the API. The first two need no token:
// they say nothing but yes or no.
const (
	healthPath  = "/healthz"
	readyPath   = "/readyz"
	metricsPath = "/metrics"
)

// routes is the menu.
func (s *Server) routes() {
	s.engine.Use(s.authenticate)
	s.engine.NoRoute(s.notFound)
	s.engine.NoMethod(s.methodNotAllowed)

	s.get(healthPath, s.healthz)
	s.get(readyPath, s.readyz)
	if s.settings.Metrics != nil {
		s.get(metricsPath, gin.WrapH(s.settings.Metrics))
	}

	s.get("/api/v1/slos", s.listSLOs)
	s.engine.POST("/api/v1/slos", s.applySLOs)
	s.get("/api/v1/slos/:name", s.getSLO)
	s.engine.DELETE("/api/v1/slos/:name", s.deleteSLO)
	s.get("/api/v1/slos/:name/buckets", s.getBuckets)
	s.get("/api/v1/services", s.listServices)
	s.get("/api/v1/alerts", s.listAlerts)

	s.get("/", s.slosPage)
	s.get("/slos/:name", s.sloPage)
	s.get("/static/*file", s.static)
}

// get adds a route for GET and HEAD; net/http drops the body of a HEAD.
func (s *Server) get(path string, handler gin.HandlerFunc) {
	s.engine.Match([]string{http.MethodGet, http.MethodHead}, path, handler)
}

func (s *Server) notFound(c *gin.Context) {
	s.fail(c.Writer, c.Request, refuse(http.StatusNotFound, "there is nothing at this address"))
}

func (s *Server) methodNotAllowed(c *gin.Context) {
	s.fail(c.Writer, c.Request, refuse(http.StatusMethodNotAllowed,
		"this address answers only to %s", c.Writer.Header().Get("Allow")))
}
