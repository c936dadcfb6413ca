package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
)

// Resets begins budgets anew.
type Resets interface {
	// Reset begins the budgets of these objectives of an SLO anew, now. It returns
	// when that is stored and statuses say so.
	Reset(ctx context.Context, name string, objectives []int, reason string) ([]slo.Reset, error)
}

// resetRequest is the body of a reset. Without an objective all budgets of the
// SLO begin anew, that of a composite, too.
type resetRequest struct {
	Objective *int   `json:"objective"`
	Reason    string `json:"reason"`
}

// resetJSON is one reset of one budget.
type resetJSON struct {
	Objective int     `json:"objective"`
	At        instant `json:"at"`
	Reason    string  `json:"reason"`
}

// resetsJSON answers a reset.
type resetsJSON struct {
	SLO    string      `json:"slo"`
	Resets []resetJSON `json:"resets"`
}

func newResets(resets []slo.Reset) []resetJSON {
	out := make([]resetJSON, len(resets))
	for i, r := range resets {
		out[i] = resetJSON{Objective: r.Objective, At: instant(r.At), Reason: r.Reason}
	}
	return out
}

// resetBudget begins the budget of an SLO anew, or of one of its objectives.
func (s *Server) resetBudget(c *gin.Context) {
	out, err := s.reset(c.Request, c.Param("name"))
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.answer(c, http.StatusOK, out)
}

func (s *Server) reset(r *http.Request, name string) (resetsJSON, error) {
	if err := knownQuery(r); err != nil {
		return resetsJSON{}, err
	}
	status, err := s.settings.Statuses.Status(name)
	if err != nil {
		return resetsJSON{}, err
	}
	if s.settings.Resets == nil {
		return resetsJSON{}, refuse(http.StatusNotImplemented, "this process does not reset budgets")
	}
	wanted, err := readReset(r)
	if err != nil {
		return resetsJSON{}, err
	}
	var objectives []int
	for _, o := range status.Objectives {
		if wanted.Objective == nil || *wanted.Objective == o.Index {
			objectives = append(objectives, o.Index)
		}
	}
	if len(objectives) == 0 {
		return resetsJSON{}, refuse(http.StatusBadRequest, "objective %d is not there: %q has %s", *wanted.Objective, name, plural(len(status.Objectives), "objective"))
	}
	made, err := s.settings.Resets.Reset(r.Context(), name, objectives, wanted.Reason)
	if err != nil {
		return resetsJSON{}, fmt.Errorf("reset the budget of %s: %w", name, err)
	}
	return resetsJSON{SLO: name, Resets: newResets(made)}, nil
}

// readReset reads the body, in which a reason is required.
func readReset(r *http.Request) (resetRequest, error) {
	var wanted resetRequest
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wanted); err != nil {
		if p := problemOf(err); p.Status == http.StatusRequestEntityTooLarge {
			return wanted, err
		}
		return wanted, refuse(http.StatusBadRequest, `send {"reason": "..."}, and "objective" with an index to reset one: %v`, err)
	}
	wanted.Reason = strings.TrimSpace(wanted.Reason)
	switch {
	case wanted.Reason == "":
		return wanted, refuse(http.StatusBadRequest, "a reason is required: it is shown and logged with the reset")
	case len(wanted.Reason) > slo.MaxResetReason:
		return wanted, refuse(http.StatusBadRequest, "the reason has %d bytes, more than the limit of %d", len(wanted.Reason), slo.MaxResetReason)
	case strings.ContainsFunc(wanted.Reason, unicode.IsControl):
		return wanted, refuse(http.StatusBadRequest, "the reason must be one line without control characters")
	}
	if c, found := slo.Invisible(wanted.Reason); found {
		return wanted, refuse(http.StatusBadRequest, "the reason holds the invisible character %U: remove it", c)
	}
	return wanted, nil
}
