package web

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// The addresses for programs outside the API. The first two need no token:
// they say nothing but yes or no.
const (
	healthPath  = "/healthz"
	readyPath   = "/readyz"
	metricsPath = "/metrics"
)

const (
	// fragmentPath stands before the address of a page whose live part alone
	// is asked for.
	fragmentPath = "/fragments"
	// createPath is where a new objective is drafted, previewed and applied.
	createPath = "/create"
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
	s.get("/api/v1/slos/:name/timeline", s.getTimeline)
	s.get("/api/v1/slos/:name/recount", s.getRecount)
	s.engine.POST("/api/v1/slos/:name/recount", s.startRecount)
	s.engine.POST("/api/v1/slos/:name/reset", s.resetBudget)
	s.engine.POST("/api/v1/delete", s.deleteMany)
	s.get("/api/v1/objects", s.listObjects)
	s.get("/api/v1/objects/:kind/:name", s.getObject)
	s.engine.DELETE("/api/v1/objects/:kind/:name", s.deleteObject)
	s.get("/api/v1/services", s.listServices)
	s.get("/api/v1/alerts", s.listAlerts)

	s.page("/", s.overviewPage, s.overviewFragment)
	s.page("/slos", s.slosPage, s.slosFragment)
	s.page("/slos/:name", s.sloPage, s.sloFragment)
	s.page("/alerts", s.alertsPage, s.alertsFragment)
	s.page("/services", s.servicesPage, s.servicesFragment)
	s.page("/services/:name", s.servicePage, s.serviceFragment)
	s.page("/settings", s.settingsPage, s.settingsFragment)
	s.engine.POST("/settings/theme", s.setTheme)

	s.get(createPath, s.createPage)
	s.engine.POST(createPath, s.create)
	s.engine.POST(createPath+"/form", s.createForm)
	s.engine.POST(createPath+"/text", s.createText)
	s.engine.POST(createPath+"/preview", s.createPreview)

	s.get(livePath, s.live)
	if s.settings.Development {
		s.get(galleryPath, s.galleryPage)
		s.get(galleryPath+"/:name", s.galleryExhibit)
	}
	s.get("/static/*file", s.static)
}

// page adds a page, and its live part alone at the same address below
// fragmentPath.
func (s *Server) page(path string, whole, fragment gin.HandlerFunc) {
	s.get(path, whole)
	s.get(strings.TrimSuffix(fragmentPath+path, "/"), fragment)
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
