package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// printable is text of a server or a file as it may go to a terminal, on one
// line: without characters that command it, or turn the text around.
func printable(text string) string { return escaped(text, "") }

// printableText is the same for text of several lines.
func printableText(text string) string { return escaped(text, "\n\t") }

// escaped writes what must not be printed, but for what is kept, as JSON would.
func escaped(text, kept string) string {
	if strings.IndexFunc(text, unprintable) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case unprintable(r) && !strings.ContainsRune(kept, r):
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		default:
			b.WriteRune(r)
		}
		text = text[size:]
	}
	return b.String()
}

// unprintable reports control characters, and those of formatting (Cf), which
// are invisible and may reverse what follows.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// printJSON writes a value as JSON for people and programs. Between quotes JSON
// allows more than a terminal should see.
func printJSON(w io.Writer, v any) error {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := io.WriteString(w, escaped(b.String(), "\n"))
	return err
}
