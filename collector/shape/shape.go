// Package shape bounds what the bytes of a request decode to, before anything
// is decoded, and finds what makes a closer look necessary afterwards.
package shape

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
	// MaxMessages bounds the messages of a request. An empty one takes two bytes
	// on the wire and some 150 in memory; a real one takes ten and more, so that
	// the bound on bytes (20 MiB) is reached first.
	MaxMessages = 1_000_000
	// MaxAttributes is how many attributes an item may have. What is beyond this
	// and the next two bounds is refused item by item, so the request has to be
	// looked through.
	MaxAttributes = 256
	// MaxValue is how many bytes an attribute's value may have. A stack trace fits
	// into 64 KiB: 4 KiB would refuse mainly what failed.
	MaxValue = 64 << 10
	// MaxNesting is how deep an attribute's value may nest.
	MaxNesting = 16
	// maxBrackets bounds the nesting of JSON: about a dozen for OTLP itself and
	// four for each level of a value.
	maxBrackets = 150
)

var (
	errNesting   = fmt.Errorf("an attribute nests more than %d values in each other", maxNesting)
	errMessages  = fmt.Errorf("the request holds more than %d messages: send less at a time", MaxMessages)
	errBrackets  = fmt.Errorf("the JSON nests more than %d deep", maxBrackets)
	errMalformed = errors.New("the request is no protobuf message")
)

// Kind is a message of OTLP, as far as attributes lie in it.
type Kind uint8

// The messages; Traces, Metrics and Logs are the export requests.
const (
	none Kind = iota // Not a message, or one without attributes.
	keyValue
	anyValue
	arrayValue
	keyValueList
	resource
	scope
	id16 // Sixteen bytes.
	id8  // Eight.
	link
	attributes3 // A message whose attributes are field 3, and that holds no other.
	attributes7 // Field 7.
	Traces
	resourceSpans
	scopeSpans
	span
	Metrics
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
	Logs
	resourceLogs
	scopeLogs
	logRecord
	empty // A message without attributes, which counts all the same.
	kinds
)

// Schema says which fields of a message are messages.
type Schema [kinds][16]Kind

// NewSchema is OTLP 1.x: opentelemetry-proto, common, trace, metrics and logs.
func NewSchema() *Schema {
	s := &Schema{}
	set := func(of Kind, fields map[int]Kind) {
		for number, child := range fields {
			s[of][number] = child
		}
	}
	set(keyValue, map[int]Kind{2: anyValue})
	set(anyValue, map[int]Kind{5: arrayValue, 6: keyValueList})
	set(arrayValue, map[int]Kind{1: anyValue})
	set(keyValueList, map[int]Kind{1: keyValue})
	set(resource, map[int]Kind{1: keyValue, 3: empty})
	set(scope, map[int]Kind{3: keyValue})
	set(attributes3, map[int]Kind{3: keyValue})
	set(link, map[int]Kind{1: id16, 2: id8, 4: keyValue})
	set(attributes7, map[int]Kind{7: keyValue})

	set(Traces, map[int]Kind{1: resourceSpans})
	set(resourceSpans, map[int]Kind{1: resource, 2: scopeSpans})
	set(scopeSpans, map[int]Kind{1: scope, 2: span})
	set(span, map[int]Kind{1: id16, 2: id8, 4: id8, 9: keyValue, 11: attributes3, 13: link, 15: empty})

	set(Metrics, map[int]Kind{1: resourceMetrics})
	set(resourceMetrics, map[int]Kind{1: resource, 2: scopeMetrics})
	set(scopeMetrics, map[int]Kind{1: scope, 2: metric})
	set(metric, map[int]Kind{
		5: numberPoints, 7: numberPoints, 9: histogramPoints, 10: exponentialPoints, 11: summaryPoints, 12: keyValue,
	})
	set(numberPoints, map[int]Kind{1: numberPoint})
	set(numberPoint, map[int]Kind{5: attributes7, 7: keyValue})
	set(histogramPoints, map[int]Kind{1: histogramPoint})
	set(histogramPoint, map[int]Kind{8: attributes7, 9: keyValue})
	set(exponentialPoints, map[int]Kind{1: exponentialPoint})
	set(exponentialPoint, map[int]Kind{1: keyValue, 8: empty, 9: empty, 11: attributes7})
	set(summaryPoints, map[int]Kind{1: summaryPoint})
	set(summaryPoint, map[int]Kind{6: empty, 7: keyValue})

	set(Logs, map[int]Kind{1: resourceLogs})
	set(resourceLogs, map[int]Kind{1: resource, 2: scopeLogs})
	set(scopeLogs, map[int]Kind{1: scope, 2: logRecord})
	set(logRecord, map[int]Kind{5: anyValue, 6: keyValue})
	return s
}

