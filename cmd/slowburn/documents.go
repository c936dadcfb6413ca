package main

import (
	"net/url"

	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// parseDocuments lets the catalog read OpenSLO.
func parseDocuments(file string, data []byte) ([]catalog.Document, error) {
	parsed, err := openslo.Parse(file, data)
	if err != nil {
		return nil, err
	}
	documents := make([]catalog.Document, len(parsed))
	for i, d := range parsed {
		documents[i] = catalog.Document(d)
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
