package slo

import "unicode"

// Invisible finds a character of a line that nobody sees: one that turns the
// text around it (U+202E), a space of no width (U+200B), a filler. Two names
// that look the same would be two, or one would read as another. Joiners and
// variation selectors behind other than ASCII are kept, because Persian, the
// scripts of India and emoji are written with them.
func Invisible(text string) (rune, bool) {
	before := rune(0)
	for _, c := range text {
		joins := c == '\u200c' || c == '\u200d' || unicode.Is(unicode.Variation_Selector, c)
		hidden := unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) || c == '\u2800' // Braille without dots.
		if hidden && (!joins || before <= unicode.MaxASCII) {
			return c, true
		}
		before = c
	}
	return 0, false
}
