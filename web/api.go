package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

// The number of rows in one answer of a list.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// answer sends v as JSON. It is encoded first, so that there is either the
// whole answer or an error.
func (s *Server) answer(c *gin.Context, status int, v any) {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		s.fail(c.Writer, c.Request, fmt.Errorf("encode the answer: %w", err))
		return
	}
	write(c.Writer, status, "application/json", body.Bytes())
}

// knownQuery refuses a query with a parameter that the address does not know,
// or with one given twice: a silent default would answer another question.
func knownQuery(r *http.Request, known ...string) error {
	for name, values := range r.URL.Query() {
		if !slices.Contains(known, name) {
			return refuse(http.StatusBadRequest, "the query parameter %q is not known here: known are %q", name, known)
		}
		if len(values) > 1 {
			return refuse(http.StatusBadRequest, "the query parameter %q is given %d times", name, len(values))
		}
	}
	return nil
}

// limitOf reads the query parameter limit.
func limitOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		return 0, refuse(http.StatusBadRequest, "limit %q is not a whole number from 1 to %d", text, maxLimit)
	}
	return n, nil
}

// instant is a time in JSON: RFC 3339 in UTC, null if it is zero.
type instant time.Time

// MarshalJSON writes "2026-01-02T15:04:05.123Z".
func (i instant) MarshalJSON() ([]byte, error) {
	t := time.Time(i)
	if t.IsZero() {
		return []byte("null"), nil
	}
	text, err := t.UTC().MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encode an instant: %w", err)
	}
	return text, nil
}

// unlessEmpty is the ratio, or null without events.
func unlessEmpty(ratio float64, events int64) *float64 {
	if events == 0 {
		return nil
	}
	return &ratio
}
