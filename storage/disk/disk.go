//go:build unix

// Package disk is all of the operating system's files that stores need, behind
// a small interface, so that tests can put one in its place that fails, fills up
// or loses power (disktest).
package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// File is one open file. Durability: what WriteAt and Truncate did may vanish
// or be half there after a power loss until Sync has returned nil; after an
// error of Sync nobody knows what is on disk.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// Files opens and moves single files.
type Files interface {
	// Create makes a new, empty file; one that exists is emptied.
	Create(path string) (File, error)
	// Open opens an existing file for reading and writing.
	Open(path string) (File, error)
	Rename(from, to string) error
	Remove(path string) error
}

// Folders looks after the folder that holds the files.
type Folders interface {
	// MakeDir creates the folder and its parents, durably.
	MakeDir(dir string) error
	ReadDir(dir string) ([]Entry, error)
	// SyncDir makes names created, renamed or removed in the folder durable.
	SyncDir(dir string) error
	// Lock takes the file for this process until it is closed, or says
	// ErrLocked at once when another holder has it.
	Lock(path string) (io.Closer, error)
}

// FS is a file system.
type FS interface {
	Files
	Folders
}

// Entry is one regular file of a folder and its size in bytes.
type Entry struct {
	Name string
	Size int64
}

// ErrLocked says that another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// OS is the real file system. Files are readable by their owner only.
type OS struct{}

// Create implements Files.
func (OS) Create(path string) (File, error) {
	return os.OpenFile(filepath.Clean(path), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
}

// Open implements Files.
func (OS) Open(path string) (File, error) {
	return os.OpenFile(filepath.Clean(path), os.O_RDWR, 0)
}

// Rename implements Files.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements Files.
func (OS) Remove(path string) error { return os.Remove(path) }

// MakeDir implements Folders. It syncs the parent of each folder it creates: otherwise a power loss
// could take a whole journal away with its name.
func (o OS) MakeDir(dir string) error {
	dir = filepath.Clean(dir)
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, os.ErrNotExist) {
		if err := o.MakeDir(filepath.Dir(dir)); err != nil {
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
	return o.SyncDir(filepath.Dir(dir))
}

// ReadDir implements Folders.
func (OS) ReadDir(dir string) ([]Entry, error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, 0, len(found))
	for _, f := range found {
		info, err := f.Info()
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			entries = append(entries, Entry{Name: f.Name(), Size: info.Size()})
		}
	}
	return entries, nil
}

// SyncDir implements Folders.
func (OS) SyncDir(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync folder %s: %w", dir, err), d.Close())
	}
	return d.Close()
}

// Lock implements Folders. It uses flock: the kernel frees it when the process ends, however it ends.
func (OS) Lock(path string) (io.Closer, error) {
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
		return ErrLocked
	}
	return locked
}
