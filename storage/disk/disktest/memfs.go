// Package disktest is a file system in memory that fails on request and loses
// power as a disk does.
package disktest

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/slowburn-slo/slowburn/storage/disk"
)

// SectorBytes is how much of a MemFS survives or vanishes as a whole.
const SectorBytes = 512

// MemFS is a file system in memory that fails on request and loses power as a
// disk does: what was not synced survives sector by sector or not at all.
type MemFS struct {
	mu sync.Mutex
	// Fault, if set, is asked before each operation, with the bytes to write;
	// of these, the first n are written when it returns an error.
	Fault func(op, path string, bytes int) (n int, err error)
	// Capacity bounds the bytes of all files, if positive.
	Capacity int
	now      map[string]*memNode // names as the process sees them
	onDisk   map[string]*memNode // names that survive for sure
	locked   bool
}

type memNode struct {
	data  []byte // as the process sees it
	disk  []byte // what survives for sure
	dirty []span // what the next sync will bring to disk
}

type span struct{ from, to int }

// NewMemFS returns an empty file system.
func NewMemFS() *MemFS {
	return &MemFS{now: map[string]*memNode{}, onDisk: map[string]*memNode{}}
}

// Kill is the file system after the death of the process: unlocked, complete.
func (m *MemFS) Kill() *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	nodes := map[*memNode]*memNode{}
	cloneAll := func(names map[string]*memNode) map[string]*memNode {
		clones := map[string]*memNode{}
		for name, n := range names {
			if nodes[n] == nil {
				nodes[n] = &memNode{data: slices.Clone(n.data), disk: slices.Clone(n.disk), dirty: slices.Clone(n.dirty)}
			}
			clones[name] = nodes[n]
		}
		return clones
	}
	return &MemFS{now: cloneAll(m.now), onDisk: cloneAll(m.onDisk)}
}

// PowerLoss is the file system after the machine stopped.
func (m *MemFS) PowerLoss(r *rand.Rand) *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := NewMemFS()
	names := maps.Clone(m.onDisk)
	maps.Copy(names, m.now)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n := m.now[name]
		if m.onDisk[name] != n && r.IntN(2) == 0 {
			n = m.onDisk[name]
		}
		if n == nil {
			continue
		}
		data := n.afterPowerLoss(r)
		left.now[name] = &memNode{data: data, disk: slices.Clone(data)}
	}
	left.onDisk = maps.Clone(left.now)
	return left
}

func (n *memNode) afterPowerLoss(r *rand.Rand) []byte {
	size := len(n.disk)
	if len(n.dirty) > 0 {
		low, high := min(len(n.disk), len(n.data)), max(len(n.disk), len(n.data))
		size = []int{len(n.disk), len(n.data), low + r.IntN(high-low+1)}[r.IntN(3)]
	}
	left := make([]byte, size)
	copy(left, n.disk)
	for at := 0; at < size; at += SectorBytes {
		to := min(at+SectorBytes, size, len(n.data))
		if r.IntN(2) == 0 {
			continue
		}
		for _, d := range n.dirty {
			if from, to := max(at, d.from), min(to, d.to); from < to {
				copy(left[from:to], n.data[from:to])
			}
		}
	}
	return left
}

// Writeback brings everything to disk as it is now, as a kernel does whenever
// it likes.
func (m *MemFS) Writeback() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.now {
		n.flush()
	}
}

func (n *memNode) flush() {
	synced := make([]byte, len(n.data))
	copy(synced, n.disk)
	for _, d := range n.dirty {
		if to := min(d.to, len(n.data)); d.from < to {
			copy(synced[d.from:to], n.data[d.from:to])
		}
	}
	n.disk, n.dirty = synced, nil
}

// Bytes returns the content of a file, which the test may change in place.
func (m *MemFS) Bytes(path string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now[path].data
}

// SetBytes replaces the content of a file; nil removes the file.
func (m *MemFS) SetBytes(path string, b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b == nil {
		delete(m.now, path)
		delete(m.onDisk, path)
		return
	}
	n := &memNode{data: slices.Clone(b), disk: slices.Clone(b)}
	m.now[path], m.onDisk[path] = n, n
}

// Paths returns the paths of all files with this ending, sorted.
func (m *MemFS) Paths(ending string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var paths []string
	for _, path := range slices.Sorted(maps.Keys(m.now)) {
		if strings.HasSuffix(path, ending) {
			paths = append(paths, path)
		}
	}
	return paths
}

func (m *MemFS) fault(op, path string, bytes int) (int, error) {
	if m.Fault == nil {
		return bytes, nil
	}
	return m.Fault(op, path, bytes)
}

// Create implements disk.FS.
func (m *MemFS) Create(path string) (disk.File, error) {
	if _, err := m.fault("create", path, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := &memNode{}
	m.now[path] = n
	return &memFile{fs: m, path: path, node: n}, nil
}

// Open implements disk.FS.
func (m *MemFS) Open(path string) (disk.File, error) {
	if _, err := m.fault("open", path, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.now[path]
	if n == nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
	}
	return &memFile{fs: m, path: path, node: n}, nil
}

// Rename implements disk.FS.
func (m *MemFS) Rename(from, to string) error {
	if _, err := m.fault("rename", to, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now[to] = m.now[from]
	delete(m.now, from)
	return nil
}

// Remove implements disk.FS.
func (m *MemFS) Remove(path string) error {
	if _, err := m.fault("remove", path, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.now, path)
	return nil
}

// MakeDir implements disk.FS.
func (m *MemFS) MakeDir(string) error { return nil }

// ReadDir implements disk.FS.
func (m *MemFS) ReadDir(dir string) ([]disk.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []disk.Entry
	for path, n := range m.now {
		if filepath.Dir(path) == filepath.Clean(dir) {
			found = append(found, disk.Entry{Name: filepath.Base(path), Size: int64(len(n.data))})
		}
	}
	return found, nil
}

// SyncDir implements disk.FS.
func (m *MemFS) SyncDir(dir string) error {
	if _, err := m.fault("syncdir", dir, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.onDisk = maps.Clone(m.now)
	return nil
}

// Lock implements disk.FS.
func (m *MemFS) Lock(string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked {
		return nil, disk.ErrLocked
	}
	m.locked = true
	return memLock{m}, nil
}

type memLock struct{ fs *MemFS }

func (l memLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	l.fs.locked = false
	return nil
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

// ErrFull is what a MemFS says when Capacity is reached.
var ErrFull = errors.New("no space left on device")

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
	end := int(at) + n
	if end > len(f.node.data) {
		f.node.data = append(f.node.data, make([]byte, end-len(f.node.data))...)
	}
	copy(f.node.data[at:end], b)
	f.node.dirty = append(f.node.dirty, span{int(at), end})
	return n, err
}

func (f *memFile) Truncate(size int64) error {
	if _, err := f.fs.fault("truncate", f.path, 0); err != nil {
		return err
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.node.data = f.node.data[:size:size]
	f.node.dirty = append(f.node.dirty, span{int(size), int(size)})
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
