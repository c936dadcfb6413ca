package web

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/web/view"
)

// refusedSince is how far back the settings list what was refused.
const refusedSince = 30 * 24 * time.Hour

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
	base := s.liveBase(r, "/settings")
	in := view.Platform{
		Facts: s.settings.Health.Facts(r.Context()), NotReady: s.settings.Health.Ready(r.Context()), Guarded: len(s.tokens) > 0,
	}
	if s.settings.Refusals == nil {
		in.Refused = s.refused(r)
	} else {
		in.Refusals = s.refusals(r)
	}
	if s.settings.Audits != nil {
		audits, err := s.audits(r.Context())
		report := view.NewAuditReport(base, audits, s.settings.Statuses.Statuses())
		report.Unknown = err != nil
		in.Audits = &report
	}
	return view.NewSettings(base, in)
}

// refusals asks for the refused items; the page is worth showing without.
func (s *Server) refusals(r *http.Request) *view.Refusals {
	list, err := s.settings.Refusals.Refusals(r.Context(), s.clock().Add(-refusedSince))
	if err != nil {
		s.logger.ErrorContext(r.Context(), "read_refusals", "error", err)
		return &view.Refusals{Unknown: true}
	}
	refusals := view.NewRefusals(list)
	return &refusals
}
