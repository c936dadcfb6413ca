package web

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// servicesJSON are the services seen in the telemetry.
type servicesJSON struct {
	Services []serviceJSON `json:"services"`
}

type serviceJSON struct {
	Name     string  `json:"name"`
	Spans    int64   `json:"spans"`
	LastSeen instant `json:"last_seen"`
}

func (s *Server) listServices(c *gin.Context) {
	if err := knownQuery(c.Request); err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	services, err := s.settings.Ledger.Services(c.Request.Context())
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	out := servicesJSON{Services: make([]serviceJSON, len(services))}
	for i, service := range services {
		out.Services[i] = serviceJSON{Name: service.Name, Spans: service.Spans, LastSeen: instant(service.LastSeen)}
	}
	s.answer(c, http.StatusOK, out)
}
