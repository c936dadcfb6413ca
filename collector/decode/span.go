package decode

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// smallAttribute is how many bytes an attribute has at least, if not to bound
// what a request of tiny spans makes room for, then in practice.
const smallAttribute = 8

// span decodes one span. Numbers that are too large for their place are cut, as
// the library cuts them.
func (d *decoder) span(message []byte, span ptrace.Span) bool {
	r, attributes := d.begin(message), xpdata.MapBuilder{}
	count := 0
	var trace pcommon.TraceID
	var own, parent pcommon.SpanID
	for r.more() {
		switch r.varint() {
		case content(1):
			r.identity(trace[:])
		case content(2):
			r.identity(own[:])
		case content(3):
			span.TraceState().FromRaw(d.text(r.content()))
		case content(4):
			r.identity(parent[:])
		case content(5):
			span.SetName(d.text(r.content()))
		case varint(6):
			span.SetKind(ptrace.SpanKind(r.varint()))
		case fixed64(7):
			span.SetStartTimestamp(pcommon.Timestamp(r.fixed64()))
		case fixed64(8):
			span.SetEndTimestamp(pcommon.Timestamp(r.fixed64()))
		case content(9):
			if count == 0 {
				attributes.EnsureCapacity(min(d.usual, len(message)/smallAttribute))
			}
			count++
			d.attribute(&r, &attributes)
		case varint(10):
			span.SetDroppedAttributesCount(uint32(r.varint()))
		case content(11):
			d.event(&r, span.Events())
		case varint(12):
			span.SetDroppedEventsCount(uint32(r.varint()))
		case content(13):
			d.link(&r, span.Links())
		case varint(14):
			span.SetDroppedLinksCount(uint32(r.varint()))
		case content(15):
			d.status(&r, span.Status())
		case fixed32(16):
			span.SetFlags(r.fixed32())
		default:
			r.giveUp()
		}
	}
	span.SetTraceID(trace)
	span.SetSpanID(own)
	span.SetParentSpanID(parent)
	d.usual = count
	d.attributes(&attributes, count, span.Attributes())
	return !r.odd
}

// inner is a message within another. Faults of it are those of the outer one:
// done passes them on.
func inner(outer *reader) reader { return reader{text: outer.content()} }

func (r *reader) done(inner reader) {
	if inner.odd {
		r.giveUp()
	}
}

func (d *decoder) event(outer *reader, events ptrace.SpanEventSlice) {
	r, attributes := inner(outer), xpdata.MapBuilder{}
	d.count(outer)
	event, count := events.AppendEmpty(), 0
	for r.more() {
		switch r.varint() {
		case fixed64(1):
			event.SetTimestamp(pcommon.Timestamp(r.fixed64()))
		case content(2):
			event.SetName(d.text(r.content()))
		case content(3):
			count++
			d.attribute(&r, &attributes)
		case varint(4):
			event.SetDroppedAttributesCount(uint32(r.varint()))
		default:
			r.giveUp()
		}
	}
	d.attributes(&attributes, count, event.Attributes())
	outer.done(r)
}

func (d *decoder) link(outer *reader, links ptrace.SpanLinkSlice) {
	r, attributes := inner(outer), xpdata.MapBuilder{}
	d.count(outer)
	link, count := links.AppendEmpty(), 0
	var trace pcommon.TraceID
	var span pcommon.SpanID
	for r.more() {
		switch r.varint() {
		case content(1):
			r.identity(trace[:])
		case content(2):
			r.identity(span[:])
		case content(3):
			link.TraceState().FromRaw(d.text(r.content()))
		case content(4):
			count++
			d.attribute(&r, &attributes)
		case varint(5):
			link.SetDroppedAttributesCount(uint32(r.varint()))
		case fixed32(6):
			link.SetFlags(r.fixed32())
		default:
			r.giveUp()
		}
	}
	link.SetTraceID(trace)
	link.SetSpanID(span)
	d.attributes(&attributes, count, link.Attributes())
	outer.done(r)
}

func (d *decoder) status(outer *reader, status ptrace.Status) {
	r := inner(outer)
	d.count(outer)
	for r.more() {
		switch r.varint() {
		case content(2):
			status.SetMessage(d.text(r.content()))
		case varint(3):
			status.SetCode(ptrace.StatusCode(r.varint()))
		default:
			r.giveUp()
		}
	}
	outer.done(r)
}
