package web

import (
	"net/http"
	"slices"
	"time"

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
	s.show(c, view.NewSLOs(s.liveBase(c.Request, "/slos"), listing))
}

// slosFragment is its live part. A filter that was typed becomes part of the
// page's address.
func (s *Server) slosFragment(c *gin.Context) {
	listing, err := s.listing(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	page := view.NewSLOs(s.liveBase(c.Request, "/slos"), listing)
	c.Header("HX-Replace-Url", pageOf(page.Fragment))
	s.showLive(c, page)
}

func (s *Server) listing(r *http.Request) (view.Listing, error) {
	if err := knownQuery(r, "state", "service", "q", "sort", "page"); err != nil {
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
	order, err := view.ParseOrder(r.URL.Query().Get("sort"))
	if err != nil {
		return view.Listing{}, refuse(http.StatusBadRequest, "%v", err)
	}
	all := s.settings.Statuses.Statuses()
	listing := view.Listing{
		Defined: len(all) > 0, Search: f.query, Service: f.service, State: f.state, Order: order, Page: number,
		Problems: view.NewProblems(s.settings.Definitions.Problems()), Refused: s.refused(r), Day: s.day,
	}
	for i := range all {
		listing.Services = append(listing.Services, all[i].Definition.SLO.Service)
		if f.selects(all[i].Definition.SLO) {
			listing.Statuses = append(listing.Statuses, all[i])
		}
	}
	slices.Sort(listing.Services)
	listing.Services = slices.Compact(listing.Services)
	return listing, nil
}

// day is the last 24 hours of an objective, hour by hour. One that was deleted
// just now has none.
func (s *Server) day(name string, objective int) (slo.Timeline, bool) {
	const hours = 24
	to := s.clock()
	timeline, err := s.settings.Statuses.Timeline(name, objective, to.Add(-hours*time.Hour), to, hours+1)
	return timeline, err == nil
}

// refused asks the ledger. A page is worth showing without its answer, most
// of all while the ledger is in trouble.
func (s *Server) refused(r *http.Request) view.Refused {
	byReason, err := s.settings.Ledger.Refused(r.Context())
	if err != nil {
		s.logger.ErrorContext(r.Context(), "read_refused_spans", "error", err)
		return view.Refused{Unknown: true}
	}
	return view.NewRefused(byReason)
}
