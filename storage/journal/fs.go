//go:build unix

package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// file is one open file. Durability: what WriteAt and Truncate did may vanish
// or be half there after a power loss until Sync has returned nil; after an
// error of Sync nobody knows what is on disk.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// files opens and moves single files.
type files interface {
	// Create makes a new, empty file; one that exists is emptied.
	Create(path string) (file, error)
	// Open opens an existing file for reading and writing.
	Open(path string) (file, error)
	Rename(from, to string) error
	Remove(path string) error
}

// folders looks after the folder that holds the files.
type folders interface {
	// MakeDir creates the folder and its parents, durably.
	MakeDir(dir string) error
	ReadDir(dir string) ([]entry, error)
	// SyncDir makes names created, renamed or removed in the folder durable.
	SyncDir(dir string) error
	// Lock takes the file for this process until it is closed, or says
	// errLocked at once when another holder has it.
	Lock(path string) (io.Closer, error)
}

// fileSystem is all of the operating system that a journal needs, so that
// tests can put one in its place that fails, fills up or loses power.
type fileSystem interface {
	files
	folders
}

// entry is one file of a folder and its size in bytes.
type entry struct {
	name string
	size int64
}

// errLocked says that another process holds the lock.
var errLocked = errors.New("locked by another process")

// osFS is the real file system. Files are readable by their owner only.
type osFS struct{}

func (osFS) Create(path string) (file, error) {
	return os.OpenFile(filepath.Clean(path), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
}

func (osFS) Open(path string) (file, error) {
	return os.OpenFile(filepath.Clean(path), os.O_RDWR, 0)
}

func (osFS) Rename(from, to string) error { return os.Rename(from, to) }

func (osFS) Remove(path string) error { return os.Remove(path) }

// MakeDir syncs the parent of each folder it creates: otherwise a power loss
// could take a whole journal away with its name.
func (fs osFS) MakeDir(dir string) error {
	dir = filepath.Clean(dir)
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, os.ErrNotExist) {
		if err := fs.MakeDir(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o700)
	}
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fs.SyncDir(filepath.Dir(dir))
}

func (osFS) ReadDir(dir string) ([]entry, error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(found))
	for _, f := range found {
		info, err := f.Info()
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			entries = append(entries, entry{name: f.Name(), size: info.Size()})
		}
	}
	return entries, nil
}

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync folder %s: %w", dir, err), d.Close())
	}
	return d.Close()
}

// Lock uses flock: the kernel frees it when the process ends, however it ends.
func (osFS) Lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Clean(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func flock(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var locked error
	if err := conn.Control(func(fd uintptr) {
		locked = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
	}); err != nil {
		return err
	}
	if errors.Is(locked, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return locked
}
