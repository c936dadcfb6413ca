package shape

import "encoding/binary"

// wrongID reports whether an identity has a length that is not that of one. An
// empty one is missing, which the decoder takes.
func wrongID(of Kind, content []byte) bool {
	size := 8
	if of == id16 {
		size = 16
	}
	return len(content) != 0 && len(content) != size
}

// HideWrongIDs changes an export request of spans, in place, so that it can be
// decoded although some spans have identities of wrong lengths, be it their
// own, that of their parent or one of a link: such spans lose all of these, so
// that they are found to have none and are refused alone. The request MUST have
// passed Protobuf.
func (s *Schema) HideWrongIDs(request []byte) {
	each(request, func(f field, _ []byte) {
		if s.child(Traces, f.number) != resourceSpans {
			return
		}
		each(f.content, func(f field, _ []byte) {
			if s.child(resourceSpans, f.number) != scopeSpans {
				return
			}
			each(f.content, func(f field, _ []byte) {
				if s.child(scopeSpans, f.number) == span && s.hasWrongIDs(span, f.content) {
					s.hideIDs(f.content)
				}
			})
		})
	})
}

func (s *Schema) hasWrongIDs(of Kind, message []byte) bool {
	found := false
	each(message, func(f field, _ []byte) {
		switch child := s.child(of, f.number); child { //nolint:exhaustive // No other message holds identities.
		case id16, id8:
			found = found || wrongID(child, f.content)
		case link:
			found = found || s.hasWrongIDs(link, f.content)
		}
	})
	return found
}

// hideIDs makes fields that OTLP does not have out of the identities and links
// of a span, each of the same size as before.
func (s *Schema) hideIDs(message []byte) {
	each(message, func(f field, whole []byte) {
		if child := s.child(span, f.number); child == id16 || child == id8 || child == link {
			hide(whole)
		}
	})
}

// hidden is the key of field 31 of bytes, which no message of OTLP has. It
// takes two bytes.
const hidden = 31<<3 | wireBytes

// hide fills the place of a field with one that decoders skip.
func hide(whole []byte) {
	if len(whole) <= 2 { // Empty already, and too small.
		return
	}
	n := binary.PutUvarint(whole, hidden)
	// The rest is a length and as many bytes. A length may be written longer
	// than it must be, so that both fit whatever their sum is.
	rest := whole[n:]
	width := 1
	for left := len(rest) - 1; left >= 0x80; left >>= 7 {
		width++
	}
	size := len(rest) - width
	for i := range width {
		rest[i] = byte(size>>(7*i)) & 0x7f
		if i < width-1 {
			rest[i] |= 0x80
		}
	}
}

// each hands over the fields of bytes of a message that was found well-formed,
// with their content and as a whole.
func each(message []byte, visit func(f field, whole []byte)) {
	for len(message) > 0 {
		f, err := next(message)
		if err != nil {
			return
		}
		whole := message[:f.size]
		message = message[f.size:]
		if f.wire == wireBytes {
			visit(f, whole)
		}
	}
}

// field is one field of a message.
type field struct {
	number, wire uint64
	// size is what the whole field takes, content included.
	size int
	// content is that of a field of bytes.
	content []byte
}

// next reads the field at the begin of a message.
func next(message []byte) (field, error) {
	key, n := uvarint(message)
	number := int32(key >> 3)
	if n <= 0 || number <= 0 {
		return field{}, errMalformed
	}
	f := field{number: uint64(number), wire: key & 7}
	rest := message[n:]
	if f.wire != wireBytes {
		skip := skipNumber(f.wire, rest)
		if skip < 0 {
			return field{}, errMalformed
		}
		f.size = n + skip
		return f, nil
	}
	size, m := uvarint(rest)
	if m <= 0 || size > uint64(len(rest)-m) {
		return field{}, errMalformed
	}
	f.content, f.size = rest[m:m+int(size)], n+m+int(size)
	return f, nil
}
