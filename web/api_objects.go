package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxUsers is how many users of an object one answer names.
const maxUsers = 100

// objectsJSON is a page of the list of objects that are no SLOs, sorted by kind
// and name. Next is what to give as "after" for the page that follows, null on
// the last one; Total counts what the filter selects on all pages.
type objectsJSON struct {
	Objects []objectJSON `json:"objects"`
	Total   int          `json:"total"`
	Next    *string      `json:"next"`
}

// objectJSON is one object. UsedBy names what refers to it, directly or through
// others, at most 100 of UsedByTotal.
type objectJSON struct {
	Kind        slo.Kind        `json:"kind"`
	Name        string          `json:"name"`
	Revision    int             `json:"revision"`
	Origin      string          `json:"origin"`
	AppliedAt   instant         `json:"applied_at"`
	UsedBy      []slo.ObjectRef `json:"used_by"`
	UsedByTotal int             `json:"used_by_total"`
}

// objectDocumentJSON is an object with its document, in which secrets are hidden.
type objectDocumentJSON struct {
	objectJSON
	Document string `json:"document"`
}

func objectPath(ref slo.ObjectRef) string {
	return "/api/v1/objects/" + url.PathEscape(string(ref.Kind)) + "/" + url.PathEscape(ref.Name)
}

func (s *Server) listObjects(c *gin.Context) {
	page, err := s.pageOfObjects(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.answer(c, http.StatusOK, page)
}

func (s *Server) pageOfObjects(r *http.Request) (objectsJSON, error) {
	if err := knownQuery(r, "limit", "after", "kind"); err != nil {
		return objectsJSON{}, err
	}
	limit, err := limitOf(r)
	if err != nil {
		return objectsJSON{}, err
	}
	query := r.URL.Query()
	kind := slo.Kind(query.Get("kind"))
	if kind != "" && !slices.Contains(slo.Kinds(), kind) {
		return objectsJSON{}, refuse(http.StatusBadRequest, "kind %q is none of %s", kind, kindList())
	}
	after, err := afterOf(query.Get("after"))
	if err != nil {
		return objectsJSON{}, err
	}
	page := objectsJSON{Objects: []objectJSON{}}
	for _, o := range s.settings.Objects.Objects() {
		if kind != "" && o.Kind != kind {
			continue
		}
		page.Total++
		switch {
		case o.Compare(after) <= 0:
		case len(page.Objects) < limit:
			page.Objects = append(page.Objects, s.newObject(o))
		case page.Next == nil:
			last := page.Objects[limit-1]
			next := string(last.Kind) + "/" + last.Name
			page.Next = &next
		}
	}
	return page, nil
}

// afterOf reads "SLI/checkout-fast"; nothing is before everything.
func afterOf(text string) (slo.ObjectRef, error) {
	kind, name, found := strings.Cut(text, "/")
	if text != "" && !found {
		return slo.ObjectRef{}, refuse(http.StatusBadRequest, "after %q is not a kind and a name, as in SLI/checkout-fast", text)
	}
	return slo.ObjectRef{Kind: slo.Kind(kind), Name: name}, nil
}

func kindList() string {
	var words []string
	for _, kind := range slo.Kinds() {
		words = append(words, string(kind))
	}
	return strings.Join(words, ", ")
}

func (s *Server) newObject(o slo.Object) objectJSON {
	users := s.settings.Objects.Users(o.ObjectRef)
	return objectJSON{
		Kind: o.Kind, Name: o.Name, Revision: o.Revision, Origin: o.Origin, AppliedAt: instant(o.AppliedAt),
		UsedBy: append([]slo.ObjectRef{}, users[:min(len(users), maxUsers)]...), UsedByTotal: len(users),
	}
}

func (s *Server) getObject(c *gin.Context) {
	ref, err := refOf(c)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	o, err := s.settings.Objects.Object(ref)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.answer(c, http.StatusOK, objectDocumentJSON{objectJSON: s.newObject(o), Document: shownDocument(o)})
}

func (s *Server) deleteObject(c *gin.Context) {
	ref, err := refOf(c)
	if err == nil {
		err = s.settings.Definitions.Delete(c.Request.Context(), ref)
	}
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	c.Status(http.StatusNoContent)
}

// refOf reads the object that an address names.
func refOf(c *gin.Context) (slo.ObjectRef, error) {
	ref := slo.ObjectRef{Kind: slo.Kind(c.Param("kind")), Name: c.Param("name")}
	if err := knownQuery(c.Request); err != nil {
		return ref, err
	}
	switch {
	case ref.Kind == slo.KindSLO:
		return ref, refuse(http.StatusNotFound, "SLOs are at /api/v1/slos")
	case !slices.Contains(slo.Kinds(), ref.Kind):
		return ref, refuse(http.StatusNotFound, "kind %q is none of %s", ref.Kind, kindList())
	default:
		return ref, nil
	}
}
