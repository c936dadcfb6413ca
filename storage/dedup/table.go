package dedup

import (
	"cmp"
	"slices"
)

// entry is the latest sighting of an item: 32 bytes, in memory and on disk.
type entry struct {
	hi, lo  uint64 // the identity, big-endian, so that it is ordered as its bytes are
	content uint64
	arrival int64 // unix nanoseconds, never 0
}

func compareEntries(a, b entry) int {
	if c := cmp.Compare(a.hi, b.hi); c != 0 {
		return c
	}
	return cmp.Compare(a.lo, b.lo)
}

// table holds the newest sightings: open addressing in one slice without
// pointers. A slot is free while its arrival is 0.
//
// Identities are hashes, so the leading bits of one say at once where it
// belongs. That also keeps the slots in the order of the identities, but for
// neighbours: writing a sorted run needs no sort of the whole.
type table struct {
	slots []entry
	shift uint // 64 - log2(len(slots))
	n     int
}

const leastSlotBits = 6

func newTable() table { return tableOf(leastSlotBits) }

func tableOf(bits uint) table { return table{slots: spacious[entry](1 << bits), shift: 64 - bits} }

// reserve makes room for one more.
func (t *table) reserve() {
	if t.n < len(t.slots)/4*3 {
		return
	}
	larger := tableOf(64 - t.shift + 1)
	for _, e := range t.slots {
		if e.arrival != 0 {
			*larger.find(e.hi, e.lo) = e
		}
	}
	larger.n = t.n
	*t = larger
}

// find returns the slot of an identity: its own, or the free one that it would take.
func (t *table) find(hi, lo uint64) *entry {
	mask := uint64(len(t.slots) - 1)
	for i := hi >> t.shift; ; i++ {
		e := &t.slots[i&mask]
		if e.arrival == 0 || (e.lo == lo && e.hi == hi) {
			return e
		}
	}
}

// remove frees the slot of an identity and moves those behind it up, so that
// no search ends too early.
func (t *table) remove(hi, lo uint64) {
	mask := uint64(len(t.slots) - 1)
	gap := hi >> t.shift
	for t.slots[gap].hi != hi || t.slots[gap].lo != lo {
		gap = (gap + 1) & mask
	}
	t.n--
	for i := (gap + 1) & mask; t.slots[i].arrival != 0; i = (i + 1) & mask {
		home := t.slots[i].hi >> t.shift
		// An entry may move to the gap unless that lies before its home.
		if (i-home)&mask >= (i-gap)&mask {
			t.slots[gap], gap = t.slots[i], i
		}
	}
	t.slots[gap] = entry{}
}

func (t *table) clear() {
	clear(t.slots)
	t.n = 0
}

// sorted calls visit with all entries in ascending order of identity, one
// cluster of occupied slots at a time.
func (t *table) sorted(visit func([]entry) error) error {
	var cluster, wrapped []entry
	head := 0
	for ; head < len(t.slots) && t.slots[head].arrival != 0; head++ {
		// Nothing stands before its home unless it came around from the end.
		if e := t.slots[head]; e.hi>>t.shift > uint64(head) {
			wrapped = append(wrapped, e)
		} else {
			cluster = append(cluster, e)
		}
	}
	for at := head; ; {
		slices.SortFunc(cluster, compareEntries)
		if err := visit(cluster); err != nil {
			return err
		}
		cluster = cluster[:0]
		for at < len(t.slots) && t.slots[at].arrival == 0 {
			at++
		}
		if at == len(t.slots) {
			return nil
		}
		for ; at < len(t.slots) && t.slots[at].arrival != 0; at++ {
			cluster = append(cluster, t.slots[at])
		}
		if at == len(t.slots) {
			cluster = append(cluster, wrapped...)
		}
	}
}