// Findings are what a check saw; all false for a usual request.
type Findings struct {
	// Checked says that there was a check.
	Checked bool
	// Oversized: some attributes may be beyond MaxAttributes, MaxValue or
	// MaxNesting. For JSON this is always said.
	Oversized bool
	// WrongIDs: a span has an identity of a length that is not that of one,
	// for which the decoder would refuse the whole request.
	WrongIDs bool
}

// Protobuf refuses a request that would cost far more than its bytes to
// decode. It also refuses what is malformed, so that nothing passes unseen.
func (s *Schema) Protobuf(of Kind, request []byte) (Findings, error) {
	w := walk{schema: s, findings: Findings{Checked: true}}
	err := w.message(of, none, request, 0)
	return w.findings, err
}

// walk is a way through the messages of one request.
type walk struct {
	schema   *Schema
	messages int
	findings Findings
}

// message walks one message. It recurses no deeper than maxNesting allows.
func (w *walk) message(of, within Kind, message []byte, nesting int) error {
	// A value costs nothing of its own in an attribute, only in an array.
	if of != anyValue || within == arrayValue {
		if w.messages++; w.messages > MaxMessages {
			return errMessages
		}
	}
	if of == anyValue {
		if nesting++; nesting > MaxNesting {
			w.findings.Oversized = true
			if nesting > maxNesting {
				return errNesting
			}
		}
	}
	attributes := 0
	for len(message) > 0 {
		key, n := uvarint(message)
		// The decoder cuts field numbers to 32 bits: 5 + 2^32 is field 5 to it.
		number := int32(key >> 3)
		if n <= 0 || number <= 0 {
			return errMalformed
		}
		message = message[n:]
		if key&7 != wireBytes {
			skip := skipNumber(key&7, message)
			if skip < 0 {
				return errMalformed
			}
			message = message[skip:]
			continue
		}
		size, n := uvarint(message)
		if n <= 0 || size > uint64(len(message)-n) {
			return errMalformed
		}
		content := message[n : n+int(size)]
		message = message[n+int(size):]
		child := w.schema.child(of, uint64(number))
		switch child { //nolint:exhaustive // The messages of which there is more to say.
		case none:
			continue
		case id16, id8:
			w.findings.WrongIDs = w.findings.WrongIDs || wrongID(child, content)
			continue
		case keyValue:
			attributes++
		case anyValue:
			if of == keyValue {
				if nesting < MaxNesting && isShortText(content) {
					continue
				}
				w.findings.Oversized = w.findings.Oversized || size > MaxValue
			}
		}
		if err := w.message(child, of, content, nesting); err != nil {
			return err
		}
	}
	w.findings.Oversized = w.findings.Oversized || attributes > MaxAttributes
	return nil
}

// The wire types of protobuf that OTLP uses. Groups it never had.
const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
	wire32     = 5
)

// skipNumber is the size of a field that is no bytes, behind its key; negative
// if it is cut off or no field of OTLP.
func skipNumber(wire uint64, rest []byte) int {
	var size int
	switch wire {
	case wireVarint:
		if _, size = binary.Uvarint(rest); size <= 0 {
			return -1
		}
	case wire64:
		size = 8
	case wire32:
		size = 4
	default:
		return -1
	}
	if size > len(rest) {
		return -1
	}
	return size
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

// child is the Kind of a field, none if it is not a message.
func (s *Schema) child(of Kind, field uint64) Kind {
	if field == deprecatedScopes && (of == resourceSpans || of == resourceMetrics || of == resourceLogs) {
		field = 2
	}
	if field >= uint64(len(s[of])) {
		return none
	}
	return s[of][field]
}

// JSON refuses what nests too deep or holds too many objects. What is
// otherwise wrong is the decoder's to say.
func JSON(request []byte) (Findings, error) {
	found := Findings{Checked: true, Oversized: true}
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
				return found, errBrackets
			}
			if objects++; objects > MaxMessages {
				return found, errMessages
			}
		case c == '}' || c == ']':
			depth--
		case c == 'n': // null, which is an empty object as an element of an array.
			if objects++; objects > MaxMessages {
				return found, errMessages
			}
		}
	}
	return found, nil
}
