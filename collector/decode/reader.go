package decode

// reader reads the fields of one message, in their order. At a fault it sets
// odd, and then holds no more.
type reader struct {
	text string
	odd  bool
}

// The keys of fields: their number and their wire type.
func varint(number uint64) uint64  { return number << 3 }
func fixed64(number uint64) uint64 { return number<<3 | 1 }
func content(number uint64) uint64 { return number<<3 | 2 }
func fixed32(number uint64) uint64 { return number<<3 | 5 }

func (r *reader) more() bool { return len(r.text) > 0 }

// giveUp ends the message: it holds what is not decoded here.
func (r *reader) giveUp() {
	r.text, r.odd = "", true
}

// varint reads a number of variable length, or a key.
func (r *reader) varint() uint64 {
	if len(r.text) > 0 && r.text[0] < 0x80 {
		v := uint64(r.text[0])
		r.text = r.text[1:]
		return v
	}
	return r.longVarint()
}

// longVarint reads a number of up to ten bytes, as negative ones have. Of the
// tenth only one bit has a place; more is left to the library.
func (r *reader) longVarint() uint64 {
	var v uint64
	for i := range min(len(r.text), 10) {
		b := r.text[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			if i == 9 && b > 1 {
				break
			}
			r.text = r.text[i+1:]
			return v
		}
	}
	r.giveUp()
	return 0
}

// take reads that many bytes.
func (r *reader) take(size uint64) string {
	if size > uint64(len(r.text)) {
		r.giveUp()
		return ""
	}
	t := r.text[:size]
	r.text = r.text[size:]
	return t
}

// content reads what a field of bytes, of text or of a message holds.
func (r *reader) content() string { return r.take(r.varint()) }

func (r *reader) fixed32() uint32 {
	t := r.take(4)
	if t == "" {
		return 0
	}
	return uint32(t[0]) | uint32(t[1])<<8 | uint32(t[2])<<16 | uint32(t[3])<<24
}

func (r *reader) fixed64() uint64 {
	t := r.take(8)
	if t == "" {
		return 0
	}
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
		uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}

// identity reads a trace's or a span's; an empty one is none.
func (r *reader) identity(id []byte) {
	t := r.content()
	if len(t) != 0 && len(t) != len(id) {
		r.giveUp() // Whose span is to be refused alone.
		return
	}
	clear(id)
	copy(id, t)
}
