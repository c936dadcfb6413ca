// Package decode decodes requests of spans: in one pass, with few allocations,
// and with the bounds of package shape checked on the way. That is for what
// usual exporters send. What it does not know, it leaves to the check and the
// decoder of the library, which take two and a half times as long (ADR 0012).
package decode

import (
	"encoding/binary"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/slowburn-slo/slowburn/collector/shape"
)

// maxShared is how large a message may be for its texts to be parts of one
// string: whoever keeps one of them keeps all of it.
const maxShared = 4 << 10

// Traces decodes an ExportTraceServiceRequest to what the library would decode
// it to, and finds what shape's Protobuf would find. False means that the
// request is malformed or unusual, and that nothing is known about it. The
// content of a record of traces is such a request, too.
func Traces(request []byte) (td ptrace.Traces, findings shape.Findings, ok bool) {
	defer func() {
		if recover() != nil { // Anybody may have sent it: a fault here must not end the process.
			td, findings, ok = ptrace.Traces{}, shape.Findings{}, false
		}
	}()
	d := decoder{findings: shape.Findings{Checked: true}, messages: 1}
	td = ptrace.NewTraces()
	// One copy of the request would be one allocation, but a name that is kept
	// would keep all of it: each span is a copy of its own.
	for at := 0; at < len(request); {
		f, ok := next(request, &at)
		if !ok || f.key != content(1) || !d.fits(1) || !d.resourceSpans(request[f.from:f.to], td.ResourceSpans().AppendEmpty()) {
			return ptrace.Traces{}, shape.Findings{}, false
		}
	}
	return td, d.findings, true
}

// decoder is what the messages of one request share.
type decoder struct {
	findings shape.Findings
	messages int
	// usual is how many attributes the last span had.
	usual int
	// shared says that texts are parts of the message that is being read.
	shared bool
}

// text is what is read, as it may be kept.
func (d *decoder) text(t string) string {
	if d.shared {
		return t
	}
	return strings.Clone(t)
}

// begin copies a message; its texts will be parts of the copy if it is small.
func (d *decoder) begin(message []byte) reader {
	d.shared = len(message) <= maxShared
	return reader{text: string(message)}
}

// fits counts messages, and reports whether their number is within the bound.
func (d *decoder) fits(more int) bool {
	d.messages += more
	return d.messages <= shape.MaxMessages
}

// count is fits for one message of a reader.
func (d *decoder) count(r *reader) {
	if !d.fits(1) {
		r.giveUp()
	}
}

func (d *decoder) resourceSpans(message []byte, rs ptrace.ResourceSpans) bool {
	resources := 0
	for at := 0; at < len(message); {
		f, ok := next(message, &at)
		if !ok {
			return false
		}
		part := message[f.from:f.to]
		switch f.key {
		case content(1):
			resources++
			ok = resources == 1 && d.fits(1) && d.resource(part, rs.Resource())
		case content(2):
			ok = d.fits(1) && d.scopeSpans(part, rs.ScopeSpans().AppendEmpty())
		case content(3):
			rs.SetSchemaUrl(string(part))
		default: // Among them field 1000, which field 2 was once.
			ok = false
		}
		if !ok {
			return false
		}
	}
	return true
}

func (d *decoder) scopeSpans(message []byte, ss ptrace.ScopeSpans) bool {
	spans, scopes := 0, 0
	for at := 0; at < len(message); {
		f, ok := next(message, &at)
		if !ok {
			return false
		}
		if f.key == content(2) {
			spans++
		}
	}
	if !d.fits(spans) {
		return false
	}
	ss.Spans().EnsureCapacity(spans)
	for at := 0; at < len(message); {
		f, ok := next(message, &at)
		part := message[f.from:f.to]
		switch f.key {
		case content(1):
			scopes++
			ok = scopes == 1 && d.fits(1) && d.scope(part, ss.Scope())
		case content(2):
			ok = d.span(part, ss.Spans().AppendEmpty())
		case content(3):
			ss.SetSchemaUrl(string(part))
		default:
			ok = false
		}
		if !ok {
			return false
		}
	}
	return true
}

func (d *decoder) resource(message []byte, resource pcommon.Resource) bool {
	r, attributes := d.begin(message), xpdata.MapBuilder{}
	count := 0
	for r.more() {
		switch r.varint() {
		case content(1):
			count++
			d.attribute(&r, &attributes)
		case varint(2):
			resource.SetDroppedAttributesCount(uint32(r.varint()))
		default:
			r.giveUp()
		}
	}
	d.attributes(&attributes, count, resource.Attributes())
	return !r.odd
}

func (d *decoder) scope(message []byte, scope pcommon.InstrumentationScope) bool {
	r, attributes := d.begin(message), xpdata.MapBuilder{}
	count := 0
	for r.more() {
		switch r.varint() {
		case content(1):
			scope.SetName(d.text(r.content()))
		case content(2):
			scope.SetVersion(d.text(r.content()))
		case content(3):
			count++
			d.attribute(&r, &attributes)
		case varint(4):
			scope.SetDroppedAttributesCount(uint32(r.varint()))
		default:
			r.giveUp()
		}
	}
	d.attributes(&attributes, count, scope.Attributes())
	return !r.odd
}

// extent is where a field of bytes lies in a message.
type extent struct {
	key      uint64
	from, to int
}

// next reads the field of bytes at a place of a message and moves the place
// behind it. The levels above spans hold no other fields.
func next(message []byte, at *int) (extent, bool) {
	key, n := binary.Uvarint(message[*at:])
	if n <= 0 || key&7 != content(0) {
		return extent{}, false
	}
	size, m := binary.Uvarint(message[*at+n:])
	from := *at + n + m
	if m <= 0 || size > uint64(len(message)-from) {
		return extent{}, false
	}
	*at = from + int(size)
	return extent{key: key, from: from, to: *at}, true
}
