package web

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/web/view"
)

// overviewTraffic is how much traffic the overview sums up.
const overviewTraffic = time.Hour

// overviewPage is the first page.
func (s *Server) overviewPage(c *gin.Context) {
	page, err := s.overviewView(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.show(c, page)
}

// overviewFragment is its live part.
func (s *Server) overviewFragment(c *gin.Context) {
	page, err := s.overviewView(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.showLive(c, page)
}

func (s *Server) overviewView(r *http.Request) (view.Overview, error) {
	if err := knownQuery(r); err != nil {
		return view.Overview{}, err
	}
	in := view.Situation{
		Statuses: s.settings.Statuses.Statuses(), Traffic: s.settings.Traffic.Services(overviewTraffic),
		Problems: view.NewProblems(s.settings.Definitions.Problems()), Refused: s.refused(r),
	}
	if len(in.Statuses) == 0 {
		start := s.start(r)
		in.Seen = start.Seen
		if len(start.Seen)+len(in.Traffic) == 0 {
			in.Start = &start
		}
	}
	return view.NewOverview(s.liveBase(r, "/"), in), nil
}
