package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// requestName is the file that the server names for what is sent to it.
const requestName = "request"

// sloRequest are the documents of all files as one stream, so that they come
// into force together. The n-th document of the stream is the n-th object.
type sloRequest struct {
	body    []byte
	objects []openslo.Object
}

// newSLORequest puts a stream together. The text of a document is the same
// whatever it is sent with, so that a server that has it says "unchanged".
func newSLORequest(objects []openslo.Object, strict bool) (sloRequest, error) {
	r := sloRequest{objects: objects}
	for _, o := range objects {
		r.body = append(r.body, "---\n"...)
		r.body = append(append(r.body, bytes.TrimSpace(streamed(o.Source))...), '\n')
	}
	if len(r.body) > maxFileBytes {
		return r, fmt.Errorf("the documents are %d bytes together, and one change may have %d (1 MiB): apply fewer files at a time", len(r.body), maxFileBytes)
	}
	sent, _, err := openslo.Parse(requestName, r.body, modeOf(strict))
	if err != nil {
		return r, fmt.Errorf("the documents cannot be sent together: %w", err)
	}
	for i, o := range objects {
		if len(sent) != len(objects) || sent[i].ObjectRef != o.ObjectRef || len(sent[i].Lines) != len(o.Lines) {
			return r, fmt.Errorf("%s: document %d: %s would be read as something else with the others: apply the file alone", o.File, o.Document, o)
		}
	}
	return r, nil
}

// home moves what the server says of the request to the file that it is about.
// The fields of a document are where they are, however it was sent.
func (r sloRequest) home(f documentFault) documentFault {
	if f.File != requestName || f.Document < 1 || f.Document > len(r.objects) {
		return f
	}
	o := r.objects[f.Document-1]
	f.File, f.Document, f.Line = o.File, o.Document, lineOf(o, f.Field)
	return f
}

func (r sloRequest) allHome(faults []documentFault) []documentFault {
	out := make([]documentFault, len(faults))
	for i, f := range faults {
		out[i] = r.home(f)
	}
	return out
}

// streamed is the text of a document as one of a stream of YAML.
func streamed(source []byte) []byte {
	if json.Valid(source) {
		return yamlOfJSON(source)
	}
	return withoutMarker(source)
}

// withoutMarker takes the line "---" away that stands after comments or
// directives, and the directives: before them another document ends.
func withoutMarker(source []byte) []byte {
	var head []byte
	rest := source
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		switch text := strings.TrimSpace(string(line)); {
		case strings.HasPrefix(text, "---") && bytes.HasPrefix(line, []byte("---")):
			if text == "---" || strings.HasPrefix(text, "--- #") {
				return append(head, after...)
			}
			return source // The document begins on the line of the marker.
		case len(line) > 0 && line[0] == '%':
		case text == "" || text[0] == '#':
			head = append(append(head, line...), '\n')
		default:
			return source
		}
		rest = after
	}
	return source
}

// yamlOfJSON lays JSON out so that a reader of YAML takes it for the same:
// without tabs, without pairs of surrogates, and with the separators of lines,
// which only YAML knows as such, escaped.
func yamlOfJSON(source []byte) []byte {
	var laid bytes.Buffer
	if json.Indent(&laid, source, "", "  ") != nil {
		return source
	}
	text := laid.Bytes()
	var out []byte
	for i := 0; i < len(text); {
		if text[i] != '\\' {
			r, size := utf8.DecodeRune(text[i:])
			switch r {
			case '\u0085', '\u2028', '\u2029', '\ufeff':
				out = fmt.Appendf(out, `\u%04x`, r)
			default:
				out = append(out, text[i:i+size]...)
			}
			i += size
			continue
		}
		switch text[i+1] {
		case 'u':
			r, size := escapedRune(text[i:])
			if r > 0xffff {
				out = utf8.AppendRune(out, r)
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
			i += size
		case '/':
			out = append(out, '/')
			i += 2
		default:
			out = append(out, text[i:i+2]...)
			i += 2
		}
	}
	return out
}

// escapedRune reads \uXXXX, or a pair of surrogates, and says how long it is. A
// surrogate alone is no character.
func escapedRune(text []byte) (r rune, size int) {
	first := hexRune(text[2:6])
	if !utf16.IsSurrogate(first) {
		return first, 6
	}
	if len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
		if pair := utf16.DecodeRune(first, hexRune(text[8:12])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

func hexRune(digits []byte) rune {
	var r rune
	for _, d := range bytes.ToLower(digits) {
		r = r<<4 | rune(strings.IndexByte("0123456789abcdef", d))
	}
	return r
}
