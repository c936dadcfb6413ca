// Package view turns what is known into pages: typed structs filled by pure
// constructors, and the templates that draw them. It knows no web framework.
package view

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed templates
var templates embed.FS

// Page is what can be rendered: a struct of this package that embeds Base.
type Page interface {
	// template is the name of the page's file, without its ending.
	template() string
}

// Renderer draws pages. It is safe for concurrent use.
type Renderer struct {
	pages map[string]*template.Template
}

// New parses the templates, one set a page: the layout, the components, the
// page. Asset gives the address of a static file.
func New(asset func(name string) (string, error)) (*Renderer, error) {
	shared, err := template.New("shared").
		Option("missingkey=error").
		Funcs(template.FuncMap{"asset": asset, "field": newField}).
		ParseFS(templates, "templates/layout/*.html", "templates/component/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse the templates: %w", err)
	}
	files, err := fs.Glob(templates, "templates/page/*.html")
	if err != nil {
		return nil, fmt.Errorf("find the pages: %w", err)
	}
	r := &Renderer{pages: make(map[string]*template.Template, len(files))}
	for _, file := range files {
		set, err := shared.Clone()
		if err == nil {
			set, err = set.ParseFS(templates, file)
		}
		if err != nil {
			return nil, fmt.Errorf("parse the page %s: %w", file, err)
		}
		r.pages[strings.TrimSuffix(path.Base(file), ".html")] = set
	}
	return r, nil
}

// LivePart is the part of a page that shows figures and is fetched again and
// again. Its template is one element with the id "live", which begins with
// "live-open" and which "main" draws, too.
const LivePart = "live"

// Render draws the whole page, or returns an error and nothing: half a page is
// never sent.
func (r *Renderer) Render(page Page) ([]byte, error) { return r.RenderPart("layout", page) }

// RenderPart draws one template of a page, with the whole page's struct.
func (r *Renderer) RenderPart(part string, page Page) ([]byte, error) {
	set, found := r.pages[page.template()]
	if !found {
		return nil, fmt.Errorf("there is no template for the page %q", page.template())
	}
	var body bytes.Buffer
	if err := set.ExecuteTemplate(&body, part, page); err != nil {
		return nil, fmt.Errorf("render %q of the page %q: %w", part, page.template(), err)
	}
	return body.Bytes(), nil
}

// Pages are the names of all pages, sorted.
func (r *Renderer) Pages() []string {
	names := make([]string, 0, len(r.pages))
	for name := range r.pages {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
