package disktest

import (
	"io"
	"math/rand/v2"
	"slices"
)

// SectorBytes is how much of a MemFS survives or vanishes as a whole, but for
// the sectors that are torn.
const SectorBytes = 512

// memNode is the content of a file, whatever its names are.
type memNode struct {
	data  []byte // as the process sees it
	disk  []byte // what survives for sure
	dirty []span // what the next sync will bring to disk
}

type span struct{ from, to int }

func (n *memNode) clone() *memNode {
	return &memNode{data: slices.Clone(n.data), disk: slices.Clone(n.disk), dirty: slices.Clone(n.dirty)}
}

// soil notes that bytes are not on disk. Writes one after another are one span.
func (n *memNode) soil(s span) {
	if last := len(n.dirty) - 1; last >= 0 && s.from <= n.dirty[last].to && s.to >= n.dirty[last].from {
		n.dirty[last] = span{min(s.from, n.dirty[last].from), max(s.to, n.dirty[last].to)}
		return
	}
	n.dirty = append(n.dirty, s)
}

func (n *memNode) write(b []byte, at int) {
	before, end := len(n.data), at+len(b)
	if end > before {
		n.data = append(n.data, make([]byte, end-before)...)
	}
	copy(n.data[at:], b)
	n.soil(span{min(at, before), end}) // A stretch that nobody wrote is zero.
}

func (n *memNode) truncate(size int) {
	if size == len(n.data) && len(n.dirty) == 0 {
		return
	}
	grown := max(0, size-len(n.data))
	n.data = append(n.data[:size-grown:size-grown], make([]byte, grown)...)
	for i, d := range n.dirty {
		n.dirty[i] = span{min(d.from, size), min(d.to, size)}
	}
	n.soil(span{size - grown, size})
}

// flush brings to disk what is dirty.
func (n *memNode) flush() {
	n.disk, n.dirty = n.merge(len(n.data), func(int) (int, int) { return 0, SectorBytes }), nil
}

// merge lays over the bytes on disk those that are dirty, as far as keep says:
// from which to which byte of the sector at so many bytes.
func (n *memNode) merge(size int, keep func(at int) (from, to int)) []byte {
	left := make([]byte, size)
	copy(left, n.disk)
	for at := 0; at < size; at += SectorBytes {
		keepFrom, keepTo := keep(at)
		for _, d := range n.dirty {
			from, to := max(at+keepFrom, d.from), min(at+keepTo, d.to, size, len(n.data))
			if from < to {
				copy(left[from:to], n.data[from:to])
			}
		}
	}
	return left
}

// afterPowerLoss is one of the contents that a loss of power may leave: of each
// sector the old or the new bytes, of some the beginning or the end of the new ones.
func (n *memNode) afterPowerLoss(r *rand.Rand) []byte {
	size := len(n.disk)
	if len(n.dirty) > 0 {
		low, high := min(len(n.disk), len(n.data)), max(len(n.disk), len(n.data))
		size = []int{len(n.disk), len(n.data), low + r.IntN(high-low+1)}[r.IntN(3)]
	}
	return n.merge(size, func(int) (int, int) {
		switch r.IntN(16) {
		case 0:
			return 0, r.IntN(SectorBytes)
		case 1:
			return r.IntN(SectorBytes), SectorBytes
		case 2, 3, 4, 5, 6, 7, 8:
			return 0, 0
		default:
			return 0, SectorBytes
		}
	})
}

type memFile struct {
	fs   *MemFS
	path string
	node *memNode
}

func (f *memFile) ReadAt(b []byte, at int64) (int, error) {
	if _, err := f.fs.fault("read", f.path, len(b)); err != nil {
		return 0, err
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if at >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.node.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(b []byte, at int64) (int, error) {
	n, err := f.fs.fault("write", f.path, len(b))
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err == nil {
		n = len(b)
	}
	if f.fs.Capacity > 0 {
		used := 0
		for _, node := range f.fs.now {
			used += len(node.data)
		}
		grow := int(at) + n - len(f.node.data)
		if over := used + grow - f.fs.Capacity; grow > 0 && over > 0 {
			n, err = max(0, n-over), ErrFull
		}
	}
	f.node.write(b[:n], int(at))
	return n, err
}

func (f *memFile) Truncate(size int64) error {
	if _, err := f.fs.fault("truncate", f.path, 0); err != nil {
		return err
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.node.truncate(int(size))
	return nil
}

// Sync forgets on a failure what was to be written, as kernels do.
func (f *memFile) Sync() error {
	_, err := f.fs.fault("sync", f.path, 0)
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err != nil {
		f.node.dirty = nil
	}
	f.node.flush()
	return err
}

func (f *memFile) Close() error { return nil }
