package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// requestError is a fault of the request: a status and what to do about it.
type requestError struct {
	status int
	detail string
}

func (e requestError) Error() string { return e.detail }

func refuse(status int, format string, args ...any) error {
	return requestError{status: status, detail: fmt.Sprintf(format, args...)}
}

// problem is the body of an error: problem details of RFC 9457.
type problem struct {
	Type     string          `json:"type"`
	Title    string          `json:"title"`
	Status   int             `json:"status"`
	Detail   string          `json:"detail"`
	Instance string          `json:"instance"`
	Errors   []documentFault `json:"errors,omitempty"`
}

// documentFault is one fault of an OpenSLO document, or a warning about one.
type documentFault struct {
	File     string `json:"file"`
	Document int    `json:"document"`
	Line     int    `json:"line"`
	Object   string `json:"object"`
	Field    string `json:"field"`
	Reason   string `json:"reason"`
	// Note says that it depends on what else is applied, or on what is measured here.
	Note bool `json:"note,omitempty"`
}

// problemOf is the one table from errors to statuses. What it does not know
// is our own fault, of which the client learns nothing.
func problemOf(err error) problem {
	if e, ok := errors.AsType[requestError](err); ok {
		return newProblem(e.status, e.detail)
	}
	if e, ok := errors.AsType[slo.DocumentErrors](err); ok {
		return documentProblem(e)
	}
	if e, ok := errors.AsType[slo.DocumentError](err); ok {
		return documentProblem(slo.DocumentErrors{e})
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return newProblem(http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the body is larger than %d bytes: send fewer documents at a time", e.Limit))
	}
	switch {
	case errors.Is(err, slo.ErrNotFound), errors.Is(err, slo.ErrNoObject):
		return newProblem(http.StatusNotFound, err.Error())
	case errors.Is(err, slo.ErrReadOnly), errors.Is(err, slo.ErrInUse):
		return newProblem(http.StatusConflict, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return newProblem(http.StatusServiceUnavailable, "the answer took too long: try again, or ask for less")
	default:
		return newProblem(http.StatusInternalServerError, "the fault is on our side: the log of the server says more")
	}
}

func newProblem(status int, detail string) problem {
	return problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

func documentProblem(faults slo.DocumentErrors) problem {
	p := newProblem(http.StatusBadRequest, "nothing was applied: the documents have "+plural(len(faults), "fault"))
	for _, f := range faults {
		p.Errors = append(p.Errors, documentFault(f))
	}
	return p
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// fail answers with the problem that err is: as a page where people look, as
// problem details everywhere else. Faults of ours are logged.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	p.Instance = r.URL.Path
	slow := errors.Is(err, context.DeadlineExceeded)
	if slow || (p.Status == http.StatusInternalServerError && !errors.Is(err, context.Canceled)) {
		s.logger.ErrorContext(r.Context(), "request_failed",
			"method", r.Method, "path", r.URL.Path, "status", p.Status, "error", err)
	}
	if forPeople(r) {
		page := view.NewFailure(s.base(r, ""), p.Status, p.Title, p.Detail)
		if body, err := s.renderer.Render(page); err == nil {
			write(w, p.Status, "text/html; charset=utf-8", body)
			return
		}
	}
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(p); err != nil { // Strings and integers always encode.
		body.Reset()
	}
	write(w, p.Status, "application/problem+json", body.Bytes())
}

// forPeople reports whether the address is that of a page.
func forPeople(r *http.Request) bool {
	switch path := r.URL.Path; {
	case path == "/api", strings.HasPrefix(path, "/api/"), path == healthPath, path == readyPath, path == metricsPath:
		return false
	default:
		return true
	}
}

// write sends a complete body. A client that has gone away is no fault.
func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
