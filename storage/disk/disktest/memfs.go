// Package disktest is a file system in memory that fails on request and loses
// power as a disk does, for the crash tests of stores.
//
// What a process has written stands in a cache until it is synced. A crash of
// the process keeps the cache (Kill); a loss of power keeps of it what it likes
// (PowerLoss): of each file any sectors, some of them torn, and any length
// between that on disk and that in the cache; of a folder any of the names
// created, renamed and removed since it was last synced, in order or not, a
// rename as a whole or not at all. A sync that fails forgets what it should have
// brought to disk, and the next one succeeds without it, as Linux does. Both
// calls leave the MemFS as it is, so a test can go on from many clones of one
// moment; Fault is called before each operation and is the place to take them.
package disktest

import (
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/slowburn-slo/slowburn/storage/disk"
)

// ErrFull is what a MemFS says when Capacity is reached.
const ErrFull = syscall.ENOSPC

// MemFS is a file system in memory. The zero value is not ready: see NewMemFS.
type MemFS struct {
	mu sync.Mutex
	// Fault, if set, is asked before each operation, with the bytes to write;
	// of these, the first n are written when it returns an error. The operations
	// are create, open, read, write, truncate, sync, rename, remove and syncdir.
	Fault func(op, path string, bytes int) (n int, err error)
	// Capacity bounds the bytes of all files, if positive. See Resize.
	Capacity int
	now      map[string]*memNode // names as the process sees them
	onDisk   map[string]*memNode // names that survive for sure
	pending  []nameChange        // what leads from onDisk to now
	locked   map[string]bool
}

// nameChange is one change of names that may or may not survive. It takes a name
// away, gives one to a node, or both.
type nameChange struct {
	gone, given string
	node        *memNode
}

func (c nameChange) apply(names map[string]*memNode) {
	if c.gone != "" && names[c.gone] == c.node {
		delete(names, c.gone)
	}
	if c.given != "" {
		names[c.given] = c.node
	}
}

// in reports whether a sync of the folder makes the change durable.
func (c nameChange) in(dir string) bool {
	path := c.given
	if path == "" {
		path = c.gone
	}
	return filepath.Dir(path) == filepath.Clean(dir)
}

// NewMemFS returns an empty file system.
func NewMemFS() *MemFS {
	return &MemFS{now: map[string]*memNode{}, onDisk: map[string]*memNode{}, locked: map[string]bool{}}
}

// Kill is the file system after the death of the process: unlocked, complete.
func (m *MemFS) Kill() *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	nodes := map[*memNode]*memNode{}
	clone := func(n *memNode) *memNode {
		if nodes[n] == nil {
			nodes[n] = n.clone()
		}
		return nodes[n]
	}
	left := NewMemFS()
	for name, n := range m.now {
		left.now[name] = clone(n)
	}
	for name, n := range m.onDisk {
		left.onDisk[name] = clone(n)
	}
	for _, c := range m.pending {
		c.node = clone(c.node)
		left.pending = append(left.pending, c)
	}
	return left
}

// PowerLoss is the file system after the machine stopped. A seed gives the same
// remains again.
func (m *MemFS) PowerLoss(r *rand.Rand) *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := maps.Clone(m.onDisk)
	ordered, most := r.IntN(2) == 0, r.IntN(len(m.pending)+1)
	for i, c := range m.pending {
		// Most file systems keep changes of names in their order; POSIX does not say so.
		if (ordered && i < most) || (!ordered && r.IntN(2) == 0) {
			c.apply(names)
		}
	}
	left, nodes := NewMemFS(), map[*memNode]*memNode{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		n := names[name]
		if nodes[n] == nil {
			data := n.afterPowerLoss(r)
			nodes[n] = &memNode{data: data, disk: slices.Clone(data)}
		}
		left.now[name] = nodes[n]
	}
	left.onDisk = maps.Clone(left.now)
	return left
}

// Resize changes Capacity while a store may be writing.
func (m *MemFS) Resize(capacity int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Capacity = capacity
}

// Writeback brings all contents to disk as they are now, as a kernel does
// whenever it likes.
func (m *MemFS) Writeback() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.now {
		n.flush()
	}
}

// Bytes returns the content of a file, which the test may change in place.
func (m *MemFS) Bytes(path string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now[path].data
}

// SetBytes replaces the content of a file, durably; nil removes the file.
func (m *MemFS) SetBytes(path string, b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending = slices.DeleteFunc(m.pending, func(c nameChange) bool { return c.given == path || c.gone == path })
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

// change does a change of names and keeps in mind that it is not durable.
func (m *MemFS) change(c nameChange) {
	c.apply(m.now)
	m.pending = append(m.pending, c)
}

// Create implements disk.FS.
func (m *MemFS) Create(path string) (disk.File, error) {
	if _, err := m.fault("create", path, 0); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.now[path]
	if n == nil {
		n = &memNode{}
		m.change(nameChange{given: path, node: n})
	}
	n.truncate(0)
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
	n := m.now[from]
	if n == nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: os.ErrNotExist}
	}
	m.change(nameChange{gone: from, given: to, node: n})
	return nil
}

// Remove implements disk.FS.
func (m *MemFS) Remove(path string) error {
	if _, err := m.fault("remove", path, 0); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.now[path]
	if n == nil {
		return &os.PathError{Op: "remove", Path: path, Err: os.ErrNotExist}
	}
	m.change(nameChange{gone: path, node: n})
	return nil
}

// MakeDir implements disk.FS. Folders are where files are.
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
	m.pending = slices.DeleteFunc(m.pending, func(c nameChange) bool {
		if c.in(dir) {
			c.apply(m.onDisk)
			return true
		}
		return false
	})
	return nil
}

// Lock implements disk.FS.
func (m *MemFS) Lock(path string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked[path] {
		return nil, disk.ErrLocked
	}
	m.locked[path] = true
	return memLock{m, path}, nil
}

type memLock struct {
	fs   *MemFS
	path string
}

func (l memLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	delete(l.fs.locked, l.path)
	return nil
}
