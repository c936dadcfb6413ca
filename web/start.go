package web

import (
	"net/http"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// start is what to do first, with the services that already send.
func (s *Server) start(r *http.Request) view.Start {
	services, err := s.settings.Ledger.Services(r.Context())
	if err != nil {
		s.logger.ErrorContext(r.Context(), "read_services", "error", err)
		services = []slo.Service{}
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return view.NewStart(view.Receivers{
		Self: scheme + "://" + r.Host, GRPC: s.settings.OTLPGRPC, HTTP: s.settings.OTLPHTTP,
		Token: s.settings.OTLPToken, TLS: s.settings.OTLPTLS,
	}, services)
}
