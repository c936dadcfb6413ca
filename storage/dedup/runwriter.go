package dedup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strings"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

const (
	runSuffix        = ".run"
	temporarySuffix  = ".tmp"
	quarantineSuffix = ".quarantined"

	bufferBytes = 64 * pageBytes
	// A run is synced as it grows, so that a large merge never holds up the
	// journal's own syncs with all of it at once.
	syncBytes = 8 << 20
)

// runWriter writes a run under a temporary name: entries in order, then
// verdicts in order, then finish gives it its name.
type runWriter struct {
	fs      disk.FS
	dir     string
	path    string
	file    disk.File
	buffer  []byte
	written int64
	synced  int64
	filter  filter
	data    page
	notes   page
	before  verdict // the one before on the page of verdicts
	index   []uint64
	footer  footer
}

// page is the page being filled.
type page struct {
	bytes []byte
	n     int
}

func newRunWriter(fs disk.FS, dir string, after, through slo.Offset, f filter) (*runWriter, error) {
	w := &runWriter{fs: fs, dir: dir, filter: f}
	w.data.bytes, w.notes.bytes = make([]byte, 0, pageBytes), make([]byte, 0, pageBytes)
	w.footer.after, w.footer.through = after, through
	w.path = filepath.Join(dir, runName(after, through))
	var err error
	if w.file, err = fs.Create(w.path + temporarySuffix); err != nil {
		return nil, fmt.Errorf("create run of sightings: %w", err)
	}
	return w, nil
}

// abandon removes what was written; what cannot be removed goes at the next start.
func (w *runWriter) abandon() {
	_ = w.file.Close()
	_ = w.fs.Remove(w.path + temporarySuffix)
}

func (w *runWriter) add(e entry) error {
	if w.data.n == 0 {
		w.index = append(w.index, e.hi)
	}
	w.filter.add(e.hi, e.lo)
	b := w.data.bytes[:len(w.data.bytes)+entryBytes]
	putEntry(b[len(b)-entryBytes:], e)
	w.data.bytes = b
	w.data.n++
	w.footer.items++
	if w.data.n == pageEntries {
		return w.endDataPage()
	}
	return nil
}

func (w *runWriter) endDataPage() error {
	if w.data.n == 0 {
		return nil
	}
	b := w.data.bytes[:pageBytes]
	clear(b[len(w.data.bytes):])
	binary.LittleEndian.PutUint32(b[pageBytes-32:], uint32(w.data.n))
	binary.LittleEndian.PutUint32(b[pageBytes-28:], w.footer.dataPages)
	seal(b)
	w.footer.dataPages++
	w.data = page{bytes: b[:0]}
	return w.write(b)
}

// note writes a verdict; all entries have been added before.
func (w *runWriter) note(v verdict) error {
	if w.notes.n > 0 {
		if b := appendVerdict(w.notes.bytes, w.before, v); len(b) <= verdictBytes {
			w.notes, w.before = page{bytes: b, n: w.notes.n + 1}, v
			return nil
		}
		if err := w.endVerdictPage(); err != nil {
			return err
		}
	}
	if err := w.endDataPage(); err != nil {
		return err
	}
	w.index = append(w.index, uint64(v.offset))
	w.notes = page{bytes: appendVerdict(w.notes.bytes[:0], verdict{}, v), n: 1}
	w.before = v
	return nil
}

func (w *runWriter) endVerdictPage() error {
	if w.notes.n == 0 {
		return nil
	}
	used := len(w.notes.bytes)
	b := w.notes.bytes[:pageBytes]
	clear(b[used:])
	binary.LittleEndian.PutUint32(b[verdictBytes:], uint32(w.notes.n))
	binary.LittleEndian.PutUint32(b[verdictBytes+4:], uint32(used))
	seal(b)
	w.footer.verdicts += uint64(w.notes.n)
	w.footer.verdictPages++
	w.notes = page{bytes: b[:0]}
	return w.write(b)
}

// copyVerdicts takes over a sealed page of verdicts of another run.
func (w *runWriter) copyVerdicts(b []byte, first uint64) error {
	if err := w.endDataPage(); err != nil {
		return err
	}
	w.index = append(w.index, first)
	w.footer.verdicts += uint64(binary.LittleEndian.Uint32(b[verdictBytes:]))
	w.footer.verdictPages++
	return w.write(b)
}

// finish makes the run durable and gives it its name.
func (w *runWriter) finish() (*run, error) {
	if err := errors.Join(w.endDataPage(), w.endVerdictPage()); err != nil {
		return nil, err
	}
	var err error
	w.footer.filterBlocks = uint32(len(w.filter) / blockWords)
	if w.footer.filterSum, err = w.writeWords(w.filter); err != nil {
		return nil, err
	}
	if w.footer.indexSum, err = w.writeWords(w.index); err != nil {
		return nil, err
	}
	if err := errors.Join(w.write(w.footer.encode()), w.flush()); err != nil {
		return nil, err
	}
	if err := w.file.Sync(); err != nil {
		return nil, fmt.Errorf("sync run of sightings: %w", err)
	}
	failpoint.Here(failpoint.DedupSync)
	if err := w.fs.Rename(w.path+temporarySuffix, w.path); err != nil {
		return nil, fmt.Errorf("name run of sightings: %w", err)
	}
	if err := w.fs.SyncDir(w.dir); err != nil {
		// Its name may vanish, so what it replaces must stay.
		_ = w.fs.Remove(w.path)
		return nil, fmt.Errorf("sync folder of sightings: %w", err)
	}
	return &run{path: w.path, file: w.file, footer: w.footer, filter: w.filter, index: w.index}, nil
}

// writeWords writes numbers and returns their checksum.
func (w *runWriter) writeWords(words []uint64) (uint32, error) {
	sum := uint32(0)
	b := make([]byte, 0, pageBytes)
	for len(words) > 0 {
		b = b[:0]
		n := min(len(words), pageBytes/8)
		for _, word := range words[:n] {
			b = binary.LittleEndian.AppendUint64(b, word)
		}
		words = words[n:]
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), b)
		if err := w.write(b); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

func (w *runWriter) write(b []byte) error {
	if len(w.buffer)+len(b) > bufferBytes {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.buffer = append(w.buffer, b...)
	return nil
}

func (w *runWriter) flush() error {
	if _, err := w.file.WriteAt(w.buffer, w.written); err != nil {
		return fmt.Errorf("write run of sightings: %w", err)
	}
	w.written += int64(len(w.buffer))
	w.buffer = w.buffer[:0]
	if w.written-w.synced < syncBytes {
		return nil
	}
	w.synced = w.written
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync run of sightings: %w", err)
	}
	return nil
}

func runName(after, through slo.Offset) string {
	return fmt.Sprintf("%020d-%020d%s", uint64(after), uint64(through), runSuffix)
}

// parseRunName reads the records that a name says, whatever follows it.
func parseRunName(name string) (after, through slo.Offset, ok bool) {
	n, err := fmt.Sscanf(name, "%020d-%020d"+runSuffix, &after, &through)
	return after, through, err == nil && n == 2 && strings.HasPrefix(name, runName(after, through))
}
