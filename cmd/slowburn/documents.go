package main

import (
	"net/url"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

var _ catalog.Language = language{}

// language lets the catalog read OpenSLO.
type language struct{}

// Parse implements catalog.Language.
func (language) Parse(file string, data []byte, _ bool) ([]catalog.Object, slo.DocumentWarnings, error) {
	parsed, err := openslo.Parse(file, data)
	if err != nil {
		return nil, nil, err
	}
	objects := make([]catalog.Object, len(parsed))
	for i, d := range parsed {
		objects[i] = catalog.Object{
			ObjectRef: slo.ObjectRef{Kind: slo.KindSLO, Name: d.SLO.Name},
			File:      file, Document: i + 1, Line: d.Line, Lines: d.Lines, Source: d.Source, Content: d.SLO,
		}
	}
	return objects, nil, nil
}

// Resolve implements catalog.Language.
func (language) Resolve(o catalog.Object, _ func(slo.ObjectRef) (catalog.Object, bool)) (slo.SLO, slo.DocumentWarnings, error) {
	definition, _ := o.Content.(slo.SLO)
	return definition, nil, nil
}

// hostOf is the host that a URL names, without its port; empty for none.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
