package convert

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// field is a value of a document, and where it stands. One that is absent has
// no node, or one of null.
type field struct {
	path string
	node *yaml.Node
}

func (f field) present() bool {
	return f.node != nil && (f.node.Kind != yaml.ScalarNode || f.node.Tag != "!!null")
}

// fields are the members of an object by their names in the snake case.
type fields struct {
	self    field
	members map[string]field
}

// get is a member, perhaps an absent one, which stands where its object does.
func (o fields) get(name string) field {
	if member, ok := o.members[name]; ok {
		return member
	}
	return field{path: join(o.self.path, name), node: nil}.near(o.self)
}

// near gives an absent field the line of what it is missing from.
func (f field) near(other field) field {
	if other.node != nil {
		f.node = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: other.node.Line}
	}
	return f
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// object reads an object. Its members may be written in snake case or in camel
// case, as Sloth does in files and in Kubernetes. What is not known is noted.
func (r *reader) object(f field, known ...string) fields {
	o := fields{self: f, members: map[string]field{}}
	var unknown []string
	for _, member := range r.pairs(f) {
		name := snake(member.name)
		if !slices.Contains(known, name) {
			unknown = append(unknown, member.name)
			continue
		}
		if _, twice := o.members[name]; twice {
			r.refuse(member.value, "is given twice")
		}
		o.members[name] = member.value
	}
	if len(unknown) > 0 {
		r.note(f, "not carried over: %s", strings.Join(unknown, ", "))
	}
	return o
}

type pair struct {
	name  string
	value field
}

// pairs are the members of an object in their order, those without a value left out.
func (r *reader) pairs(f field) []pair {
	if !f.present() {
		return nil
	}
	if f.node.Kind != yaml.MappingNode {
		r.refuse(f, "must be an object, found %s", kindOf(f.node))
		return nil
	}
	var all []pair
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		key, value := f.node.Content[i], f.node.Content[i+1]
		at := field{path: join(f.path, excerpt(key.Value)), node: value}
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			r.refuse(field{path: f.path, node: key}, "has a key that is no name: write out what is merged")
		case value.Kind == yaml.AliasNode:
			r.refuse(at, "is an alias of YAML: write it out")
		case at.present():
			all = append(all, pair{name: key.Value, value: at})
		}
	}
	return all
}

// items are those of a list.
func (r *reader) items(f field) []field {
	if !f.present() {
		return nil
	}
	if f.node.Kind != yaml.SequenceNode {
		r.refuse(f, "must be a list, found %s", kindOf(f.node))
		return nil
	}
	var all []field
	for i, node := range f.node.Content {
		item := field{path: fmt.Sprintf("%s[%d]", f.path, i), node: node}
		if node.Kind == yaml.AliasNode {
			r.refuse(item, "is an alias of YAML: write it out")
			continue
		}
		all = append(all, item)
	}
	return all
}

// text is a text or number as it is written, without space around it; empty if absent.
func (r *reader) text(f field) string {
	if !f.present() {
		return ""
	}
	if f.node.Kind != yaml.ScalarNode {
		r.refuse(f, "must be a text, found %s", kindOf(f.node))
		return ""
	}
	for _, c := range f.node.Value {
		if unicode.IsControl(c) && !unicode.IsSpace(c) || c == '\u0085' {
			r.refuse(f, "holds the control character %U: remove it", c)
			return ""
		}
	}
	return strings.TrimSpace(f.node.Value)
}

// line is text in one line, of at most so many characters.
func (r *reader) line(f field, limit int) string {
	text := r.text(f)
	short := cut(text, limit)
	if short != text {
		r.note(f, "is put in one line of at most %d characters", limit)
	}
	return short
}

// required is text that must be there.
func (r *reader) required(f field) string {
	text := r.text(f)
	if text == "" && (!f.present() || (f.node.Kind == yaml.ScalarNode && strings.TrimSpace(f.node.Value) == "")) {
		r.refuse(f, "is required")
	}
	return text
}

// requiredLine is a line that must be there.
func (r *reader) requiredLine(f field) string {
	if r.required(f) == "" {
		return ""
	}
	return r.line(f, maxLine)
}

// flag is true or false, or a default if absent.
func (r *reader) flag(f field, otherwise bool) bool {
	if !f.present() {
		return otherwise
	}
	if f.node.Kind != yaml.ScalarNode || f.node.Tag != "!!bool" {
		r.refuse(f, "must be true or false")
		return otherwise
	}
	return strings.EqualFold(f.node.Value, "true")
}

// texts are a map of texts, of which read reads each.
func (r *reader) texts(f field, read func(field) string) map[string]string {
	all := map[string]string{}
	for _, member := range r.pairs(f) {
		if _, twice := all[member.name]; twice {
			r.refuse(member.value, "is given twice")
		}
		all[member.name] = read(member.value)
	}
	return all
}

// snake is a name in snake case: errorQuery is error_query.
func snake(name string) string {
	var b strings.Builder
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "an object"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return excerpt(n.Value)
	case yaml.DocumentNode, yaml.AliasNode:
	}
	return "something else"
}

// excerpt is the beginning of a text, to be named in a line.
func excerpt(text string) string {
	const limit = 60
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return string(runes)
}
