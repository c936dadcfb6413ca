package dedup

import "math/bits"

// filter is a blocked Bloom filter: the bits of an identity all lie in one
// cache line of 64 bytes, so a question costs at most one miss. It may say yes
// to what it does not hold, never no to what it holds; a filter without blocks
// says yes to all.
//
// With 16 bits an identity and 8 of them set, about 1 answer in 1,000 is a wrong yes.
type filter []uint64

const (
	blockWords = 8
	blockBytes = 8 * blockWords
	fullBits   = 16 // an identity, while there is memory
	leastBits  = 4  // below this a filter is not worth its cache misses
)

// filterBlocks is how many blocks hold n identities within so many bytes.
func filterBlocks(n int, bytes int64) int64 {
	if n <= 0 {
		return 0
	}
	most := max(0, bytes) / blockBytes
	blocks := fullBlocks(n)
	if blocks <= most {
		return blocks
	}
	if most*8*blockBytes < int64(n)*leastBits {
		return 0
	}
	return most
}

func fullBlocks(n int) int64 { return (int64(n)*fullBits + 8*blockBytes - 1) / (8 * blockBytes) }

func newFilter(blocks int64) filter { return spacious[uint64](blocks * blockWords) }

func (f filter) bytes() int64 { return int64(len(f)) * 8 }

// block is chosen by the leading bits: a run is written in their order, so its
// filter is filled from front to back.
func (f filter) block(hi uint64) *[blockWords]uint64 {
	i, _ := bits.Mul64(hi, uint64(len(f)/blockWords))
	return (*[blockWords]uint64)(f[i*blockWords:])
}

func (f filter) add(hi, lo uint64) {
	if len(f) == 0 {
		return
	}
	b := f.block(hi)
	b[hi>>6&7] |= 1 << (hi & 63)
	for range 7 {
		b[lo>>6&7] |= 1 << (lo & 63)
		lo >>= 9
	}
}

// mayHold returns 1 or 0, and has no branch that depends on the answer: then the
// processor asks the next filters while it waits for the memory of this one.
func (f filter) mayHold(hi, lo uint64) uint64 {
	if len(f) == 0 {
		return 1
	}
	b := f.block(hi)
	hit := b[hi>>6&7] >> (hi & 63)
	hit &= b[lo>>6&7] >> (lo & 63)
	hit &= b[lo>>15&7] >> (lo >> 9 & 63)
	hit &= b[lo>>24&7] >> (lo >> 18 & 63)
	hit &= b[lo>>33&7] >> (lo >> 27 & 63)
	hit &= b[lo>>42&7] >> (lo >> 36 & 63)
	hit &= b[lo>>51&7] >> (lo >> 45 & 63)
	hit &= b[lo>>60&7] >> (lo >> 54 & 63)
	return hit & 1
}
