package alerting

import (
	"strings"
	"unicode"
)

// clean makes a text of unknown origin fit for one line: invalid UTF-8 becomes
// U+FFFD, spaces of any kind one blank, control and format characters (which
// could reorder or hide text) go, and what is longer than limit characters
// ends in "…".
func clean(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			return -1
		default:
			return r
		}
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	runes := 0
	for i := range s {
		if runes++; runes == limit {
			if rest := s[i:]; len([]rune(rest)) > 1 {
				return s[:i] + "…"
			}
			break
		}
	}
	return s
}
