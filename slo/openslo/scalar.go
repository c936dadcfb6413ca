package openslo

import (
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/slowburn-slo/slowburn/slo"
)

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

// text reads optional text of one line, of at most limit characters, all of
// which can be seen. It reports whether there is nothing wrong with it.
func (r *reader) text(v value, limit int) (string, bool) {
	text, ok := r.prose(v, limit)
	if strings.ContainsAny(text, "\t\r\n") {
		r.refuse(v, "must be one line without tabs, found %s", r.describe(v.node))
		return "", false
	}
	if c, found := slo.Invisible(text); found {
		r.refuse(v, "holds the invisible character %U: remove it", c)
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
		r.refuse(v, "must be text, found %s%s", r.describe(v.node), hint)
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
		r.refuse(v, "must be true or false, found %s", r.describe(v.node))
		return false, false
	}
	return strings.EqualFold(v.node.Value, "true"), true
}

// choice reads a required word out of a few.
func (r *reader) choice(v value, what string, words ...string) string {
	word := r.name(v)
	if word != "" && !slices.Contains(words, word) {
		r.refuse(v, "unknown %s %q: write %s", what, excerpt(word), anyOf(words))
		return ""
	}
	return word
}

// number reads the literal text of a number, so that 0.999 is exact.
func (r *reader) number(v value) (string, bool) {
	if tag := v.node.ShortTag(); v.node.Kind != yaml.ScalarNode || tag != "!!float" && tag != "!!int" {
		r.refuse(v, "must be a number, found %s", r.describe(v.node))
		return "", false
	}
	return v.node.Value, true
}

// decimal reads an exact number.
func (r *reader) decimal(v value) slo.Decimal {
	text, ok := r.number(v)
	if !ok {
		return ""
	}
	number, err := slo.ParseDecimal(text)
	if err != nil {
		r.refuse(v, "%v", err)
	}
	return number
}

// describe names a value as an error shows it, without what is secret.
func (r *reader) describe(node *yaml.Node) string {
	if r.secret && node.Kind == yaml.ScalarNode {
		return "a value that is not shown"
	}
	return describe(node)
}
