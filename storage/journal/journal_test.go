package journal_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

func TestRecordsComeBackAsTheyWereAppended(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "a", "b")
	c := newClock()
	random := make([]byte, 300<<10)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	appended := []slo.Record{
		{Kind: slo.RecordTraces, Payload: []byte("spans"), Decoded: "decoded spans"},
		{Kind: slo.RecordMetrics, Payload: bytes.Repeat([]byte("metric"), 100_000)},
		{Kind: slo.RecordDefinitions, Payload: random},
		{Kind: slo.RecordHeartbeat},
	}
	for name, o := range map[string]journal.Options{
		"from memory":   {Heartbeat: -1, Now: c.Now},
		"from the disk": {Heartbeat: -1, Now: c.Now, RecentBytes: -1},
	} {
		t.Run(name, func(t *testing.T) {
			inFolder := filepath.Join(folder, name)
			j, err := journal.Open(inFolder, o)
			require.NoError(t, err)
			require.Zero(t, j.Durable())
			require.Equal(t, slo.Offset(1), j.Oldest())
			for i, r := range appended {
				offset, err := j.Append(t.Context(), r)
				require.NoError(t, err)
				require.Equal(t, slo.Offset(i+1), offset)
			}
			want := func(decoded bool) []slo.Record {
				var records []slo.Record
				for i, r := range appended {
					r.Offset, r.Arrival = slo.Offset(i+1), c.now
					if !decoded {
						r.Decoded = nil
					}
					records = append(records, r)
				}
				return records
			}
			got, err := readAll(t.Context(), j, 0)
			require.NoError(t, err)
			require.Equal(t, want(o.RecentBytes == 0), got)
			require.NoError(t, j.Close())

			j, err = journal.Open(inFolder, o)
			require.NoError(t, err)
			require.Equal(t, slo.Offset(4), j.Durable())
			got, err = readAll(t.Context(), j, 0)
			require.NoError(t, err)
			require.Equal(t, want(false), got)
			require.NoError(t, j.Close())
		})
	}
}

func TestArrivalNeverGoesBackwards(t *testing.T) {
	t.Parallel()
	fs, c := disktest.NewMemFS(), newClock()
	o := quiet()
	o.Now, o.Monotonic, o.SegmentBytes = c.Now, c.Monotonic, 1
	start := c.now
	for i, step := range []time.Duration{0, -time.Hour, time.Minute, -24 * time.Hour} {
		c.now = start.Add(step)
		j := reopen(t, fs, o)
		appendNumbered(t, t.Context(), j, i+1, i+1)
		require.NoError(t, j.Close())
	}
	j := reopen(t, fs, o)
	defer j.Close()
	records, err := readAll(t.Context(), j, 0)
	require.NoError(t, err)
	var arrivals []time.Duration
	for _, r := range records {
		arrivals = append(arrivals, r.Arrival.Sub(start))
	}
	require.Equal(t, []time.Duration{0, 0, time.Minute, time.Minute}, arrivals)
}

func TestOnlyOneProcessUsesAFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j, err := journal.Open(folder, quiet())
	require.NoError(t, err)
	_, err = journal.Open(folder, quiet())
	require.ErrorContains(t, err, "data folder "+folder+" is used by another slowburn")
	require.NoError(t, j.Close())
	j, err = journal.Open(folder, quiet())
	require.NoError(t, err)
	require.NoError(t, j.Close())
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	j := reopen(t, disktest.NewMemFS(), quiet())

	_, err := j.Append(t.Context(), slo.Record{Payload: []byte("x")})
	require.ErrorContains(t, err, "has no kind")
	_, err = j.Append(t.Context(), traces(make([]byte, 256<<20+1)))
	require.ErrorIs(t, err, journal.ErrTooLarge)
	require.NotErrorIs(t, err, journal.ErrUnavailable)
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = j.Append(ended, traces(nil))
	require.ErrorIs(t, err, context.Canceled)

	require.NoError(t, j.Close())
	require.NoError(t, j.Close())
	_, err = j.Append(t.Context(), traces(nil))
	require.ErrorIs(t, err, journal.ErrUnavailable)
	require.Zero(t, j.Durable())
	require.NoError(t, j.Err())
}

