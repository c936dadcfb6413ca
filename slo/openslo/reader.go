package openslo

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

// reader reads one document.
type reader struct {
	*parser

	document int
	// object is the kind and name for faults, as far as known.
	object string
	lines  map[string]int
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
	r.fault(slo.DocumentError{
		Document: r.document, Line: v.line, Object: r.object, Field: v.path, Reason: fmt.Sprintf(format, args...),
	})
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
		r.refuse(v, "must be a map, found %s", describe(v.node))
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
			r.refuse(v, "the key must be text, found %s%s", describe(key), mergeHint(key))
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
		return " (a merge key): write the fields out"
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
	// refused are the fields that were there and are not supported yet.
	refused map[string]bool
}

// get is a field of the object, missing or not.
func (o object) get(name string) value {
	if v, found := o.fields[name]; found {
		return v
	}
	return o.at("."+name, nil)
}

// later are fields of the specification that Slowburn does not support yet,
// each with what to write instead, or nothing.
type later map[string]string

// asObject reads a map. Fields for later and unknown fields are refused, by
// name; the result is false if the value is no map at all.
func (r *reader) asObject(v value, known []string, unsupported later) (object, bool) {
	keys, values := r.entries(v)
	if values == nil {
		return object{}, false
	}
	o := object{value: v, fields: make(map[string]value, len(known)), refused: map[string]bool{}}
	for _, name := range known {
		if child, found := values[name]; found {
			o.fields[name] = child
		}
	}
	for _, key := range keys {
		child := values[key]
		if _, found := o.fields[key]; found {
			continue
		}
		instead, isLater := unsupported[key]
		switch {
		case !isLater:
			r.refuse(child, "unknown field%s", suggestion(key, known, unsupported))
		case child.present():
			o.refused[key] = true
			r.refuse(child, "%s is not supported yet%s", key, instead)
		}
	}
	return o, true
}

// items lists the values of a list, at most limit.
func (r *reader) items(v value, limit int) []value {
	if v.node.Kind != yaml.SequenceNode || v.node.ShortTag() != "!!seq" {
		r.refuse(v, "must be a list, found %s", describe(v.node))
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

// name reads required text of one line that is not empty, of at most maxLabel
// bytes.
func (r *reader) name(v value) string {
	if !r.required(v) {
		return ""
	}
	text, ok := r.text(v, maxLabel)
	if ok && strings.TrimSpace(text) == "" {
		r.refuse(v, "must not be empty")
		return ""
	}
	return text
}

// text reads optional text of one line, of at most limit characters. It
// reports whether there is nothing wrong with it.
func (r *reader) text(v value, limit int) (string, bool) {
	text, ok := r.prose(v, limit)
	if strings.ContainsAny(text, "\t\r\n") {
		r.refuse(v, "must be one line without tabs, found %q", excerpt(text))
		return "", false
	}
	return text, ok
}

// prose reads optional text of any number of lines, like text.
func (r *reader) prose(v value, limit int) (string, bool) {
	if !v.present() {
		return "", true
	}
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!str" {
		hint := ""
		if v.node.Kind == yaml.ScalarNode {
			hint = ": put it in quotes"
		}
		r.refuse(v, "must be text, found %s%s", describe(v.node), hint)
		return "", false
	}
	if n := utf8.RuneCountInString(v.node.Value); n > limit {
		r.refuse(v, "has %d characters, more than the limit of %d", n, limit)
		return "", false
	}
	for _, c := range v.node.Value {
		if isControl(c) {
			r.refuse(v, "holds the control character %U", c)
			return "", false
		}
	}
	return v.node.Value, true
}

// flag reads a boolean.
func (r *reader) flag(v value) (set, ok bool) {
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!bool" {
		r.refuse(v, "must be true or false, found %s", describe(v.node))
		return false, false
	}
	return strings.EqualFold(v.node.Value, "true"), true
}
