package shape

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// HideWrongIDsJSON is HideWrongIDs for a request in JSON: it returns one in which
// the spans with identities that are no hexadecimal of the right length have
// none at all, so that they are refused alone. It is the same request if there
// are none, or if it is not JSON. The request MUST have passed JSON.
func HideWrongIDsJSON(request []byte) []byte {
	f := finder{request: request, tokens: json.NewDecoder(bytes.NewReader(request))}
	if !f.value(nil) {
		return request
	}
	slices.SortFunc(f.hide, func(a, b [2]int) int { return a[0] - b[0] })
	var hidden []byte
	at := 0
	for _, extent := range f.hide {
		hidden = append(append(hidden, request[at:extent[0]]...), `""`...)
		at = extent[1]
	}
	return append(hidden, request[at:]...)
}

// finder walks the tokens of a request and finds the identities to hide.
type finder struct {
	request []byte
	tokens  *json.Decoder
	// ids are where the identities of the span that is being read lie, wrong
	// says that one of them is.
	ids   [][2]int
	wrong bool
	hide  [][2]int
}

// value walks the value that follows, to which a path of names leads; elements
// of an array have the array's. It reports false if there is none.
func (f *finder) value(path []string) bool {
	before := int(f.tokens.InputOffset())
	token, err := f.tokens.Token()
	if err != nil {
		return false
	}
	switch token := token.(type) {
	case json.Delim:
		return f.nested(path, token)
	case string:
		if size := idSize(path); size > 0 {
			after := int(f.tokens.InputOffset())
			begin := before + bytes.IndexByte(f.request[before:after], '"')
			text := f.request[begin+1 : after-1] // As the decoder reads it: escapes are not resolved.
			_, err := hex.Decode(make([]byte, hex.DecodedLen(len(text))), text)
			f.ids = append(f.ids, [2]int{begin, after})
			f.wrong = f.wrong || (len(text) != 0 && (err != nil || len(text) != 2*size))
		}
	}
	return true
}

// nested walks the rest of an object or an array.
func (f *finder) nested(path []string, begin json.Delim) bool {
	isSpan := begin == '{' && slices.Equal(path, spanPath())
	if isSpan {
		f.ids, f.wrong = nil, false
	}
	for f.tokens.More() {
		next := path
		if begin == '{' {
			name, err := f.tokens.Token()
			if err != nil {
				return false
			}
			text, _ := name.(string) // A name is one, or More had ended.
			next = append(slices.Clip(path), camel(text))
		}
		if !f.value(next) {
			return false
		}
	}
	if isSpan && f.wrong {
		f.hide = append(f.hide, f.ids...)
	}
	_, err := f.tokens.Token()
	return err == nil
}

func spanPath() []string { return []string{"resourceSpans", "scopeSpans", "spans"} }

// idSize is how many bytes the identity has to which a path leads, 0 if it leads
// to something else.
func idSize(path []string) int {
	depth := len(spanPath())
	if len(path) <= depth || !slices.Equal(path[:depth], spanPath()) {
		return 0
	}
	of, name := path[depth:len(path)-1], path[len(path)-1]
	if len(of) > 0 && !slices.Equal(of, []string{"links"}) {
		return 0
	}
	switch name {
	case "traceId":
		return 16
	case "spanId", "parentSpanId":
		return 8
	default:
		return 0
	}
}

// camel is a name as OTLP writes it; the decoder takes those of protobuf, too.
func camel(name string) string {
	switch name {
	case "resource_spans":
		return "resourceSpans"
	case "scope_spans":
		return "scopeSpans"
	case "trace_id":
		return "traceId"
	case "span_id":
		return "spanId"
	case "parent_span_id":
		return "parentSpanId"
	default:
		return name
	}
}
