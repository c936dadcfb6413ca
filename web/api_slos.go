package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
)

// filter selects SLOs; its zero value selects all.
type filter struct {
	state   slo.State
	service string
	query   string
}

// newFilter reads the query parameters state, service and q.
func newFilter(query url.Values) (filter, error) {
	f := filter{state: slo.State(query.Get("state")), service: query.Get("service"), query: query.Get("q")}
	switch f.state {
	case "", slo.Exhausted, slo.Burning, slo.Unmeasured, slo.OK:
		return f, nil
	default:
		return filter{}, refuse(http.StatusBadRequest, "state %q is none of exhausted, burning, unmeasured, ok", f.state)
	}
}

// selects reports whether the SLO matches but for its state.
func (f filter) selects(s slo.SLO) bool {
	if f.service != "" && s.Service != f.service {
		return false
	}
	if f.query == "" {
		return true
	}
	q := strings.ToLower(f.query)
	for _, text := range []string{s.Name, s.DisplayName, s.Service} {
		if strings.Contains(strings.ToLower(text), q) {
			return true
		}
	}
	return false
}

// slosJSON is a page of the list, sorted by name. Next is the name to give as
// "after" for the page that follows, null on the last one; Total counts what
// the filter selects on all pages.
type slosJSON struct {
	SLOs  []sloJSON `json:"slos"`
	Total int       `json:"total"`
	Next  *string   `json:"next"`
}

func (s *Server) listSLOs(c *gin.Context) {
	page, err := s.pageOfSLOs(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.answer(c, http.StatusOK, page)
}

func (s *Server) pageOfSLOs(r *http.Request) (slosJSON, error) {
	if err := knownQuery(r, "limit", "after", "state", "service", "q"); err != nil {
		return slosJSON{}, err
	}
	limit, err := limitOf(r)
	if err != nil {
		return slosJSON{}, err
	}
	f, err := newFilter(r.URL.Query())
	if err != nil {
		return slosJSON{}, err
	}
	after := r.URL.Query().Get("after")
	page := slosJSON{SLOs: []sloJSON{}}
	for _, status := range s.settings.Statuses.Statuses() {
		if !f.selects(status.Definition.SLO) || (f.state != "" && status.State != f.state) {
			continue
		}
		page.Total++
		switch name := status.Definition.SLO.Name; {
		case after != "" && name <= after:
		case len(page.SLOs) < limit:
			page.SLOs = append(page.SLOs, newSLO(status))
		case page.Next == nil:
			page.Next = &page.SLOs[limit-1].Name
		}
	}
	return page, nil
}

// definitionJSON is an SLO with the document that defines it.
type definitionJSON struct {
	sloJSON
	AppliedAt instant `json:"applied_at"`
	Document  string  `json:"document"`
}

func (s *Server) getSLO(c *gin.Context) {
	if err := knownQuery(c.Request); err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	status, err := s.settings.Statuses.Status(c.Param("name"))
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.answer(c, http.StatusOK, definitionJSON{
		sloJSON: newSLO(status), AppliedAt: instant(status.Definition.AppliedAt), Document: string(status.Definition.Document),
	})
}

// readBody reads the documents of a request, at most 1 MiB.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBodyBytes {
		return nil, &http.MaxBytesError{Limit: maxBodyBytes}
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, refuse(http.StatusBadRequest, "the body is empty: send one or more OpenSLO documents, YAML or JSON")
	}
	return data, nil
}

// bodyError keeps a body that is too large apart from one that broke off,
// which is a fault of the client or its connection.
func bodyError(err error) error {
	if p := problemOf(err); p.Status == http.StatusRequestEntityTooLarge {
		return err
	}
	return fmt.Errorf("read the body: %w", refuse(http.StatusBadRequest, "the body broke off: %v", err))
}

func (s *Server) deleteSLO(c *gin.Context) {
	if err := s.settings.Definitions.Delete(c.Request.Context(), slo.ObjectRef{Kind: slo.KindSLO, Name: c.Param("name")}); err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	c.Status(http.StatusNoContent)
}
