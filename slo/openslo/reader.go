package openslo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// reader reads one document.
type reader struct {
	*parser

	mode     Mode
	document int
	// object is the kind and name for faults, as far as known.
	object string
	// secret keeps what is written in the document out of all faults.
	secret     bool
	lines      map[string]int
	references []Reference
	// faulty are the fields that were refused.
	faulty map[string]bool
}

// value is one value of a document, or the place where one is missing.
type value struct {
	// node is nil where the value is missing or null.
	node *yaml.Node
	path string
	line int
}

func (v value) present() bool { return v.node != nil }

// at is a part of the value: a key or an index of it.
func (v value) at(part string, node *yaml.Node) value {
	child := value{path: v.path + part, line: v.line}
	if v.path == "" {
		child.path = strings.TrimPrefix(part, ".")
	}
	if node == nil {
		return child
	}
	node = resolve(node)
	child.line = node.Line
	if !isNull(node) {
		child.node = node
	}
	return child
}

// refuse reports a fault of a value.
func (r *reader) refuse(v value, format string, args ...any) {
	r.faulty[v.path] = true
	r.fault(slo.DocumentError{
		Document: r.document, Line: v.line, Object: r.object, Field: v.path, Reason: fmt.Sprintf(format, args...),
	})
}

// warn reports what is read otherwise than it is written, or of no use.
func (r *reader) warn(v value, format string, args ...any) {
	r.warning(slo.DocumentError{
		Document: r.document, Line: v.line, Object: r.object, Field: v.path, Reason: fmt.Sprintf(format, args...),
	})
}

// dialect reports what is not OpenSLO to the letter, but understood: a fault in
// strict mode.
func (r *reader) dialect(v value, format string, args ...any) {
	if r.mode == Strict {
		r.refuse(v, format, args...)
		return
	}
	if strings.HasPrefix(format, "unknown field") {
		format += " (ignored)"
	}
	r.warn(v, format, args...)
}

// required reports whether the value is there, and refuses it if not.
func (r *reader) required(v value) bool {
	if !v.present() {
		r.refuse(v, "is required")
	}
	return v.present()
}

// entries lists a map in its order. It refuses what is no map, keys that are
// no text, and keys that come twice.
func (r *reader) entries(v value) (keys []string, values map[string]value) {
	if v.node.Kind != yaml.MappingNode || v.node.ShortTag() != "!!map" {
		r.refuse(v, "must be a map, found %s", r.describe(v.node))
		return nil, nil
	}
	values = make(map[string]value, len(v.node.Content)/2)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := resolve(v.node.Content[i])
		child := v.at("."+pathKey(key.Value), v.node.Content[i+1])
		earlier, twin := values[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str":
			v.line = key.Line
			r.refuse(v, "the key must be text, found %s%s", r.describe(key), mergeHint(key))
			continue
		case twin:
			child.line = key.Line
			r.refuse(child, "is written twice, first on line %d: keep one", earlier.line)
			continue
		}
		r.lines[child.path] = child.line
		keys, values[key.Value] = append(keys, key.Value), child
	}
	return keys, values
}

func mergeHint(key *yaml.Node) string {
	if key.ShortTag() == "!!merge" {
		return " (a merge key): it merges a map, or a list of maps"
	}
	return ""
}

// pathKey writes a key as part of a path, quoted unless it is a plain word.
func pathKey(key string) string {
	if key == "" {
		return `""`
	}
	for _, c := range key {
		if c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("-_./", c) {
			return strconv.Quote(excerpt(key))
		}
	}
	return excerpt(key)
}

// object is a map with known fields.
type object struct {
	value

	fields map[string]value
}

// get is a field of the object, missing or not.
func (o object) get(name string) value {
	if v, found := o.fields[name]; found {
		return v
	}
	return o.at("."+name, nil)
}

// has reports whether the field is written at all, even as null.
func (o object) has(name string) bool {
	_, found := o.fields[name]
	return found
}

// asObject reads a map. Unknown fields are refused by name, or ignored with a
// warning in lenient mode; the result is false if the value is no map at all.
func (r *reader) asObject(v value, known []string) (object, bool) {
	return r.fields(v, known, r.dialect)
}

// ownObject reads a map of Slowburn's own, with no dialects to be lenient with.
func (r *reader) ownObject(v value, known []string) (object, bool) {
	return r.fields(v, known, r.refuse)
}

func (r *reader) fields(v value, known []string, report func(v value, format string, args ...any)) (object, bool) {
	keys, values := r.entries(v)
	if values == nil {
		return object{}, false
	}
	o := object{value: v, fields: make(map[string]value, len(known))}
	for _, key := range keys {
		if slices.Contains(known, key) {
			o.fields[key] = values[key]
			continue
		}
		report(values[key], "unknown field%s", suggestion(key, known))
	}
	return o, true
}

// items lists the values of a list, at most limit.
func (r *reader) items(v value, limit int) []value {
	if v.node.Kind != yaml.SequenceNode || v.node.ShortTag() != "!!seq" {
		r.refuse(v, "must be a list, found %s", r.describe(v.node))
		return nil
	}
	if len(v.node.Content) > limit {
		r.refuse(v, "has %d items, more than the limit of %d", len(v.node.Content), limit)
		return nil
	}
	items := make([]value, 0, len(v.node.Content))
	for i, node := range v.node.Content {
		item := v.at("["+strconv.Itoa(i)+"]", node)
		r.lines[item.path] = item.line
		if !item.present() {
			r.refuse(item, "must not be empty")
			continue
		}
		items = append(items, item)
	}
	return items
}