func TestAppendEndsWithItsContextWhileTheDiskIsSlow(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	j := reopen(t, fs, quiet())
	syncing, goOn := make(chan struct{}), make(chan struct{})
	fs.Fault = func(op, _ string, bytes int) (int, error) {
		if op == "sync" {
			syncing <- struct{}{}
			<-goOn
		}
		return bytes, nil
	}
	ctx, end := context.WithCancel(t.Context())
	refused := make(chan error)
	go func() {
		_, err := j.Append(ctx, traces([]byte("slow")))
		refused <- err
	}()
	<-syncing
	require.Zero(t, j.Durable(), "what is not synced is not shown")
	end()
	require.ErrorIs(t, <-refused, context.Canceled)
	close(goOn)
	require.NoError(t, j.Close())
	require.Equal(t, slo.Offset(1), j.Durable(), "without an answer it may become durable")
}

func TestCloseStoresWhatIsQueued(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	j := reopen(t, fs, quiet())
	syncing, goOn := make(chan struct{}), make(chan struct{})
	var first sync.Once
	fs.Fault = func(op, _ string, bytes int) (int, error) {
		if op == "sync" {
			first.Do(func() { close(syncing); <-goOn })
		}
		return bytes, nil
	}
	const senders = 20
	var answers sync.WaitGroup
	stored := make(chan slo.Offset, senders)
	send := func() {
		offset, err := j.Append(context.Background(), traces([]byte("x")))
		if err == nil {
			stored <- offset
		}
	}
	answers.Go(send)
	<-syncing
	for range senders - 1 {
		answers.Go(send)
	}
	closed := make(chan error)
	go func() { closed <- j.Close() }()
	close(goOn)
	require.NoError(t, <-closed)
	answers.Wait()
	close(stored)
	acknowledged := 0
	for offset := range stored {
		require.LessOrEqual(t, offset, j.Durable())
		acknowledged++
	}
	require.Equal(t, slo.Offset(acknowledged), j.Durable(), "stored and answered, or refused and not stored")
}

func TestAnIdleJournalBeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := reopen(t, disktest.NewMemFS(), journal.Options{})
		defer j.Close()
		start := time.Now()
		r, err := j.Reader(0)
		require.NoError(t, err)
		defer r.Close()
		next := func(after time.Duration, kind slo.RecordKind) {
			record, err := r.Next(t.Context())
			require.NoError(t, err)
			require.Equal(t, kind, record.Kind)
			require.Equal(t, after, record.Arrival.Sub(start))
		}
		next(0, slo.RecordHeartbeat)
		next(time.Second, slo.RecordHeartbeat)
		next(2*time.Second, slo.RecordHeartbeat)

		ctx, end := context.WithTimeout(t.Context(), 700*time.Millisecond)
		defer end()
		_, err = r.Next(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		appendNumbered(t, t.Context(), j, 1, 1)
		next(2700*time.Millisecond, slo.RecordTraces)
		next(3700*time.Millisecond, slo.RecordHeartbeat)
	})
}

func TestSizeIsWhatTheFilesHave(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	o := quiet()
	o.SegmentBytes = 500
	j := reopen(t, fs, o)
	appendNumbered(t, t.Context(), j, 1, 50)
	onDisk := func() (sum int64) {
		for _, path := range fs.Paths(".journal") {
			sum += int64(len(fs.Bytes(path)))
		}
		return sum
	}
	require.Greater(t, len(fs.Paths(".journal")), 5)
	require.Equal(t, onDisk(), j.Size())
	trim(t, j, 20)
	require.Equal(t, onDisk(), j.Size())
	require.NoError(t, j.Close())
	j = reopen(t, fs, o)
	require.Equal(t, onDisk(), j.Size())
	require.NoError(t, j.Close())
	require.True(t, strings.HasSuffix(fs.Paths(".journal")[0], ".journal"))
}
