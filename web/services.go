package web

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// trafficRanges are the lengths of traffic to choose from.
func trafficRanges() []string { return []string{"5m", "1h", "6h", "24h"} }

// servicesPage lists the services seen.
func (s *Server) servicesPage(c *gin.Context) {
	page, err := s.servicesView(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.show(c, page)
}

// servicesFragment is its live part.
func (s *Server) servicesFragment(c *gin.Context) {
	page, err := s.servicesView(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.showLive(c, page)
}

func (s *Server) servicesView(r *http.Request) (view.Services, error) {
	if err := knownQuery(r, "range", "q"); err != nil {
		return view.Services{}, err
	}
	span, err := s.timeRange(r, "1h", trafficRanges()...)
	if err != nil {
		return view.Services{}, err
	}
	list := view.ServiceList{
		Range: span, Search: r.URL.Query().Get("q"), Statuses: s.settings.Statuses.Statuses(),
		Traffic: s.settings.Traffic.Services(span.To.Sub(span.From)),
	}
	if list.Services, err = s.settings.Ledger.Services(r.Context()); err != nil {
		s.logger.ErrorContext(r.Context(), "read_services", "error", err)
		list.Unknown = true
	} else if len(list.Services)+len(list.Traffic) == 0 {
		start := s.start(r)
		list.Start = &start
	}
	return view.NewServices(s.liveBase(r, "/services"), list), nil
}

// servicePage shows what one service does for others, and its objectives.
func (s *Server) servicePage(c *gin.Context) {
	page, err := s.serviceView(c)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.show(c, page)
}

// serviceFragment is its live part.
func (s *Server) serviceFragment(c *gin.Context) {
	page, err := s.serviceView(c)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.showLive(c, page)
}

func (s *Server) serviceView(c *gin.Context) (view.Service, error) {
	r, name := c.Request, c.Param("name")
	if err := knownQuery(r, "range"); err != nil {
		return view.Service{}, err
	}
	span, err := s.timeRange(r, "1h", trafficRanges()...)
	if err != nil {
		return view.Service{}, err
	}
	statuses, operations := s.settings.Statuses.Statuses(), s.settings.Traffic.Operations(name, span.To.Sub(span.From))
	seen, found := s.lastSeen(r, name)
	for i := range statuses {
		found = found || statuses[i].Definition.SLO.Service == name
	}
	if !found && len(operations) == 0 {
		return view.Service{}, refuse(http.StatusNotFound, "no telemetry names the service %q, and no objective belongs to it", name)
	}
	return view.NewService(s.liveBase(r, "/services"), name, span, operations, statuses, seen), nil
}

// lastSeen is when telemetry of a service arrived last.
func (s *Server) lastSeen(r *http.Request, name string) (seen time.Time, found bool) {
	services, err := s.settings.Ledger.Services(r.Context())
	if err != nil {
		s.logger.ErrorContext(r.Context(), "read_services", "error", err)
		return time.Time{}, true // Nobody knows: the rest of the page is worth showing.
	}
	for _, service := range services {
		if service.Name == name {
			return service.LastSeen, true
		}
	}
	return time.Time{}, false
}

// services are the names of the services seen, for forms.
func (s *Server) services(r *http.Request) []slo.Service {
	services, err := s.settings.Ledger.Services(r.Context())
	if err != nil {
		s.logger.ErrorContext(r.Context(), "read_services", "error", err)
	}
	return services
}
