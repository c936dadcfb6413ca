package openslo

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// unreadObject stands for a document, or for a whole file, that could not be read.
func unreadObject(file string, p part) Object {
	return Object{File: file, Document: p.number, Broken: true, Names: namesIn(p.source)}
}

// known reports whether kind and name could be read.
func (o *Object) known() bool { return o.Kind != "" && o.Name != "" }

// MayBe reports whether a document whose kind or name could not be read may be
// an object: any of its kind, or one of the names in its text.
func (o *Object) MayBe(ref slo.ObjectRef) bool {
	if o.Kind != "" {
		return o.Kind == ref.Kind && o.Name == ""
	}
	_, found := slices.BinarySearch(o.Names, ref.Name)
	return found
}

// Faulty reports whether a field, or something in it, has a fault that Read
// told: what was read of it, if anything, says nothing.
func (o *Object) Faulty(field string) bool {
	for at := range o.faulty {
		rest, found := strings.CutPrefix(at, field)
		if found && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// namesIn are the texts that stand behind a key "name" in YAML or JSON, sorted.
// The text need be neither: it is looked at since it could not be read, and what
// it might have said must not be said to be missing.
func namesIn(text []byte) []string {
	names := map[string]bool{}
	for {
		_, rest, found := bytes.Cut(text, []byte("name"))
		if !found {
			return slices.Sorted(maps.Keys(names))
		}
		text = rest
		rest = bytes.TrimLeft(rest, `"'`+" \t")
		if rest, found = bytes.CutPrefix(rest, []byte(":")); !found {
			continue
		}
		rest = bytes.TrimLeft(rest, " \t\r\n")
		for len(rest) > 0 && (rest[0] == '&' || rest[0] == '!') { // An anchor or a tag.
			end := bytes.IndexAny(rest, " \t\r\n")
			if end < 0 {
				break
			}
			rest = bytes.TrimLeft(rest[end:], " \t\r\n")
		}
		rest = bytes.TrimLeft(rest, `"'`)
		end := bytes.IndexFunc(rest, func(c rune) bool { return !isAlphanumeric(c) && !strings.ContainsRune(`-_.|/\`, c) })
		if end < 0 {
			end = len(rest)
		}
		if end > 0 && end <= maxLabel {
			names[string(rest[:end])] = true
		}
	}
}
