// Package journal is the append-only log of everything that Slowburn accepted:
// one writer that answers when a record is on disk, many readers that each
// keep an offset.
package journal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

var (
	// ErrUnavailable says that a retry may help: the disk is full, the journal
	// is closing or has stopped.
	ErrUnavailable = errors.New("the journal is unavailable, retry later")
	// ErrTooLarge says that the payload is above 256 MiB, or that it would fill
	// the journal alone; no retry will help.
	ErrTooLarge = errors.New("the payload is too large for the journal")
	// ErrDamaged says that stored records are missing or not as they were
	// written. The text names the file and the byte.
	ErrDamaged = errors.New("the journal is damaged")
	// ErrGap says that a reader wants records which Trim has deleted; it can
	// go on only with a new Reader from Oldest()-1.
	ErrGap = errors.New("the journal no longer holds these records")

	errClosing = errors.New("it is closing")
)

// Options are the settings of a journal; the zero value is useful.
type Options struct {
	// Logger is told about recovery and refused writes; nil logs nothing.
	Logger *slog.Logger
	// MaxBytes is the size above which telemetry is refused with ErrFull until
	// Trim has made room; 0 for no limit. Trim should begin well below it.
	MaxBytes int64
	// AcceptLoss names damaged or missing segments ("00000000000000000001.journal")
	// whose records are given up; see Holes. The name of the last segment, when
	// that is whole, gives up the records missing behind it.
	AcceptLoss []string
	// SegmentBytes is the size from which a new segment is begun, 64 MiB if not positive.
	SegmentBytes int64
	// Heartbeat is how long the journal may be idle before it writes a
	// heartbeat record: 1 s if 0, never if negative.
	Heartbeat time.Duration
	// RecentBytes bounds the newest records that are kept in memory for
	// readers, by uncompressed payload: 64 MiB if 0, none if negative.
	RecentBytes int64
	// Now is the clock of arrival times and ages, time.Now if nil.
	Now func() time.Time
	// Monotonic is a clock that nobody sets, beside Now: the time since any
	// moment, by default since Open.
	Monotonic func() time.Duration
}

func (o Options) defaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = time.Second
	}
	if o.RecentBytes == 0 {
		o.RecentBytes = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Monotonic == nil {
		start := time.Now()
		o.Monotonic = func() time.Duration { return time.Since(start) }
	}
	return o
}

// Journal is an open journal. All methods may be called by many goroutines.
type Journal struct {
	fs      disk.FS
	dir     string
	options Options
	lock    io.Closer

	queue   chan *request
	frames  sync.Pool
	senders sync.WaitGroup // those who may still send to queue
	closing chan struct{}
	written chan struct{} // closed when the writer goroutine has ended
	failed  chan struct{}
	trim    sync.Mutex // one Trim at a time

	closeOnce sync.Once
	closeErr  error

	// writer belongs to the writer goroutine, and to open before it starts.
	writer writer

	mu       sync.Mutex // guards what follows
	closed   bool
	failure  error
	refusing error // why telemetry is refused, nil while it is not
	durable  slo.Offset
	found    slo.Offset // never changes after Open
	opened   int64      // the size at Open, which may lie above a limit that was lowered
	// segments follow each other without gaps and are never empty; the last one
	// is written to, others may be lost.
	segments []segment
	// suspected are the segments in which readers met damage.
	suspected map[slo.Offset]bool
	recent    recent
	wake      chan struct{} // closed and replaced when durable moves
}

// Open opens the journal in dir, creates it if it is not there, and cuts the
// torn tail that a crash may have left. It fails when another process has the
// journal, when a file was written by a newer Slowburn, and with ErrDamaged
// when records are missing or damaged that a crash cannot have damaged: then the
// damaged segment is set aside, and stays, and the text says how to go on. All
// headers and sizes are verified, the last segment is read whole, others only if
// a reader has met damage in them.
func Open(dir string, o Options) (*Journal, error) { return open(disk.OS{}, dir, o) }

func open(fs disk.FS, dir string, o Options) (*Journal, error) {
	if err := fs.MakeDir(dir); err != nil {
		return nil, fmt.Errorf("create data folder %s: %w", dir, err)
	}
	lock, err := fs.Lock(filepath.Join(dir, "lock"))
	if errors.Is(err, disk.ErrLocked) {
		return nil, fmt.Errorf("data folder %s is used by another slowburn: stop that one, or give this one a folder of its own", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("lock data folder %s: %w", dir, err)
	}
	j := &Journal{
		fs: fs, dir: dir, options: o.defaults(), lock: lock,
		queue: make(chan *request, queueLength), closing: make(chan struct{}),
		written: make(chan struct{}), failed: make(chan struct{}), wake: make(chan struct{}),
		suspected: map[slo.Offset]bool{},
	}
	j.recent.limit = j.options.RecentBytes
	if err := j.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal %s: %w", dir, err), j.release())
	}
	go j.run()
	return j, nil
}

// start recovers what is on disk and says by a first heartbeat that Slowburn
// accepts again. A full disk is no reason not to start: what needs no new
// records goes on.
func (j *Journal) start() error {
	if err := j.restore(); err != nil {
		return err
	}
	j.found, j.opened = j.durable, j.size()
	if j.options.Heartbeat > 0 {
		j.commit([]*request{heartbeat()})
	}
	return j.Err()
}

// release gives back the file and the lock.
func (j *Journal) release() error {
	var err error
	if j.writer.file != nil {
		err = j.writer.file.Close()
	}
	return errors.Join(err, j.lock.Close())
}

// Found is the offset of the newest record that was on disk at Open, 0 for
// none. A reader that had got further has read what is gone.
func (j *Journal) Found() slo.Offset { return j.found }

// Durable is the offset of the newest record on disk, 0 for none.
func (j *Journal) Durable() slo.Offset {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.durable
}

// Oldest is the offset of the oldest record still kept. While nothing is kept
// it is the offset that the next record will have.
func (j *Journal) Oldest() slo.Offset {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.segments {
		if !j.segments[i].lost {
			return j.segments[i].first
		}
	}
	return j.durable + 1
}

// Size is how many bytes the journal uses on disk.
func (j *Journal) Size() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size()
}

func (j *Journal) size() int64 {
	var sum int64
	for i := range j.segments {
		sum += j.segments[i].end
	}
	return sum
}

// Failed is closed when the journal has stopped for good: a sync failed, so
// nobody knows what is on disk. The process should end; the next start reads
// what is really there. Err then says why.
func (j *Journal) Failed() <-chan struct{} { return j.failed }

// Err is the reason why the journal has stopped for good, nil if it has not.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}

// Close refuses new records, stores what is queued, stops the writer and frees
// the folder. Readers may read on to the end. Every call returns what the
// first one did. A journal that stopped for good says so by Err, not here.
func (j *Journal) Close() error {
	j.closeOnce.Do(func() {
		j.mu.Lock()
		j.closed = true
		j.mu.Unlock()
		close(j.closing)
		j.senders.Wait()
		close(j.queue)
		<-j.written
		// Nothing is left to sync: each group was, before it was answered.
		if err := j.release(); err != nil {
			j.closeErr = fmt.Errorf("close journal %s: %w", j.dir, err)
		}
	})
	return j.closeErr
}
