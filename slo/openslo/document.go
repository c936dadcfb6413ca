package openslo

import (
	"fmt"
	"slices"
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
)

// read reads a whole document; what it returns is only good without faults.
func (r *reader) read(node *yaml.Node) slo.SLO {
	var definition slo.SLO
	r.object = heading(node)
	root := value{}.at("", node)
	top, ok := r.asObject(root, []string{"apiVersion", "kind", "metadata", "spec"}, nil)
	if !ok || !r.header(top) {
		return definition
	}
	if v := top.get("metadata"); r.required(v) {
		r.metadata(v, &definition)
	}
	if v := top.get("spec"); r.required(v) {
		r.spec(v, &definition)
	}
	return definition
}

// header reports whether the document is one that this package reads.
func (r *reader) header(top object) bool {
	version, kind := top.get("apiVersion"), top.get("kind")
	versionOK := r.oneOf(version, "apiVersion", []string{"openslo/v1"}, []string{"openslo/v1alpha", "openslo.com/v1", "openslo.com/v2alpha"})
	kindOK := r.oneOf(kind, "kind", []string{"SLO"}, []string{
		"DataSource", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "Service",
	})
	return versionOK && kindOK
}

// heading is the kind and the name of a document, as far as they are sound.
func heading(node *yaml.Node) string {
	var words []string
	for _, path := range [][]string{{"kind"}, {"metadata", "name"}} {
		found := node
		for _, key := range path {
			found = lookup(found, key)
		}
		if found != nil && found.Kind == yaml.ScalarNode && isQualified(found.Value) {
			words = append(words, found.Value)
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

// oneOf reads a required word out of a few. Words of the specification that
// are not supported yet are told from those that nobody knows.
func (r *reader) oneOf(v value, what string, supported, later []string) bool {
	word := r.name(v)
	choice := strings.Join(supported, " or ")
	switch {
	case word == "":
		return false
	case slices.Contains(supported, word):
		return true
	case slices.Contains(later, word):
		r.refuse(v, "%s %s is not supported yet; %s is", what, word, choice)
	default:
		r.refuse(v, "unknown %s %q: write %s", what, excerpt(word), choice)
	}
	return false
}

// metadata reads the metadata of an SLO, or of an indicator.
func (r *reader) metadata(v value, into *slo.SLO) {
	o, ok := r.asObject(v, []string{"name", "displayName", "labels", "annotations"}, nil)
	if !ok {
		return
	}
	if name := o.get("name"); r.required(name) {
		text, ok := r.text(name, maxLabel)
		switch {
		case ok && isLabel(text):
			into.Name = text
		case ok:
			r.refuse(name, "%q must be 1 to %d of a-z, 0-9 and -, and begin and end with a letter or digit", excerpt(text), maxName)
		}
	}
	into.DisplayName, _ = r.text(o.get("displayName"), maxDisplayName)
	if labels := o.get("labels"); labels.present() {
		into.Labels = r.labels(labels)
	}
	if annotations := o.get("annotations"); annotations.present() {
		into.Annotations = r.annotations(annotations)
	}
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

func (r *reader) annotations(v value) map[string]string {
	keys, values := r.pairs(v, "annotation", isAnnotationKey)
	annotations := make(map[string]string, len(keys))
	for _, key := range keys {
		if r.required(values[key]) {
			annotations[key], _ = r.prose(values[key], maxAnnotation)
		}
	}
	return annotations
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
