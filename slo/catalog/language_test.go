package catalog_test

import (
	"bytes"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
)

const conditionField = "spec.indicator.spec.ratioMetric.good.metricSource.spec.condition"

// Parse reads a language of one line a document. "name condition rest" is an
// SLO and "Kind:name condition rest" another object; a word "@Kind:name"
// refers to one, as the condition to an SLI whose condition it then is. A line
// of "!", or "!Kind" if that is known, cannot be read, but names its further words; a
// document with the word "torn" has a fault. A file of "?" is an error of another kind, the word
// "odd-but-fine" a warning, which is a fault to who is strict.
func (w *world) Parse(file string, data []byte, strict bool) ([]catalog.Object, slo.DocumentWarnings, error) {
	w.with(func(w *world) { w.parsed++ })
	var (
		objects  []catalog.Object
		warnings slo.DocumentWarnings
		faults   slo.DocumentErrors
	)
	for i, line := range strings.Split(string(data), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		kind, unread := strings.CutPrefix(words[0], "!")
		switch {
		case words[0] == "?":
			return nil, nil, errDown
		case unread:
			faults = append(faults, slo.DocumentError{File: file, Line: i + 1, Reason: "is wrong"})
			objects = append(objects, catalog.Object{ObjectRef: ref(slo.Kind(kind), ""), File: file, Document: len(objects) + 1, Line: i + 1, Broken: true, Names: words[1:]})
			continue
		}
		o := catalog.Object{
			ObjectRef: refOf(words[0]), File: file, Document: len(objects) + 1, Line: i + 1,
			Lines:  map[string]int{"metadata.name": i + 1, conditionField: 100 + i},
			Source: []byte(line), Content: words[1:],
		}
		for n, word := range words[1:] {
			if word == "torn" {
				o.Broken = true
				faults = append(faults, slo.DocumentError{File: file, Document: o.Document, Line: i + 1, Object: o.String(), Reason: "is torn"})
			}
			if word == "odd-but-fine" {
				warnings = append(warnings, slo.DocumentError{File: file, Line: i + 1, Object: o.String(), Reason: "is odd"})
			}
			if to, refers := strings.CutPrefix(word, "@"); refers {
				field := "spec.other"
				if n == 0 {
					field = "spec.indicatorRef"
				}
				o.References = append(o.References, catalog.Reference{ObjectRef: refOf(to), Field: field})
			}
		}
		objects = append(objects, o)
	}
	if strict {
		faults, warnings = append(faults, warnings...), nil
	}
	if len(faults) > 0 {
		return objects, nil, faults
	}
	return objects, warnings, nil
}

func refOf(word string) slo.ObjectRef {
	if kind, name, found := strings.Cut(word, ":"); found {
		return ref(slo.Kind(kind), name)
	}
	return ref(slo.KindSLO, word)
}

// Resolve puts in the condition of the SLI, and makes a policy of everything
// else that the SLO refers to, with the words that that has. What an object
// says of "unfit" no SLO can be made of.
func (*world) Alike(a, b []byte) bool { return bytes.Equal(bytes.TrimSpace(a), bytes.TrimSpace(b)) }

func (w *world) Resolve(o catalog.Object, find func(slo.ObjectRef) (catalog.Object, bool)) (slo.SLO, slo.DocumentWarnings, error) {
	w.with(func(w *world) { w.resolved++ })
	s := slo.SLO{Name: o.Name, Objectives: []slo.Objective{{}}}
	words := o.Content.([]string)
	var warnings slo.DocumentWarnings
	var add func(word string) *slo.DocumentError
	add = func(word string) *slo.DocumentError {
		to, refers := strings.CutPrefix(word, "@")
		if !refers {
			return nil
		}
		found, exists := find(refOf(to))
		if !exists {
			return &slo.DocumentError{File: o.File, Document: o.Document, Line: o.Line, Object: o.String(), Reason: "finds nothing"}
		}
		said, known := found.Content.([]string)
		if !known {
			return nil
		}
		s.References = append(s.References, found.ObjectRef)
		if strings.Join(said, " ") == "unfit" {
			return &slo.DocumentError{File: o.File, Document: o.Document, Line: o.Line, Object: o.String(), Field: "spec.indicatorRef", Reason: "does not fit"}
		}
		s.Policies = append(s.Policies, slo.AlertPolicy{Name: found.Name, Description: strings.Join(said, " ")})
		for _, word := range said {
			if fault := add(word); fault != nil {
				return fault
			}
			if word == "old" {
				warnings = append(warnings, slo.DocumentError{File: o.File, Line: o.Line, Object: o.String(), Reason: "rests on something old"})
			}
		}
		return nil
	}
	for _, word := range words {
		if fault := add(word); fault != nil {
			return s, nil, slo.DocumentErrors{*fault}
		}
	}
	condition := append(words, "")[0]
	if to, refers := strings.CutPrefix(condition, "@"); refers {
		found, _ := find(refOf(to))
		said, known := found.Content.([]string)
		if !known {
			return s, nil, slo.DocumentErrors{}
		}
		condition = append(said, "")[0]
	}
	s.Indicator = slo.Indicator{Good: &slo.SpanSource{Condition: condition}}
	if len(words) > 1 {
		s.Description = strings.Join(words[1:], " ")
	}
	return s, warnings, nil
}
