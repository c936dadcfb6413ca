package convert

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of OpenSLO's texts, and of Slowburn's where it has none.
const (
	maxName        = 63
	maxDescription = 1050
	maxLine        = 255
	maxAnnotation  = 4096
	maxEntries     = 64
)

// named gives an SLO its name: that of RFC 1123 which is nearest to the one it
// had, which is kept as the display name.
func (r *reader) named(at field, name string) metadata {
	clean := cleanName(name, "")
	if clean == "" {
		r.refuse(at, "the name %q has no letter or digit of a-z and 0-9 to keep", excerpt(name))
		return metadata{}
	}
	if clean != name {
		r.note(at, "the name %s is %s: OpenSLO's names are of a-z, 0-9 and -, at most %d of them", excerpt(name), clean, maxName)
	}
	if first, ok := r.taken[clean]; ok {
		r.refuse(at, "the name %s is that of the SLO in line %d, too: rename one of them", clean, first.node.Line)
	}
	r.taken[clean] = at
	m := metadata{Name: clean}
	if clean != name {
		m.DisplayName = cut(name, maxName)
	}
	return m
}

// cleanName is a name of RFC 1123 that ends with a suffix.
func cleanName(name, suffix string) string {
	clean := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	clean = strings.Trim(clean, "-")
	return strings.TrimRight(clean[:min(len(clean), maxName-len(suffix))], "-") + suffix
}

// cut is the beginning of a text, in one line.
func cut(text string, limit int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// description is a text of at most 1050 characters.
func (r *reader) description(f field) string {
	return r.prose(f, maxDescription)
}

// prose is text of at most so many characters.
func (r *reader) prose(f field, limit int) string {
	text := r.text(f)
	if n := utf8.RuneCountInString(text); n > limit {
		r.note(f, "has %d characters and is cut after %d", n, limit)
		return string([]rune(text)[:limit])
	}
	return text
}

// labels reads labels with keys as OpenSLO has them.
func (r *reader) labels(f field) map[string][]string {
	all := map[string][]string{}
	for key, value := range r.keyed(f, maxLine, r.line) {
		all[key] = []string{value}
	}
	return all
}

// annotations reads annotations with keys as OpenSLO has them.
func (r *reader) annotations(f field) map[string]string {
	return r.keyed(f, maxAnnotation, r.prose)
}

func (r *reader) keyed(f field, limit int, read func(field, int) string) map[string]string {
	raw, all := r.texts(f, func(value field) string { return read(value, limit) }), map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		clean := cleanKey(key)
		switch _, twice := all[clean]; {
		case clean == "":
			r.note(f, "%q is left out: no part of it can be a key", excerpt(key))
			continue
		case twice:
			r.note(f, "%s is left out: there is %s already", excerpt(key), clean)
			continue
		case clean != key:
			r.note(f, "%s is %s: keys begin and end with a letter or digit, with -, _ and . between them, at most %d", excerpt(key), clean, maxName)
		}
		all[clean] = raw[key]
	}
	return all
}

func cleanKey(key string) string {
	key = regexp.MustCompile(`[^a-zA-Z0-9._-]+`).ReplaceAllString(key, "_")
	key = strings.Trim(key, "-_.")
	return strings.TrimRight(key[:min(len(key), maxName)], "-_.")
}

// merged is the union of maps; later ones win.
func merged[V any](all ...map[string]V) map[string]V {
	sum := map[string]V{}
	for _, one := range all {
		maps.Copy(sum, one)
	}
	return sum
}

// bounded leaves out what is beyond 64 entries.
func bounded[V any](r *reader, at field, all map[string]V) map[string]V {
	if len(all) <= maxEntries {
		return all
	}
	keys := slices.Sorted(maps.Keys(all))
	r.note(at, "of %d entries the first %d are carried over, up to %s", len(keys), maxEntries, keys[maxEntries-1])
	for _, key := range keys[maxEntries:] {
		delete(all, key)
	}
	return all
}
