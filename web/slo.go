package web

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

const (
	// recentEpisodes is how many episodes the page of one SLO lists,
	// drawnEpisodes how many its charts show.
	recentEpisodes = 20
	drawnEpisodes  = 200
)

// sloPage is the page of one objective.
func (s *Server) sloPage(c *gin.Context) {
	scene, err := s.scene(c)
	if err == nil {
		err = s.addTimelines(c.Request, &scene)
	}
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.show(c, view.NewSLO(s.liveBase(c.Request, "/slos"), scene))
}

// sloFragment is its live part: all but the charts.
func (s *Server) sloFragment(c *gin.Context) {
	scene, err := s.scene(c)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.showLive(c, view.NewSLO(s.liveBase(c.Request, "/slos"), scene))
}

// scene is the objective with its newest episodes; the page is worth showing
// without them.
func (s *Server) scene(c *gin.Context) (view.Scene, error) {
	r := c.Request
	if err := knownQuery(r, "objective", "range", "from", "to"); err != nil {
		return view.Scene{}, err
	}
	status, err := s.settings.Statuses.Status(c.Param("name"))
	if err != nil {
		return view.Scene{}, err
	}
	objective, err := objectiveOf(status, r.URL.Query().Get("objective"))
	if err != nil {
		return view.Scene{}, err
	}
	scene := view.Scene{Status: status, Objective: objective.Index, EpisodesKnown: true}
	name := status.Definition.SLO.Name
	scene.Recent, err = s.settings.Episodes.FindEpisodes(r.Context(), slo.EpisodeQuery{SLO: name, Limit: recentEpisodes})
	if err != nil {
		s.logger.ErrorContext(r.Context(), "read_episodes", "slo", name, "error", err)
		scene.EpisodesKnown = false
	}
	s.addEvidence(r.Context(), &scene, objective)
	return scene, nil
}

// addTimelines adds what the charts and the table beneath them show.
func (s *Server) addTimelines(r *http.Request, scene *view.Scene) (err error) {
	status := scene.Status
	objective, name := status.Objectives[scene.Objective], status.Definition.SLO.Name
	if scene.Range, err = s.rangeOfObjective(r, name, objective); err != nil {
		return err
	}
	if scene.Line, err = s.timeline(status, objective, scene.Range, view.ChartPoints); err != nil {
		return err
	}
	if scene.Table, err = s.timeline(status, objective, scene.Range, view.TablePoints); err != nil {
		return err
	}
	if scene.Drawn, err = s.drawn(r, name, scene.Range.From, scene.Range.To); err != nil {
		s.logger.ErrorContext(r.Context(), "read_episodes", "slo", name, "error", err)
		scene.EpisodesKnown = false
	}
	return nil
}

func (s *Server) timeline(status slo.Status, o slo.ObjectiveStatus, span view.Range, points int) (slo.Timeline, error) {
	return s.settings.Statuses.Timeline(status.Definition.SLO.Name, o.Index, span.From, span.To, points)
}

// rangeOfObjective is the range that the page was asked for; else the shortest
// that holds all that is known of the objective, at most its window.
func (s *Server) rangeOfObjective(r *http.Request, name string, o slo.ObjectiveStatus) (view.Range, error) {
	window := o.Window.String()
	lengths := make([]string, 0, 6)
	for _, length := range []string{"1h", "6h", "24h", "3d", "7d"} {
		if d, err := slo.ParseDuration(length); err == nil && d < o.Window.Duration {
			lengths = append(lengths, length)
		}
	}
	lengths = append(lengths, window)
	query := r.URL.Query()
	if query.Has("range") || query.Has("from") || query.Has("to") {
		return s.timeRange(r, "", lengths...)
	}
	return s.timeRange(r, s.fitting(name, o, lengths), lengths...)
}

// fitting is the shortest of the lengths that holds every event.
func (s *Server) fitting(name string, o slo.ObjectiveStatus, lengths []string) string {
	window := lengths[len(lengths)-1]
	now := s.clock()
	const points = 200
	line, err := s.settings.Statuses.Timeline(name, o.Index, now.Add(-o.Window.Duration), now, points)
	if err != nil {
		return window
	}
	for _, p := range line.Points {
		if p.Counts.Total() == 0 {
			continue
		}
		for _, length := range lengths {
			if d, err := slo.ParseDuration(length); err == nil && now.Sub(p.Start) <= d+line.Step {
				return length
			}
		}
		return window
	}
	return lengths[min(1, len(lengths)-1)]
}

// drawn are the episodes of an SLO that fired within a range.
func (s *Server) drawn(r *http.Request, name string, from, to time.Time) ([]slo.Episode, error) {
	return s.settings.Episodes.FindEpisodes(r.Context(), slo.EpisodeQuery{
		SLO: name, States: []slo.EpisodeState{slo.Firing, slo.Resolved}, From: from, To: to, Limit: drawnEpisodes,
	})
}
