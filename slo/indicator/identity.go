package indicator

import (
	"time"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/slowburn-slo/slowburn/slo"
)

// Sightings knows which items were seen within the deduplication horizon.
type Sightings interface {
	// Begin starts a record; offsets only grow.
	Begin(offset slo.Offset, arrival time.Time) error
	// Sight judges and notes one item of the record begun.
	Sight(x slo.Sighting) (slo.Sighted, error)
}

// witness says of each span of a record, in their order, whether it was seen before.
type witness interface {
	begin(r slo.Record) error
	sight(j *judge, span ptrace.Span) (slo.Sighted, error)
}

// observer is the witness that asks the sightings and adds to them.
type observer struct {
	sightings Sightings
	key       []byte
	spans     [][]byte // the bytes of each span of the record, if whole
	whole     bool
}

func (o *observer) begin(r slo.Record) error {
	o.spans, o.whole = spanBytes(o.spans[:0], r.Payload)
	return o.sightings.Begin(r.Offset, r.Arrival)
}

func (o *observer) sight(j *judge, span ptrace.Span) (slo.Sighted, error) {
	return o.sightings.Sight(slo.Sighting{ID: o.identity(j.service, span), Content: o.content(j.place, span)})
}

// identity hashes what makes a span the same span in whatever batch it comes:
// its trace and span id; its kind, because client and server may share a span
// (Zipkin's way); and the service, because ids are only as good as the
// generator of each.
func (o *observer) identity(service string, span ptrace.Span) slo.ItemID {
	trace, id := span.TraceID(), span.SpanID()
	o.key = append(o.key[:0], trace[:]...)
	o.key = append(o.key, id[:]...)
	o.key = protowire.AppendFixed32(o.key, uint32(span.Kind()))
	o.key = append(o.key, service...)
	return xxh3.Hash128(o.key).Bytes()
}

// content hashes the bytes that the span came in, whose place among all spans
// of the record is given. Those of a record that is not read as pdata does are
// unknown; then what matters most of the span stands for it, which is again the
// same whenever the record is read.
func (o *observer) content(place int, span ptrace.Span) uint64 {
	if o.whole && place < len(o.spans) {
		return xxh3.Hash(o.spans[place])
	}
	o.key = protowire.AppendFixed64(o.key[:0], uint64(span.StartTimestamp()))
	o.key = protowire.AppendFixed64(o.key, uint64(span.EndTimestamp()))
	o.key = append(o.key, byte(span.Status().Code()))
	o.key = append(o.key, span.Name()...)
	return xxh3.Hash(o.key)
}

// spanBytes appends the bytes of every span of an encoded TracesData, in their
// order: field 1 (resource spans), 2 (scope spans), 2 (spans). It reports false
// if the payload cannot be read that way.
func spanBytes(spans [][]byte, payload []byte) ([][]byte, bool) {
	resources := fields{payload, 1}
	for resource, ok := resources.next(); ok; resource, ok = resources.next() {
		scopes := fields{resource, 2}
		for scope, ok := scopes.next(); ok; scope, ok = scopes.next() {
			own := fields{scope, 2}
			for span, ok := own.next(); ok; span, ok = own.next() {
				spans = append(spans, span)
			}
			if own.rest != nil {
				return spans, false
			}
		}
		if scopes.rest != nil {
			return spans, false
		}
	}
	return spans, resources.rest == nil
}

// fields walks the values of one length-delimited field of a message. At the
// end rest is nil, or what could not be read.
type fields struct {
	rest   []byte
	number protowire.Number
}

func (f *fields) next() ([]byte, bool) {
	for len(f.rest) > 0 {
		number, kind, n := protowire.ConsumeTag(f.rest)
		if n < 0 {
			return nil, false
		}
		if number == f.number && kind == protowire.BytesType {
			value, m := protowire.ConsumeBytes(f.rest[n:])
			if m < 0 {
				return nil, false
			}
			f.rest = f.rest[n+m:]
			return value, true
		}
		m := protowire.ConsumeFieldValue(number, kind, f.rest[n:])
		if m < 0 {
			return nil, false
		}
		f.rest = f.rest[n+m:]
	}
	f.rest = nil
	return nil, false
}

// recalled is the witness of a recount: it repeats what was said of the spans
// when the ledger judged them.
type recalled struct {
	repeats []slo.RepeatedItem // in the order of records and places
	offset  slo.Offset
	place   int
}

func (k *recalled) begin(r slo.Record) error {
	k.offset, k.place = r.Offset, 0
	for len(k.repeats) > 0 && k.repeats[0].Offset < r.Offset {
		k.repeats = k.repeats[1:]
	}
	return nil
}

func (k *recalled) sight(*judge, ptrace.Span) (slo.Sighted, error) {
	place := k.place
	k.place++
	if len(k.repeats) > 0 && k.repeats[0].Offset == k.offset && k.repeats[0].Place == place {
		verdict := k.repeats[0].Verdict
		k.repeats = k.repeats[1:]
		return verdict, nil
	}
	return slo.First, nil
}

// identified reports whether a span has the ids that it can be known by. One
// without (the receiver refuses it; an older journal may hold some) is never a
// repeat.
func identified(span ptrace.Span) bool { return !span.TraceID().IsEmpty() && !span.SpanID().IsEmpty() }
