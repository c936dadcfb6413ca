package decompressextension

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// maxNesting bounds how deep an attribute's value may hold others. Decoding
	// recurses, and Go ends the process when a stack reaches 1 GB: a value of
	// 14 MB can nest 1.5 million times.
	maxNesting = 32
	// maxMessages bounds the messages of a request. An empty one takes two bytes
	// on the wire and some 150 in memory; a real one takes ten and more, so that
	// the bound on bytes (20 MiB) is reached first.
	maxMessages = 1_000_000
	// maxBrackets bounds the nesting of JSON: about a dozen for OTLP itself and
	// four for each level of a value.
	maxBrackets = 150
)

var (
	errNesting   = fmt.Errorf("an attribute nests more than %d values in each other", maxNesting)
	errMessages  = fmt.Errorf("the request holds more than %d messages: send less at a time", maxMessages)
	errBrackets  = fmt.Errorf("the JSON nests more than %d deep", maxBrackets)
	errMalformed = errors.New("the request is no protobuf message")
)

// kind is a message of OTLP, as far as attributes lie in it.
type kind uint8

const (
	none kind = iota // Not a message, or one without attributes.
	keyValue
	anyValue
	arrayValue
	keyValueList
	resource
	scope
	attributes3 // A message whose attributes are field 3, and that holds no other.
	attributes4 // Field 4.
	attributes7 // Field 7.
	traces
	resourceSpans
	scopeSpans
	span
	metrics
	resourceMetrics
	scopeMetrics
	metric
	numberPoints
	numberPoint
	histogramPoints
	histogramPoint
	exponentialPoints
	exponentialPoint
	summaryPoints
	summaryPoint
	logs
	resourceLogs
	scopeLogs
	logRecord
	empty // A message without attributes, which counts all the same.
	kinds
)

// schema says which fields of a message are messages.
type schema [kinds][16]kind

// newSchema is OTLP 1.x: opentelemetry-proto, common, trace, metrics and logs.
func newSchema() *schema {
	s := &schema{}
	set := func(of kind, fields map[int]kind) {
		for number, child := range fields {
			s[of][number] = child
		}
	}
	set(keyValue, map[int]kind{2: anyValue})
	set(anyValue, map[int]kind{5: arrayValue, 6: keyValueList})
	set(arrayValue, map[int]kind{1: anyValue})
	set(keyValueList, map[int]kind{1: keyValue})
	set(resource, map[int]kind{1: keyValue, 3: empty})
	set(scope, map[int]kind{3: keyValue})
	set(attributes3, map[int]kind{3: keyValue})
	set(attributes4, map[int]kind{4: keyValue})
	set(attributes7, map[int]kind{7: keyValue})

	set(traces, map[int]kind{1: resourceSpans})
	set(resourceSpans, map[int]kind{1: resource, 2: scopeSpans})
	set(scopeSpans, map[int]kind{1: scope, 2: span})
	set(span, map[int]kind{9: keyValue, 11: attributes3, 13: attributes4, 15: empty})

	set(metrics, map[int]kind{1: resourceMetrics})
	set(resourceMetrics, map[int]kind{1: resource, 2: scopeMetrics})
	set(scopeMetrics, map[int]kind{1: scope, 2: metric})
	set(metric, map[int]kind{
		5: numberPoints, 7: numberPoints, 9: histogramPoints, 10: exponentialPoints, 11: summaryPoints, 12: keyValue,
	})
	set(numberPoints, map[int]kind{1: numberPoint})
	set(numberPoint, map[int]kind{5: attributes7, 7: keyValue})
	set(histogramPoints, map[int]kind{1: histogramPoint})
	set(histogramPoint, map[int]kind{8: attributes7, 9: keyValue})
	set(exponentialPoints, map[int]kind{1: exponentialPoint})
	set(exponentialPoint, map[int]kind{1: keyValue, 8: empty, 9: empty, 11: attributes7})
	set(summaryPoints, map[int]kind{1: summaryPoint})
	set(summaryPoint, map[int]kind{6: empty, 7: keyValue})

	set(logs, map[int]kind{1: resourceLogs})
	set(resourceLogs, map[int]kind{1: resource, 2: scopeLogs})
	set(scopeLogs, map[int]kind{1: scope, 2: logRecord})
	set(logRecord, map[int]kind{5: anyValue, 6: keyValue})
	return s
}

// checkProtobuf refuses a request that would cost far more than its bytes to
// decode. It also refuses what is malformed, so that nothing passes unseen.
func (s *schema) checkProtobuf(of kind, request []byte) error {
	messages := 0
	return s.check(of, none, request, 0, &messages)
}

// check walks one message. It recurses no deeper than maxNesting allows.
func (s *schema) check(of, within kind, message []byte, nesting int, messages *int) error {
	// A value costs nothing of its own in an attribute, only in an array.
	if of != anyValue || within == arrayValue {
		if *messages++; *messages > maxMessages {
			return errMessages
		}
	}
	if of == anyValue {
		if nesting++; nesting > maxNesting {
			return errNesting
		}
	}
	for len(message) > 0 {
		key, n := uvarint(message)
		// The decoder cuts field numbers to 32 bits: 5 + 2^32 is field 5 to it.
		field := int32(key >> 3)
		if n <= 0 || field <= 0 {
			return errMalformed
		}
		message = message[n:]
		var skip uint64
		switch key & 7 {
		case 0:
			_, n := binary.Uvarint(message)
			if n <= 0 {
				return errMalformed
			}
			skip = uint64(n)
		case 1:
			skip = 8
		case 5:
			skip = 4
		case 2:
			size, n := uvarint(message)
			if n <= 0 || size > uint64(len(message)-n) {
				return errMalformed
			}
			message = message[n:]
			child := s.child(of, uint64(field))
			usual := child == anyValue && of == keyValue && nesting < maxNesting && isShortText(message[:size])
			if child != none && !usual {
				if err := s.check(child, of, message[:size], nesting, messages); err != nil {
					return err
				}
			}
			skip = size
		default: // Groups, which OTLP never had.
			return errMalformed
		}
		if skip > uint64(len(message)) {
			return errMalformed
		}
		message = message[skip:]
	}
	return nil
}

// uvarint is binary.Uvarint, at once for the usual case of one byte.
func uvarint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

// isShortText reports whether an AnyValue is a string below 128 bytes and
// nothing else.
func isShortText(value []byte) bool {
	return len(value) >= 2 && value[0] == 0x0a && value[1] < 0x80 && int(value[1]) == len(value)-2
}

// deprecatedScopes is the field in which OTLP once had what is field 2 now; the
// decoder still reads it.
const deprecatedScopes = 1000

// child is the kind of a field, none if it is not a message.
func (s *schema) child(of kind, field uint64) kind {
	if field == deprecatedScopes && (of == resourceSpans || of == resourceMetrics || of == resourceLogs) {
		field = 2
	}
	if field >= uint64(len(s[of])) {
		return none
	}
	return s[of][field]
}

// checkJSON refuses what nests too deep or holds too many objects. What is
// otherwise wrong is the decoder's to say.
func checkJSON(request []byte) error {
	depth, objects, quoted := 0, 0, false
	for i := 0; i < len(request); i++ {
		switch c := request[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxBrackets {
				return errBrackets
			}
			if objects++; objects > maxMessages {
				return errMessages
			}
		case c == '}' || c == ']':
			depth--
		case c == 'n': // null, which is an empty object as an element of an array.
			if objects++; objects > maxMessages {
				return errMessages
			}
		}
	}
	return nil
}
