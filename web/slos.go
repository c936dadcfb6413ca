package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// slosPage is the list of objectives.
func (s *Server) slosPage(c *gin.Context) {
	listing, err := s.listing(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.show(c, view.NewSLOs(s.base(), listing))
}

func (s *Server) listing(r *http.Request) (view.Listing, error) {
	if err := knownQuery(r, "state", "q", "page"); err != nil {
		return view.Listing{}, err
	}
	number, err := pageNumber(r)
	if err != nil {
		return view.Listing{}, err
	}
	f, err := newFilter(r.URL.Query())
	if err != nil {
		return view.Listing{}, err
	}
	all := s.settings.Statuses.Statuses()
	listing := view.Listing{
		Defined: len(all) > 0, Search: f.query, State: f.state, Page: number,
		Problems: view.NewProblems(s.settings.Definitions.Problems()), Refused: s.refused(r),
	}
	for i := range all {
		if f.selects(all[i].Definition.SLO) {
			listing.Statuses = append(listing.Statuses, all[i])
		}
	}
	if !listing.Defined {
		listing.Start = s.start(r)
	}
	return listing, nil
}

// refused asks the ledger. The list is worth showing without its answer, most
// of all while the ledger is in trouble.
func (s *Server) refused(r *http.Request) view.Refused {
	byReason, err := s.settings.Ledger.Refused(r.Context())
	if err != nil {
		s.logger.ErrorContext(r.Context(), "read_refused_spans", "error", err)
		return view.Refused{Unknown: true}
	}
	return view.NewRefused(byReason)
}

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
	return view.NewStart(scheme+"://"+r.Host, s.settings.OTLPGRPC, s.settings.OTLPHTTP, len(s.tokens) > 0, services)
}
