package decode

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/slowburn-slo/slowburn/collector/shape"
)

// attributes moves what was built to where it belongs.
func (d *decoder) attributes(built *xpdata.MapBuilder, count int, to pcommon.Map) {
	if count > shape.MaxAttributes {
		d.findings.Oversized = true
	}
	built.UnsafeIntoMap(to)
}

// attribute reads a key and its value.
func (d *decoder) attribute(outer *reader, to *xpdata.MapBuilder) {
	d.count(outer)
	outer.done(d.pair(inner(outer), to, 1))
}

// pair reads a key and its value, which lies that deep, and returns the reader.
func (d *decoder) pair(r reader, to *xpdata.MapBuilder, depth int) reader {
	key, value, values := "", "", 0
	for r.more() {
		switch r.varint() {
		case content(1):
			key = r.content()
		case content(2):
			value = r.content()
			values++
		default:
			r.giveUp()
		}
	}
	if values > 1 { // They would be merged.
		r.giveUp()
		return r
	}
	if len(value) > shape.MaxValue {
		d.findings.Oversized = true
	}
	r.done(d.value(reader{text: value}, to.AppendEmpty(d.text(key)), depth))
	return r
}

// value reads a value that lies that deep, and returns the reader. What is
// deeper than usual is left to the library, behind the check of its depth.
func (d *decoder) value(r reader, to pcommon.Value, depth int) reader {
	if depth > shape.MaxNesting {
		r.giveUp()
	}
	for r.more() {
		switch r.varint() {
		case content(1):
			to.SetStr(d.text(r.content()))
		case varint(2):
			to.SetBool(r.varint() != 0)
		case varint(3):
			to.SetInt(int64(r.varint()))
		case fixed64(4):
			to.SetDouble(math.Float64frombits(r.fixed64()))
		case content(5):
			d.array(&r, to.SetEmptySlice(), depth)
		case content(6):
			d.list(&r, to.SetEmptyMap(), depth)
		case content(7):
			to.SetEmptyBytes().FromRaw([]byte(r.content()))
		default:
			r.giveUp()
		}
	}
	return r
}

func (d *decoder) array(outer *reader, to pcommon.Slice, depth int) {
	r := inner(outer)
	d.count(outer)
	for r.more() {
		if r.varint() != content(1) {
			r.giveUp()
			break
		}
		d.count(&r)
		r.done(d.value(inner(&r), to.AppendEmpty(), depth+1))
	}
	outer.done(r)
}

func (d *decoder) list(outer *reader, to pcommon.Map, depth int) {
	r, pairs := inner(outer), xpdata.MapBuilder{}
	d.count(outer)
	count := 0
	for r.more() {
		if r.varint() != content(1) {
			r.giveUp()
			break
		}
		count++
		d.count(&r)
		r.done(d.pair(inner(&r), &pairs, depth+1))
	}
	d.attributes(&pairs, count, to)
	outer.done(r)
}
