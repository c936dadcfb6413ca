package web

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
)

// appliedJSON says what came into force by the documents of a request.
type appliedJSON struct {
	SLOs    []appliedSLO    `json:"slos"`
	Objects []appliedObject `json:"objects"`
	// Followed are further SLOs that changed, since what they refer to did.
	Followed []string `json:"followed"`
	// Changes says of each object what a dry run would have said before.
	Changes  []changeJSON    `json:"changes"`
	Warnings []documentFault `json:"warnings"`
}

type appliedSLO struct {
	Name      string  `json:"name"`
	Revision  int     `json:"revision"`
	AppliedAt instant `json:"applied_at"`
}

type appliedObject struct {
	Kind     slo.Kind `json:"kind"`
	Name     string   `json:"name"`
	Revision int      `json:"revision"`
}

// triedJSON says what the documents of a request would do.
type triedJSON struct {
	DryRun   bool            `json:"dry_run"`
	Changes  []changeJSON    `json:"changes"`
	Warnings []documentFault `json:"warnings"`
}

// changeJSON is one object. Follows says that the request has no document of
// it: what it refers to would change. SeriesChange is whether an SLO would count
// other series than now, null for other objects.
type changeJSON struct {
	Kind         slo.Kind   `json:"kind"`
	Name         string     `json:"name"`
	Effect       slo.Effect `json:"effect"`
	Follows      bool       `json:"follows"`
	SeriesChange *bool      `json:"series_change"`
	// Origin is the file of the server that has it, empty for none.
	Origin string `json:"origin"`
}

// applySLOs applies documents of all kinds, or with dry_run says what they
// would do.
func (s *Server) applySLOs(c *gin.Context) {
	documents, dry, err := documentsOf(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	apply := s.settings.Definitions.Apply
	if dry {
		apply = s.settings.Definitions.Try
	}
	applied, err := apply(c.Request.Context(), documents)
	switch {
	case err != nil:
		s.fail(c.Writer, c.Request, err)
	case dry:
		s.answer(c, http.StatusOK, newTried(applied))
	default:
		s.answerApplied(c, applied)
	}
}

// documentsOf reads the body, and the flags of the query.
func documentsOf(r *http.Request) (documents slo.Documents, dry bool, err error) {
	if err := knownQuery(r, "strict", "dry_run", "retire_now", "of_files"); err != nil {
		return documents, false, err
	}
	documents.File = "request"
	if documents.Strict, err = flagOf(r, "strict"); err != nil {
		return documents, false, err
	}
	if documents.RetireNow, err = flagOf(r, "retire_now"); err != nil {
		return documents, false, err
	}
	if dry, err = flagOf(r, "dry_run"); err != nil {
		return documents, false, err
	}
	if documents.OfFiles, err = flagOf(r, "of_files"); err != nil {
		return documents, false, err
	}
	if documents.OfFiles && !dry {
		return documents, false, refuse(http.StatusBadRequest, "of_files goes with dry_run=true: what comes from a file is changed in the file")
	}
	documents.Data, err = readBody(r)
	return documents, dry, err
}

// flagOf reads a query parameter that is true or false, and false if it is not
// there.
func flagOf(r *http.Request, name string) (bool, error) {
	switch text := r.URL.Query().Get(name); text {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	default:
		return false, refuse(http.StatusBadRequest, "%s %q is neither true nor false", name, text)
	}
}

// answerApplied answers 201 if one of the objects is new, else 200.
func (s *Server) answerApplied(c *gin.Context, applied slo.Applied) {
	status, place := http.StatusOK, ""
	out := appliedJSON{
		SLOs: []appliedSLO{}, Objects: []appliedObject{}, Followed: []string{},
		Changes: newChanges(applied.Changes), Warnings: newWarnings(applied.Warnings),
	}
	for _, one := range applied.Changes {
		switch {
		case one.Follows:
			out.Followed = append(out.Followed, one.Name)
			continue
		case one.Kind == slo.KindSLO:
			place = "/api/v1/slos/" + url.PathEscape(one.Name)
			out.SLOs = append(out.SLOs, appliedSLO{Name: one.Name, Revision: one.Revision, AppliedAt: instant(one.AppliedAt)})
		default:
			place = objectPath(one.ObjectRef)
			out.Objects = append(out.Objects, appliedObject{Kind: one.Kind, Name: one.Name, Revision: one.Revision})
		}
		if one.Effect == slo.Created {
			status = http.StatusCreated
		}
	}
	if status == http.StatusCreated && len(out.SLOs)+len(out.Objects) == 1 {
		c.Header("Location", place)
	}
	s.answer(c, status, out)
}

func newTried(applied slo.Applied) triedJSON {
	return triedJSON{DryRun: true, Changes: newChanges(applied.Changes), Warnings: newWarnings(applied.Warnings)}
}

func newChanges(changes []slo.ObjectChange) []changeJSON {
	out := make([]changeJSON, len(changes))
	for i, one := range changes {
		out[i] = changeJSON{Kind: one.Kind, Name: one.Name, Effect: one.Effect, Follows: one.Follows, Origin: one.Origin}
		if one.Kind == slo.KindSLO {
			out[i].SeriesChange = &changes[i].Recounts
		}
	}
	return out
}

func newWarnings(warnings slo.DocumentWarnings) []documentFault {
	out := make([]documentFault, len(warnings))
	for i, w := range warnings {
		out[i] = documentFault(w)
	}
	return out
}
