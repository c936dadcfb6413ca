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
	definition, counted, err := s.settings.Drafts.Draft(r.Context(), operation)
	if err != nil {
		return page, err
	}
	form, why := view.NewForm(definition)
	if why != "" {
		return page, fmt.Errorf("the draft for %+v does not fit the form: %s", operation, why)
	}
	page.Form = form
	if operation.Service != "" {
		page.Preview = view.NewPreview(counted, definition.Objectives[0].Target, s.clock())
	}
	return page, nil
}

// edited opens the document of an SLO as it was written; as a form it would
// lose its comments, which whoever edits may choose.
func (s *Server) edited(page view.Create, name string) (view.Create, error) {
	status, err := s.settings.Statuses.Status(name)
	if err != nil {
		return page, err
	}
	if origin := status.Definition.Origin; origin != "" {
		return page, refuse(http.StatusConflict, "%s comes from the file %s: change the file instead", name, origin)
	}
	page.Edit, page.Title, page.AsText = name, "Edit "+name, true
	page.Text = string(status.Definition.Document)
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
	definitions, warnings, err := s.settings.Drafts.Check(ctx, slo.Documents{File: "document", Data: document})
	if faults, ok := errors.AsType[slo.DocumentErrors](err); ok {
		page.Faults = faultsOf(*page, faults)
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	page.Warnings = view.NewTextWarnings(warnings)
	if len(definitions) == 0 {
		page.Faults = view.FormFaults{Other: []view.Fault{{Reason: "holds no SLO: apply other objects through the API, or with the SLO that refers to them"}}}
		return nil, nil, nil
	}
	if fault := s.naming(page, definitions); fault != "" {
		page.Faults.Name = fault
		if page.AsText {
			page.Faults = view.FormFaults{Other: []view.Fault{{Field: "metadata.name", Reason: fault}}}
		}
		return nil, nil, nil
	}
	return document, definitions, nil
}

// naming notes which SLOs would be replaced, and says what is wrong with a
// name: one that belongs to a file, or one that is not that of the SLO edited.
func (s *Server) naming(page *view.Create, definitions []slo.SLO) (fault string) {
	for _, d := range definitions {
		status, exists := s.find(d.Name)
		switch {
		case page.Edit != "" && d.Name != page.Edit:
			return "is that of " + page.Edit + " while it is edited: create a new objective for another name"
		case exists && status.Definition.Origin != "":
			return d.Name + " comes from the file " + status.Definition.Origin + ": change the file, or choose another name"
		case exists && page.Edit == "":
			page.Replaces = true
		}
	}
	return ""
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
		if len(definitions) > 1 {
			page.Preview.Of = definitions[0].Name
		}
	}
	if c.GetHeader("HX-Request") == "true" {
		s.showPart(c, "preview", page)
		return
	}
	s.showWith(c, statusOf(page), page)
}

// preview judges the newest spans; the page is worth showing without it.
func (s *Server) preview(ctx context.Context, definition slo.SLO) *view.Preview {
	found, err := s.settings.Drafts.Preview(ctx, definition.IndicatorOf(0))
	if err != nil {
		s.logger.WarnContext(ctx, "preview", "slo", definition.Name, "error", err)
		return &view.Preview{Fault: "What it would count is not known at the moment: try again in a few seconds. The log of the server says more."}
	}
	if v := definition.IndicatorOf(0).Value; v != nil && v.Raw != "" {
		found.Counts = slo.UnitRawEvent.Whole(found.Counts)
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
	_, err = s.settings.Definitions.Apply(c.Request.Context(), slo.Documents{File: "document", Data: document})
	faults, faulty := errors.AsType[slo.DocumentErrors](err)
	switch {
	case faulty:
		page.Faults = faultsOf(page, faults)
		s.showWith(c, http.StatusUnprocessableEntity, page)
	case err != nil:
		// What was typed is not lost: the page says what stood in the way.
		p := problemOf(err)
		s.logger.ErrorContext(c.Request.Context(), "apply", "error", err)
		page.Faults.Other = []view.Fault{{Reason: "It was not applied: " + p.Detail}}
		s.showWith(c, p.Status, page)
	default:
		c.Redirect(http.StatusSeeOther, "/slos/"+url.PathEscape(definitions[0].Name))
	}
}
