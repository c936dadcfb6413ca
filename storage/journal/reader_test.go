package journal_test

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

func TestReadersSeeEveryRecordOnceWhileManyAppend(t *testing.T) {
	t.Parallel()
	for name, recent := range map[string]int64{"memory for all": 0, "memory for a few": 2000, "no memory": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, err := journal.Open(t.TempDir(), journal.Options{Heartbeat: -1, SegmentBytes: 20_000, RecentBytes: recent})
			require.NoError(t, err)
			const senders, each, readers = 8, 150, 4
			var all sync.WaitGroup
			for sender := range senders {
				all.Go(func() {
					for n := range each {
						content := binary.LittleEndian.AppendUint64(nil, uint64(sender*each+n))
						if _, err := j.Append(t.Context(), traces(content)); err != nil {
							t.Errorf("append: %v", err)
						}
					}
				})
			}
			seen := make([][]uint64, readers)
			for i := range readers {
				r, err := j.Reader(0)
				require.NoError(t, err)
				all.Go(func() {
					for n := range senders * each {
						record, err := r.Next(t.Context())
						if err != nil || record.Offset != slo.Offset(n+1) || record.Offset > j.Durable() {
							t.Errorf("record %d is %d, error %v", n+1, record.Offset, err)
							return
						}
						seen[i] = append(seen[i], binary.LittleEndian.Uint64(record.Payload))
					}
					if err := r.Close(); err != nil {
						t.Errorf("close: %v", err)
					}
				})
			}
			all.Wait()
			require.NoError(t, j.Close())
			count := map[uint64]int{}
			for _, number := range seen[0] {
				count[number]++
			}
			require.Len(t, count, senders*each)
			for i := 1; i < readers; i++ {
				require.Equal(t, seen[0], seen[i])
			}
		})
	}
}

func TestALaggingReaderComesBackToMemory(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	j := reopen(t, fs, journal.Options{Heartbeat: -1, SegmentBytes: 4000, RecentBytes: 1000})
	defer j.Close()
	r, err := j.Reader(0)
	require.NoError(t, err)
	defer r.Close()
	read, appended, fromMemory, fromDisk := 0, 0, 0, 0
	for round := range 40 {
		for range 1 + round%20 {
			appended++
			offset, err := j.Append(t.Context(), slo.Record{Kind: slo.RecordTraces, Payload: payload(appended), Decoded: appended})
			require.NoError(t, err)
			require.Equal(t, slo.Offset(appended), offset)
		}
		for read < appended && (round%3 != 0 || read < appended-2) {
			record, err := r.Next(t.Context())
			require.NoError(t, err)
			read++
			require.Equal(t, slo.Offset(read), record.Offset)
			require.Equal(t, payload(read), record.Payload)
			if record.Decoded == nil {
				fromDisk++
			} else {
				require.Equal(t, read, record.Decoded)
				fromMemory++
			}
		}
	}
	require.Greater(t, fromMemory, 50)
	require.Greater(t, fromDisk, 50)
}

func TestALargeSegmentIsEnteredInTheMiddle(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	j := reopen(t, fs, fromFiles())
	random := seeded(1)
	for n := range 60 {
		content := binary.LittleEndian.AppendUint64(nil, uint64(n+1))
		for len(content) < 100_000 {
			content = binary.LittleEndian.AppendUint64(content, random.Uint64())
		}
		_, err := j.Append(t.Context(), traces(content))
		require.NoError(t, err)
	}
	require.Greater(t, j.Size(), int64(3<<20))
	check := func() {
		for after := range slo.Offset(60) {
			r, err := j.Reader(after)
			require.NoError(t, err)
			record, err := r.Next(t.Context())
			require.NoError(t, err)
			require.Equal(t, after+1, record.Offset)
			require.Equal(t, uint64(after+1), binary.LittleEndian.Uint64(record.Payload))
			require.NoError(t, r.Close())
		}
	}
	check()
	require.NoError(t, j.Close())
	j = reopen(t, fs, fromFiles())
	check()
	require.NoError(t, j.Close())
}

func TestNextLosesNothingWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	j := reopen(t, disktest.NewMemFS(), quiet())
	defer j.Close()
	r, err := j.Reader(0)
	require.NoError(t, err)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := r.Next(ctx)
		ended <- err
	}()
	end()
	require.ErrorIs(t, <-ended, context.Canceled)
	appendNumbered(t, t.Context(), j, 1, 2)
	_, err = r.Next(ctx)
	require.ErrorIs(t, err, context.Canceled)
	for n := 1; n <= 2; n++ {
		record, err := r.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, payload(n), record.Payload)
	}
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())
	_, err = r.Next(t.Context())
	require.ErrorContains(t, err, "this reader is closed")
}

func TestReadersReadToTheEndOfAClosedJournal(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]journal.Options{"from memory": quiet(), "from files": fromFiles()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := reopen(t, disktest.NewMemFS(), o)
			r, err := j.Reader(0)
			require.NoError(t, err)
			appendNumbered(t, t.Context(), j, 1, 3)
			read := make(chan int)
			go func() {
				n := 0
				for {
					if _, err := r.Next(context.Background()); err != nil {
						break
					}
					n++
				}
				read <- n
			}()
			require.NoError(t, j.Close())
			require.Equal(t, 3, <-read)
			_, err = r.Next(t.Context())
			require.ErrorIs(t, err, journal.ErrUnavailable)
			require.NoError(t, r.Close())
		})
	}
}

func TestAReaderAheadOfTheJournalIsRefused(t *testing.T) {
	t.Parallel()
	j := reopen(t, disktest.NewMemFS(), quiet())
	defer j.Close()
	appendNumbered(t, t.Context(), j, 1, 3)
	_, err := j.Reader(3)
	require.NoError(t, err)
	for _, after := range []slo.Offset{4, 1 << 40, 1<<64 - 1} {
		_, err = j.Reader(after)
		require.ErrorIs(t, err, journal.ErrDamaged)
	}
}
