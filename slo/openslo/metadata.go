package openslo

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

const namePath = "metadata.name"

// The limits of the metadata, those of the specification where it has any.
const (
	maxName        = 63
	maxDisplayName = 63
	maxEntries     = 64
	maxLabel       = 255
	maxAnnotation  = 4096
	maxDescription = 1050
)

// metadata is that of an object, or of a part that is written inline.
type metadata struct {
	name        string
	displayName string
	labels      map[string][]string
	annotations map[string]string
	extensions  extensions
}

// heading is the kind and the name of a document, as far as they are sound.
func heading(node *yaml.Node) string {
	var words []string
	for _, path := range [][]string{{"kind"}, {"metadata", "name"}} {
		found := node
		for _, key := range path {
			found = lookup(found, key)
		}
		if found != nil && found.Kind == yaml.ScalarNode && (isQualified(found.Value) || isLenientName(found.Value)) {
			words = append(words, excerpt(found.Value))
		}
	}
	return strings.Join(words, " ")
}

// lookup finds the value of a key in a map, or nil.
func lookup(node *yaml.Node, key string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return resolve(node.Content[i+1])
		}
	}
	return nil
}

// requiredMetadata reads the metadata of an object or of an inline part.
func (r *reader) requiredMetadata(o object, kind slo.Kind) metadata {
	var m metadata
	v := o.get("metadata")
	if !r.required(v) {
		return m
	}
	fields, ok := r.asObject(v, []string{"name", "displayName", "labels", "annotations"})
	if !ok {
		return m
	}
	if name := fields.get("name"); r.required(name) {
		m.name = r.objectName(name)
	}
	m.displayName, _ = r.text(fields.get("displayName"), maxDisplayName)
	if labels := fields.get("labels"); labels.present() {
		m.labels = r.labels(labels)
	}
	if annotations := fields.get("annotations"); annotations.present() {
		m.annotations, m.extensions = r.annotations(annotations, kind)
	}
	return m
}

// objectName reads the name of an object, or a reference to one.
func (r *reader) objectName(v value) string {
	text, ok := r.text(v, maxLabel)
	switch {
	case !ok:
		return ""
	case isLabel(text):
	case !isLenientName(text):
		r.refuse(v, `%q must be 1 to %d of a-z, 0-9 and -, and begin and end with a letter or digit`, excerpt(text), maxName)
		return ""
	default:
		r.dialect(v, "%q should be 1 to %d of a-z, 0-9 and -, and begin and end with a letter or digit", excerpt(text), maxName)
	}
	return text
}

// reference reads a reference to an object, and keeps it.
func (r *reader) reference(v value, kind slo.Kind) string {
	name := r.objectName(v)
	if name != "" {
		r.references = append(r.references, Reference{ObjectRef: slo.ObjectRef{Kind: kind, Name: name}, Field: v.path})
	}
	return name
}

func (r *reader) labels(v value) map[string][]string {
	keys, values := r.pairs(v, "label", isQualified)
	labels := make(map[string][]string, len(keys))
	for _, key := range keys {
		label := values[key]
		if label.present() && label.node.Kind == yaml.SequenceNode {
			labels[key] = []string{}
			for _, item := range r.items(label, maxEntries) {
				text, _ := r.text(item, maxLabel)
				labels[key] = append(labels[key], text)
			}
		} else if r.required(label) {
			text, _ := r.text(label, maxLabel)
			labels[key] = []string{text}
		}
	}
	return labels
}

func (r *reader) annotations(v value, kind slo.Kind) (map[string]string, extensions) {
	var found extensions
	keys, values := r.pairs(v, "annotation", isAnnotationKey)
	annotations := make(map[string]string, len(keys))
	for _, key := range keys {
		if !r.required(values[key]) {
			continue
		}
		text, ok := r.prose(values[key], maxAnnotation)
		annotations[key] = text
		if ok && strings.HasPrefix(key, ownPrefix) {
			r.extension(&found, values[key], kind, key, text)
		}
	}
	return annotations, found
}

// pairs lists a map whose keys are the user's own.
func (r *reader) pairs(v value, what string, valid func(string) bool) (keys []string, values map[string]value) {
	keys, values = r.entries(v)
	if len(keys) > maxEntries {
		r.refuse(v, "has %d entries, more than the limit of %d", len(keys), maxEntries)
		return nil, nil
	}
	for _, key := range keys {
		if !valid(key) {
			r.refuse(values[key], "%s", keyRule(what))
		}
	}
	return keys, values
}

func keyRule(what string) string {
	rule := fmt.Sprintf("a key of %ss must be 1 to %d letters, digits and -_., and begin and end with a letter or digit", what, maxName)
	if what == "annotation" {
		rule += "; a domain and a slash may stand before it, as in slowburn.dev/owner"
	}
	return rule
}
