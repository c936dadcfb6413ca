package web

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/web/view"
)

// The number of points of a timeline.
const (
	defaultPoints = 300
	maxPoints     = 1000
)

// getTimeline answers with what an objective saw, step by step.
func (s *Server) getTimeline(c *gin.Context) {
	chart, err := s.chart(c.Request, c.Param("name"))
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.answer(c, http.StatusOK, chart)
}

func (s *Server) chart(r *http.Request, name string) (view.Chart, error) {
	if err := knownQuery(r, "objective", "range", "from", "to", "points"); err != nil {
		return view.Chart{}, err
	}
	points, err := pointsOf(r)
	if err != nil {
		return view.Chart{}, err
	}
	status, err := s.settings.Statuses.Status(name)
	if err != nil {
		return view.Chart{}, err
	}
	objective, err := objectiveOf(status, r.URL.Query().Get("objective"))
	if err != nil {
		return view.Chart{}, err
	}
	span, err := s.rangeOfObjective(r, name, objective)
	if err != nil {
		return view.Chart{}, err
	}
	line, err := s.timeline(status, objective, span, points)
	if err != nil {
		return view.Chart{}, err
	}
	episodes, err := s.drawn(r, name, span.From, span.To)
	if err != nil {
		return view.Chart{}, err
	}
	return view.NewChart(name, objective, line, episodes), nil
}

// pointsOf reads the query parameter points.
func pointsOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("points")
	if text == "" {
		return defaultPoints, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPoints {
		return 0, refuse(http.StatusBadRequest, "points %q is not a whole number from 1 to %d", text, maxPoints)
	}
	return n, nil
}
