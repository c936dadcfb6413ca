package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/slo/exclusion"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

var _ catalog.Language = language{}

// language lets the catalog read OpenSLO.
type language struct{}

// Parse implements catalog.Language.
func (language) Parse(file string, data []byte, strict bool) ([]catalog.Object, slo.DocumentWarnings, error) {
	mode := openslo.Lenient
	if strict {
		mode = openslo.Strict
	}
	parsed, warnings, err := openslo.Read(file, data, mode)
	objects := make([]catalog.Object, len(parsed))
	for i, o := range parsed {
		objects[i] = catalog.Object{
			ObjectRef: o.ObjectRef, File: o.File, Document: o.Document, Line: o.Line, Lines: o.Lines, Source: o.Source, Content: o,
			Broken: o.Broken, Names: o.Names,
		}
		for _, r := range o.References {
			objects[i].References = append(objects[i].References, catalog.Reference(r))
		}
	}
	return objects, warnings, err
}

// Resolve implements catalog.Language.
func (language) Resolve(o catalog.Object, find func(slo.ObjectRef) (catalog.Object, bool)) (slo.SLO, slo.DocumentWarnings, error) {
	root, err := read(o)
	if err != nil {
		return slo.SLO{}, nil, err
	}
	s, warnings, err := openslo.Assemble(root, func(ref slo.ObjectRef) (openslo.Object, bool) {
		found, ok := find(ref)
		if !ok {
			return openslo.Object{}, false
		}
		object, err := read(found)
		return object, err == nil
	})
	faults, ok := errors.AsType[slo.DocumentErrors](err)
	if err != nil && !ok {
		return s, warnings, err
	}
	if more := faultsOfExclusions(root, s.Exclusions); len(more) > 0 {
		return s, warnings, append(faults, more...)
	}
	return s, warnings, err
}

// Alike implements catalog.Language: the command line lays documents out so that
// they can be sent as one stream.
func (language) Alike(a, b []byte) bool {
	return bytes.Equal(bytes.TrimSpace(streamed(a)), bytes.TrimSpace(streamed(b)))
}

// faultsOfExclusions are of those that cannot be, of which OpenSLO knows nothing.
// One that has a fault already has no other.
func faultsOfExclusions(o openslo.Object, all []slo.Exclusion) slo.DocumentErrors {
	var faults slo.DocumentErrors
	for i, e := range all {
		field := fmt.Sprintf("metadata.annotations.slowburn.dev/exclusions[%d]", i)
		if o.Faulty(field) {
			continue
		}
		if part, err := exclusion.Check(e); err != nil {
			faults = append(faults, faultOf(o, field+"."+part, "%v", err))
		}
	}
	return faults
}

// expand finds when exclusions are, for the engine. What is in force was checked
// when it was applied, so that it can be expanded.
func (p *platform) expand(all []slo.Exclusion, from, to time.Time) []slo.Excluded {
	excluded, err := exclusion.Expand(all, from, to)
	if err != nil {
		p.logger.Error("exclusions could not be expanded: nothing is excluded by them", "error", err)
	}
	return excluded
}

// read gives back what Parse read, at the place that the catalog knows it at.
func read(o catalog.Object) (openslo.Object, error) {
	object, ok := o.Content.(openslo.Object)
	switch {
	case !ok && o.Broken: // The catalog knows that it is there, and no more.
		return openslo.Object{ObjectRef: o.ObjectRef, File: o.File, Broken: true}, nil
	case !ok:
		return openslo.Object{}, fmt.Errorf("%s: was not read by this language", o)
	}
	object.File, object.Document, object.Line, object.Lines = o.File, o.Document, o.Line, o.Lines
	return object, nil
}

// hostOf is the host that a URL names, without its port; empty for none.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
