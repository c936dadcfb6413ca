package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
)

// createPage drafts an SLO for an operation, or opens one to be edited.
func (s *Server) createPage(c *gin.Context) {
	page, err := s.draft(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.show(c, page)
}

func (s *Server) draft(r *http.Request) (view.Create, error) {
	if err := knownQuery(r, "service", "operation", "kind", "edit"); err != nil {
		return view.Create{}, err
	}
	query := r.URL.Query()
	page := s.emptyCreate(r)
	if name := query.Get("edit"); name != "" {
		return s.edited(page, name)
	}
	operation := slo.Operation{Service: query.Get("service"), Name: query.Get("operation"), Kind: slo.SpanKind(query.Get("kind"))}
	if !slices.Contains([]slo.SpanKind{"", slo.ServerSpan, slo.ConsumerSpan}, operation.Kind) {
		return page, refuse(http.StatusBadRequest, "kind %q is neither server nor consumer", operation.Kind)
	}
	definition, err := s.settings.Drafts.Draft(r.Context(), operation)
	if err != nil {
		return page, err
	}
	form, why := view.NewForm(definition)
	if why != "" {
		return page, fmt.Errorf("the draft for %+v does not fit the form: %s", operation, why)
	}
	page.Form = form
	if operation.Service != "" {
		page.Preview = s.preview(r.Context(), definition)
	}
	return page, nil
}

// edited opens the document of an SLO; as a form if that can hold all of it.
func (s *Server) edited(page view.Create, name string) (view.Create, error) {
	status, err := s.settings.Statuses.Status(name)
	if err != nil {
		return page, err
	}
	if origin := status.Definition.Origin; origin != "" {
		return page, refuse(http.StatusConflict, "%s comes from the file %s: change the file instead", name, origin)
	}
	page.Edit, page.Title = name, "Edit "+name
	page.Text = string(status.Definition.Document)
	page.Form, page.Why = view.NewForm(status.Definition.SLO)
	page.AsText = page.Why != ""
	return page, nil
}

func (s *Server) emptyCreate(r *http.Request) view.Create {
	base := s.base(r, "/slos")
	base.Title = "Create objective"
	base.Scripts = []string{"js/copy.js"}
	base.Styles = []string{"css/create.css"}
	page := view.Create{Base: base, Windows: view.UsualWindows()}
	for _, service := range s.services(r) {
		page.Services = append(page.Services, service.Name)
	}
	return page
}

// typed is the page as it was sent, with nothing checked.
func (s *Server) typed(r *http.Request) (view.Create, error) {
	if err := r.ParseForm(); err != nil {
		return view.Create{}, bodyError(err)
	}
	get := r.PostForm.Get
	page := s.emptyCreate(r)
	page.AsText, page.Text, page.Edit = get("mode") == "text", get("text"), get("edit")
	page.Form = view.Form{
		Name: get("name"), Title: get("title"), Service: get("service"), Condition: get("condition"), Good: get("good"),
		MaxDuration: get("max_duration"), Target: get("target"), Window: get("window"),
	}
	if page.Edit != "" {
		page.Title = "Edit " + page.Edit
	}
	return page, nil
}

// read turns what was typed into a document and reads it. Faults are put
// beside what they are about; then there is no definition.
func (s *Server) read(ctx context.Context, page *view.Create) (document []byte, definitions []slo.SLO, err error) {
	if page.AsText {
		document = []byte(page.Text)
	} else {
		definition, faults := page.Form.SLO()
		if len(faults) > 0 {
			page.Faults = view.NewFormFaults(faults)
			return nil, nil, nil
		}
		if document, err = s.settings.Drafts.Format(definition); err != nil {
			return nil, nil, err
		}
	}
	definitions, err = s.settings.Drafts.Check(ctx, "document", document)
	if faults, ok := errors.AsType[slo.DocumentErrors](err); ok {
		page.Faults = faultsOf(*page, faults)
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, d := range definitions {
		if _, exists := s.find(d.Name); exists && d.Name != page.Edit {
			page.Replaces = true
		}
	}
	return document, definitions, nil
}

func faultsOf(page view.Create, faults slo.DocumentErrors) view.FormFaults {
	if page.AsText {
		return view.NewTextFaults(faults)
	}
	return view.NewFormFaults(faults)
}

// createText shows what was typed into the form as a document.
func (s *Server) createText(c *gin.Context) {
	s.convert(c, func(page *view.Create, document []byte, _ []slo.SLO) { page.AsText, page.Text = true, string(document) })
}

// createForm shows the document as a form, if that can hold all of it.
func (s *Server) createForm(c *gin.Context) {
	s.convert(c, func(page *view.Create, _ []byte, definitions []slo.SLO) {
		if len(definitions) != 1 {
			page.Why = "it has several documents"
			return
		}
		form, why := view.NewForm(definitions[0])
		if page.Why = why; why == "" {
			page.Form, page.AsText = form, false
		}
	})
}

// convert reads what was typed and lets it be shown in the other mode.
func (s *Server) convert(c *gin.Context, to func(*view.Create, []byte, []slo.SLO)) {
	page, err := s.typed(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	document, definitions, err := s.read(c.Request.Context(), &page)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	if definitions != nil {
		to(&page, document, definitions)
	}
	s.showWith(c, statusOf(page), page)
}

// statusOf tells a page with faults from one without.
func statusOf(page view.Create) int {
	if page.Faults.Any() {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// createPreview shows what it would have counted: the preview alone to htmx,
// which asked for no more, and the whole page to a browser without scripts.
func (s *Server) createPreview(c *gin.Context) {
	page, err := s.typed(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	_, definitions, err := s.read(c.Request.Context(), &page)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	if len(definitions) > 0 {
		page.Preview = s.preview(c.Request.Context(), definitions[0])
	}
	if c.GetHeader("HX-Request") == "true" {
		s.showPart(c, "preview", page)
		return
	}
	s.showWith(c, statusOf(page), page)
}

// preview judges the newest spans; the page is worth showing without it.
func (s *Server) preview(ctx context.Context, definition slo.SLO) *view.Preview {
	found, err := s.settings.Drafts.Preview(ctx, definition.Indicator)
	if err != nil {
		s.logger.ErrorContext(ctx, "preview", "slo", definition.Name, "error", err)
		return &view.Preview{Faults: view.FormFaults{Other: []view.Fault{{Reason: "What it would count is not known: " + err.Error()}}}}
	}
	return view.NewPreview(found, definition.Objectives[0].Target, s.clock())
}

// create applies what was typed and goes to the page of the new objective.
func (s *Server) create(c *gin.Context) {
	page, err := s.typed(c.Request)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	document, definitions, err := s.read(c.Request.Context(), &page)
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	if definitions == nil {
		s.showWith(c, http.StatusUnprocessableEntity, page)
		return
	}
	applied, err := s.settings.Definitions.Apply(c.Request.Context(), "document", document)
	faults, faulty := errors.AsType[slo.DocumentErrors](err)
	switch {
	case faulty:
		page.Faults = faultsOf(page, faults)
		s.showWith(c, http.StatusUnprocessableEntity, page)
	case err != nil:
		s.fail(c.Writer, c.Request, err)
	default:
		c.Redirect(http.StatusSeeOther, "/slos/"+url.PathEscape(applied[0].SLO.Name))
	}
}
