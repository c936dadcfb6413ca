package openslo

import (
	"slices"
	"strings"
)

// isLabel reports an RFC 1123 label: 1 to 63 of a-z, 0-9 and -, with a letter
// or digit at both ends.
func isLabel(s string) bool {
	return isWord(s, "-") && strings.ToLower(s) == s
}

// isLenientName reports a name that the specification encourages to support, or
// that its own examples have: 1 to 255 letters, digits and -_.|/\, with a letter
// or digit at both ends.
func isLenientName(s string) bool {
	const inside = "-_.|/\\"
	if s == "" || len(s) > maxLabel || strings.ContainsRune(inside, rune(s[0])) || strings.ContainsRune(inside, rune(s[len(s)-1])) {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool { return !isAlphanumeric(c) && !strings.ContainsRune(inside, c) })
}

func isAlphanumeric(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// isQualified reports a key of a label: like an RFC 1123 label, with upper
// case, dots and underscores.
func isQualified(s string) bool { return isWord(s, "-_.") }

// isAnnotationKey reports a key of an annotation: a qualified name, which may
// have a domain of at most 253 characters and a slash before it.
func isAnnotationKey(s string) bool {
	domain, name, found := strings.Cut(s, "/")
	if !found {
		return isQualified(s)
	}
	return len(domain) <= 253 && isQualified(name) && !slices.ContainsFunc(strings.Split(domain, "."), func(part string) bool {
		return !isLabel(part)
	})
}

// isWord reports 1 to 63 letters, digits and characters of inside, with a
// letter or digit at both ends.
func isWord(s, inside string) bool {
	if s == "" || len(s) > maxName || strings.ContainsRune(inside, rune(s[0])) || strings.ContainsRune(inside, rune(s[len(s)-1])) {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool { return !isAlphanumeric(c) && !strings.ContainsRune(inside, c) })
}

// suggestion names the known word that somebody probably meant.
func suggestion(key string, known []string) string {
	for _, name := range slices.Sorted(slices.Values(known)) {
		if strings.EqualFold(key, name) || oneEditAway(key, name) {
			return ": do you mean " + name + "?"
		}
	}
	return ": known are " + strings.Join(known, ", ")
}

// oneEditAway reports whether a becomes b by one letter more, one less, one
// replaced, or two neighbours exchanged.
func oneEditAway(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) {
		return false
	}
	exchanged := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	return a[i+1:] == b[i+1:] || exchanged
}
