package main

import (
	"errors"
	"net/url"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// parseDocuments lets the catalog read OpenSLO: the SLOs of a file, with what
// they refer to in the same file.
func parseDocuments(file string, data []byte) ([]catalog.Document, error) {
	objects, _, err := openslo.Parse(file, data, openslo.Lenient)
	if err != nil {
		return nil, err
	}
	library := make(map[slo.ObjectRef]openslo.Object, len(objects))
	for _, o := range objects {
		library[o.ObjectRef] = o
	}
	find := func(ref slo.ObjectRef) (openslo.Object, bool) {
		o, found := library[ref]
		return o, found
	}
	var documents []catalog.Document
	var faults slo.DocumentErrors
	for _, o := range objects {
		if o.Kind != slo.KindSLO {
			continue
		}
		definition, _, err := openslo.Resolve(o, find)
		if wrong, ok := errors.AsType[slo.DocumentErrors](err); ok {
			faults = append(faults, wrong...)
		}
		documents = append(documents, catalog.Document{SLO: definition, Source: o.Source, Line: o.Line, Lines: o.Lines})
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return documents, nil
}

// hostOf is the host that a URL names, without its port; empty for none.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
