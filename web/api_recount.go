package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
)

// recountJSON is how far the recount of a series has got. Through is from when
// on it is counted by now: it moves back to oldest, how far the journal
// reaches. Running and done are both false after a recount that an error ended.
type recountJSON struct {
	Series  slo.SeriesID `json:"series"`
	Through instant      `json:"through"`
	Oldest  instant      `json:"oldest"`
	Running bool         `json:"running"`
	Done    bool         `json:"done"`
	Spans   int64        `json:"spans"`
	// Error is null if nothing went wrong.
	Error *string `json:"error"`
}

// sloRecountJSON is that of one SLO.
type sloRecountJSON struct {
	SLO string `json:"slo"`
	recountJSON
}

// recountOf is nil if there was none since the start.
func (s *Server) recountOf(name string) *recountJSON {
	if s.settings.Recounts == nil {
		return nil
	}
	state, found := s.settings.Recounts.RecountState(name)
	if !found {
		return nil
	}
	out := recountJSON{
		Series: state.Series, Through: instant(state.Since), Oldest: instant(state.Oldest),
		Running: state.Running, Done: state.Done, Spans: state.Spans,
	}
	if state.Err != "" {
		out.Error = &state.Err
	}
	return &out
}

// startRecount begins a recount in the background, and says how it stands.
func (s *Server) startRecount(c *gin.Context) {
	name := c.Param("name")
	err := s.knownRecount(c.Request, name)
	if err == nil {
		err = s.settings.Recounts.Recount(name)
	}
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.answerRecount(c, http.StatusAccepted, name)
}

func (s *Server) getRecount(c *gin.Context) {
	name := c.Param("name")
	if err := s.knownRecount(c.Request, name); err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.answerRecount(c, http.StatusOK, name)
}

// knownRecount refuses what cannot be recounted.
func (s *Server) knownRecount(r *http.Request, name string) error {
	if err := knownQuery(r); err != nil {
		return err
	}
	if _, err := s.settings.Statuses.Status(name); err != nil {
		return err
	}
	if s.settings.Recounts == nil {
		return refuse(http.StatusNotImplemented, "this process does not recount")
	}
	return nil
}

func (s *Server) answerRecount(c *gin.Context, status int, name string) {
	state := s.recountOf(name)
	if state == nil {
		s.fail(c.Writer, c.Request, refuse(http.StatusNotFound, "%q was not recounted since the start of this process: POST here begins a recount", name))
		return
	}
	s.answer(c, status, sloRecountJSON{SLO: name, recountJSON: *state})
}
