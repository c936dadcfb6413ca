package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
)

// deleteRequest names what is to end, SLOs and other objects.
type deleteRequest struct {
	Objects []slo.ObjectRef `json:"objects"`
}

// deletedJSON says what became of each object, in the order of the request.
type deletedJSON struct {
	Objects []deletedObject `json:"objects"`
}

// deletedObject is one that ended, or that did not and why.
type deletedObject struct {
	slo.ObjectRef

	Deleted bool   `json:"deleted"`
	Error   string `json:"error,omitempty"`
}

// deleteMany ends all that can end of what the request names, as one change: one
// by one each would cost what a change of everything costs.
func (s *Server) deleteMany(c *gin.Context) {
	refs, err := readDelete(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	err = s.settings.Definitions.Delete(c.Request.Context(), refs...)
	refused, some := errors.AsType[slo.DeleteError](err)
	if err != nil && !some {
		s.fail(c.Writer, c.Request, err)
		return
	}
	out := deletedJSON{Objects: make([]deletedObject, 0, len(refs))}
	for _, ref := range refs {
		one := deletedObject{ObjectRef: ref, Deleted: refused[ref] == nil}
		if !one.Deleted {
			one.Error = problemOf(refused[ref]).Detail
		}
		out.Objects = append(out.Objects, one)
	}
	s.answer(c, http.StatusOK, out)
}

// readDelete reads the body, which names at least one object.
func readDelete(r *http.Request) ([]slo.ObjectRef, error) {
	if err := knownQuery(r); err != nil {
		return nil, err
	}
	var wanted deleteRequest
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wanted); err != nil {
		if p := problemOf(err); p.Status == http.StatusRequestEntityTooLarge {
			return nil, err
		}
		return nil, refuse(http.StatusBadRequest, `send {"objects": [{"kind": "SLO", "name": "..."}]}: %v`, err)
	}
	if len(wanted.Objects) == 0 {
		return nil, refuse(http.StatusBadRequest, `nothing is named: send {"objects": [{"kind": "SLO", "name": "..."}]}`)
	}
	for i, ref := range wanted.Objects {
		if ref.Kind != slo.KindSLO && !slices.Contains(slo.Kinds(), ref.Kind) {
			return nil, refuse(http.StatusBadRequest, "objects[%d]: kind %q is none of SLO, %s", i, ref.Kind, kindList())
		}
	}
	return wanted.Objects, nil
}
