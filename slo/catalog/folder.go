package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/slowburn-slo/slowburn/slo"
)

// Folder keeps a catalog equal to a file, or a folder of files, of SLOs.
type Folder struct {
	path    string
	catalog *Catalog
	logger  *slog.Logger
	// quiet is how long no file may move before the folder is read, since
	// editors and deployments write in several steps. poll is how often it is
	// read anyway: network file systems tell nothing.
	quiet, poll time.Duration

	// applied is the digest of what is in force, once loaded.
	applied [sha256.Size]byte
	// told is the problem that was logged last, warned the warnings.
	told, warned string
}

// NewFolder returns the folder at a path, which may also be a single file. It
// is for one goroutine: Load at start, then Watch.
// The catalog's Logger tells of what goes wrong while it is watched.
func NewFolder(path string, catalog *Catalog) *Folder {
	return &Folder{path: path, catalog: catalog, logger: catalog.Logger, quiet: 250 * time.Millisecond, poll: 10 * time.Second}
}

// Load reads the folder and brings it into force. At start its error is a
// reason to go no further; see Catalog.Sync for what it can be.
func (f *Folder) Load(ctx context.Context) error {
	_, err := f.load(ctx)
	return err
}

// load returns the folders to watch, as far as they are known.
func (f *Folder) load(ctx context.Context) ([]string, error) {
	l, err := list(f.path)
	if err != nil {
		err = fmt.Errorf("read the SLOs of %s: %w", f.path, err)
		f.catalog.report(err)
		return l.folders, err
	}
	digest := digestOf(l.files)
	if digest == f.applied {
		f.catalog.report(nil)
		return l.folders, nil
	}
	warnings, err := f.catalog.Sync(ctx, l.files)
	if err != nil {
		return l.folders, err
	}
	f.applied = digest
	f.warn(ctx, warnings)
	return l.folders, nil
}

// Watch follows the folder until ctx ends, and then returns nil. A folder
// that is wrong changes nothing: what ran before runs on, the problem is logged
// once and kept for Catalog.Problems, and the folder is tried again, at the
// latest after ten seconds.
func (f *Folder) Watch(ctx context.Context) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		f.logger.WarnContext(ctx, "folder cannot be watched, it is read every few seconds instead", "folder", f.path, "error", err)
		f.follow(ctx, nil, nil, func(string) error { return nil })
		return nil
	}
	f.follow(ctx, watcher.Events, watcher.Errors, watcher.Add)
	if err := watcher.Close(); err != nil {
		return fmt.Errorf("stop watching %s: %w", f.path, err)
	}
	return nil
}

// follow loads the folder at once, when it was quiet after an event, and every
// poll. After each load the folders found are watched, those known again too,
// since one that was replaced is not the one that was watched. What changed
// before the first watch of a folder is seen by a second look.
func (f *Folder) follow(ctx context.Context, events <-chan fsnotify.Event, faults <-chan error, watch func(folder string) error) {
	poll := time.NewTicker(f.poll)
	defer poll.Stop()
	quiet := time.NewTimer(0)
	defer quiet.Stop()
	known := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-events:
			if event.Op != fsnotify.Chmod {
				quiet.Reset(f.quiet)
			}
			continue
		case err := <-faults: // Events were lost: look.
			f.logger.WarnContext(ctx, "watching a folder", "folder", f.path, "error", err)
			quiet.Reset(f.quiet)
			continue
		case <-quiet.C:
		case <-poll.C:
		}
		folders, err := f.load(ctx)
		f.tell(ctx, err)
		for _, folder := range folders {
			if err := watch(folder); err != nil {
				f.logger.DebugContext(ctx, "folder cannot be watched", "folder", folder, "error", err)
			}
			if !known[folder] {
				known[folder] = true
				quiet.Reset(f.quiet)
			}
		}
	}
}

// tell logs a problem when it is new, and its end.
func (f *Folder) tell(ctx context.Context, err error) {
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	if problem == f.told || ctx.Err() != nil {
		return
	}
	f.told = problem
	if err != nil {
		f.logger.ErrorContext(ctx, "objectives refused, those before stay in force", "folder", f.path, "error", err)
		return
	}
	f.logger.InfoContext(ctx, "objectives accepted again", "folder", f.path)
}

// maxWarnings is how many warnings of a folder are logged one by one.
const maxWarnings = 50

// warn logs the warnings of a folder when they are new.
func (f *Folder) warn(ctx context.Context, warnings slo.DocumentWarnings) {
	warned := slo.DocumentErrors(warnings).Error()
	if warned == f.warned {
		return
	}
	f.warned = warned
	for _, w := range warnings[:min(len(warnings), maxWarnings)] {
		f.logger.WarnContext(ctx, "objective read with a warning", "warning", w.Error())
	}
	if more := len(warnings) - maxWarnings; more > 0 {
		f.logger.WarnContext(ctx, "more objectives read with a warning", "more", more)
	}
}

// digestOf tells two states of a folder apart.
func digestOf(files []File) [sha256.Size]byte {
	hash := sha256.New()
	part := func(data []byte) { // Hash.Write never returns an error.
		_, _ = hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(data))))
		_, _ = hash.Write(data)
	}
	for _, file := range files {
		part([]byte(file.Path))
		part(file.Data)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}
