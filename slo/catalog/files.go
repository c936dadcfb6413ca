package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The limits of a folder of SLOs.
const (
	maxFileBytes  = 1 << 20
	maxTotalBytes = 256 << 20
	maxNesting    = 16
)

// listing is what a folder held at one time.
type listing struct {
	files []File
	// folders are those that were looked into.
	folders []string
	bytes   int64
}

// list reads a file, or every *.yaml, *.yml and *.json of a folder and the
// folders in it, sorted by path. Names that begin with a dot are left out, so
// that a Kubernetes ConfigMap is read once, through its links.
func list(path string) (listing, error) {
	var l listing
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l, fmt.Errorf("%s does not exist: name a file or folder of SLOs", path)
	case err != nil:
		return l, err
	case info.IsDir():
		err = l.folder(path, []os.FileInfo{info})
	default:
		l.folders = []string{filepath.Dir(path)}
		err = l.file(path, info)
	}
	if err != nil {
		return l, err
	}
	slices.SortFunc(l.files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	for i := range l.files {
		if err := read(&l.files[i]); err != nil {
			return l, err
		}
	}
	return l, nil
}

// folder adds what is in a folder; above are the folders it is in, itself
// included, to recognise a link that leads back.
func (l *listing) folder(path string, above []os.FileInfo) error {
	l.folders = append(l.folders, path)
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		full := filepath.Join(path, entry.Name())
		info, err := os.Stat(full) // Follows links.
		switch {
		case err != nil && !isDocument(full):
			continue // A dangling link that is none of ours.
		case err != nil:
			return err
		case info.IsDir():
			if slices.ContainsFunc(above, func(a os.FileInfo) bool { return os.SameFile(a, info) }) {
				return fmt.Errorf("%s links back to a folder that it is in: remove the link", full)
			}
			if len(above) >= maxNesting {
				return fmt.Errorf("%s is nested deeper than %d folders", full, maxNesting)
			}
			err = l.folder(full, append(slices.Clone(above), info))
		case isDocument(full):
			err = l.file(full, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func isDocument(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml", ".json":
		return true
	default:
		return false
	}
}

// file adds a file, to be read once all are known to fit.
func (l *listing) file(path string, info os.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if info.Size() > maxFileBytes {
		return fmt.Errorf("%s is larger than %d MiB: divide it into several files", path, maxFileBytes>>20)
	}
	if l.bytes += info.Size(); l.bytes > maxTotalBytes {
		return fmt.Errorf("the files up to %s hold more than %d MiB", path, maxTotalBytes>>20)
	}
	l.files = append(l.files, File{Path: path})
	return nil
}

// read fills in the content of a file. One that grows meanwhile is cut behind
// the limit, where the parser refuses it.
func read(file *File) error {
	opened, err := os.Open(file.Path)
	if err != nil {
		return err
	}
	defer opened.Close() //nolint:errcheck // It was only read.
	file.Data, err = io.ReadAll(io.LimitReader(opened, maxFileBytes+1))
	return err
}
