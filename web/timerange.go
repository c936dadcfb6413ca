package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// maxRange is the longest stretch of time that a page shows.
const maxRange = slo.MaxWindow

// timeRange reads the stretch of time that a page was asked for: "range", one
// of the lengths, up to now; or "from" and "to". Usual is the length that it
// shows if it was not asked for any.
func (s *Server) timeRange(r *http.Request, usual string, lengths ...string) (view.Range, error) {
	query := r.URL.Query()
	out := view.Range{
		Key: query.Get("range"), Path: strings.TrimPrefix(r.URL.EscapedPath(), fragmentPath), Query: query, Lengths: lengths,
	}
	if out.Path == "" {
		out.Path = "/"
	}
	if query.Has("from") || query.Has("to") {
		if out.Key != "" {
			return out, refuse(http.StatusBadRequest, "range and from or to are both given: keep one of them")
		}
		return s.fixedRange(out)
	}
	if out.Key == "" {
		out.Key = usual
	}
	if !slices.Contains(lengths, out.Key) {
		return out, refuse(http.StatusBadRequest, "range %q is none of %s", out.Key, strings.Join(lengths, ", "))
	}
	length, err := slo.ParseDuration(out.Key)
	if err != nil {
		return out, refuse(http.StatusBadRequest, "range: %v", err)
	}
	out.To = s.clock()
	out.From = out.To.Add(-length)
	return out, nil
}

// fixedRange reads "from" and "to"; without "to" it ends now.
func (s *Server) fixedRange(out view.Range) (view.Range, error) {
	var err error
	out.To = s.clock()
	if text := out.Query.Get("to"); text != "" {
		if out.To, err = instantOf("to", text); err != nil {
			return out, err
		}
	}
	if out.From, err = instantOf("from", out.Query.Get("from")); err != nil {
		return out, err
	}
	if !out.From.Before(out.To) {
		return out, refuse(http.StatusBadRequest, "from %s is not before to %s",
			out.From.UTC().Format(time.RFC3339), out.To.UTC().Format(time.RFC3339))
	}
	if out.To.Sub(out.From) > maxRange {
		return out, refuse(http.StatusBadRequest, "from and to are more than %s apart", slo.FormatDuration(maxRange))
	}
	return out, nil
}
