package journal_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

var errDisk = errors.New("input/output error")

// oneGroup is a journal whose record 1 is a group, and records 2 to n+1 are
// another one. ends[i] is where the i-th record of the second group begins.
func oneGroup(t *testing.T, n int) (fs *disktest.MemFS, path string, ends []int) {
	t.Helper()
	fs = disktest.NewMemFS()
	j := reopen(t, fs, quiet())
	ends = appendGroup(t, fs, j, n)
	require.NoError(t, j.Close())
	return fs, fs.Paths(".journal")[0], ends
}

// appendGroup appends record "first", and while that is being synced n others,
// which become one group. It returns where they begin and end.
func appendGroup(t *testing.T, fs *disktest.MemFS, j *journal.Journal, n int) []int {
	t.Helper()
	syncing, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	earlier := fs.Fault
	fs.Fault = func(op, path string, bytes int) (int, error) {
		if op == "sync" {
			once.Do(func() { close(syncing); <-goOn })
		}
		if earlier != nil {
			return earlier(op, path, bytes)
		}
		return bytes, nil
	}
	var senders sync.WaitGroup
	send := func(content string) {
		senders.Go(func() { _, _ = j.Append(context.Background(), traces([]byte(content))) })
	}
	send("first")
	<-syncing
	for range n {
		send("0123456789")
	}
	j.AwaitQueued(n)
	close(goOn)
	senders.Wait()
	size, length := int(j.Size()), journal.RecordHeaderBytes+len("0123456789")+2
	var ends []int
	for i := n; i >= 0; i-- {
		ends = append(ends, size-i*length)
	}
	return ends
}

func TestAFailedSyncStopsTheJournal(t *testing.T) {
	t.Parallel()
	for fail := 1; fail <= 12; fail++ {
		fs := disktest.NewMemFS()
		o := fromFiles()
		o.SegmentBytes = 250
		j := reopen(t, fs, o)
		syncs := 0
		fs.Fault = func(op, _ string, bytes int) (int, error) {
			if op == "sync" || op == "syncdir" {
				if syncs++; syncs == fail {
					return 0, errDisk
				}
			}
			return bytes, nil
		}
		acknowledged := 0
		var err error
		for err == nil && acknowledged < 100 {
			if _, err = j.Append(t.Context(), traces(payload(acknowledged+1))); err == nil {
				acknowledged++
			}
		}
		require.ErrorIs(t, err, journal.ErrUnavailable)
		require.ErrorIs(t, err, errDisk)
		<-j.Failed()
		require.ErrorIs(t, j.Err(), errDisk)
		require.Equal(t, slo.Offset(acknowledged), j.Durable())
		_, err = j.Append(t.Context(), traces(nil))
		require.ErrorIs(t, err, journal.ErrUnavailable)
		require.Equal(t, fail, syncs, "a failed sync is never repeated")
		requireNumbered(t, t.Context(), j, acknowledged)
		require.NoError(t, j.Close())
		fs.Fault = nil

		// The new process sees in the cache what the disk never got. It must
		// keep none of it or all of it, also through a power loss.
		next := fs.Kill()
		j = reopen(t, next, o)
		kept := int(j.Durable())
		require.GreaterOrEqual(t, kept, acknowledged)
		requireNumbered(t, t.Context(), j, kept)
		after := reopen(t, next.PowerLoss(seeded(uint64(fail))), o)
		requireNumbered(t, t.Context(), after, kept)
		require.NoError(t, after.Close())
		require.NoError(t, j.Close())
	}
}

func TestAFullDiskRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	for room := range 400 {
		fs := disktest.NewMemFS()
		o := fromFiles()
		o.SegmentBytes = 250
		var log bytes.Buffer
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		j := reopen(t, fs, o)
		fs.Capacity = int(j.Size()) + room
		acknowledged := 0
		var err error
		for err == nil {
			if _, err = j.Append(t.Context(), traces(payload(acknowledged+1))); err == nil {
				acknowledged++
			}
		}
		require.ErrorIs(t, err, journal.ErrUnavailable)
		require.ErrorIs(t, err, disktest.ErrFull)
		_, err = j.Append(t.Context(), traces(payload(acknowledged+1)))
		require.ErrorIs(t, err, journal.ErrUnavailable)
		require.NoError(t, j.Err(), "a full disk is no reason to stop")
		fs.Capacity = 0
		appendNumbered(t, t.Context(), j, acknowledged+1, acknowledged+5)
		requireNumbered(t, t.Context(), j, acknowledged+5)
		require.NoError(t, j.Close())
		require.Equal(t, 1, strings.Count(log.String(), "journal refuses records"))
		require.Equal(t, 1, strings.Count(log.String(), "journal accepts records again"))
		requireContinues(t, fs.PowerLoss(seeded(uint64(room))), acknowledged+5)
	}
}

func TestOpenOnAFullDiskStillReads(t *testing.T) {
	t.Parallel()
	fs, path, _ := grown(t, 3)
	fs.Capacity = len(fs.Bytes(path))
	j := reopen(t, fs, journal.Options{})
	requireNumbered(t, t.Context(), j, 3)
	require.NoError(t, j.Close())
}

func TestAWriteThatCannotBeTakenBackStopsTheJournal(t *testing.T) {
	t.Parallel()
	fs, _, _ := grown(t, 3)
	j := reopen(t, fs, quiet())
	fs.Fault = func(op, _ string, bytes int) (int, error) {
		if op == "write" || op == "truncate" {
			return bytes / 2, errDisk
		}
		return bytes, nil
	}
	_, err := j.Append(t.Context(), traces(payload(4)))
	require.ErrorIs(t, err, journal.ErrUnavailable)
	<-j.Failed()
	require.ErrorIs(t, j.Err(), errDisk)
	require.NoError(t, j.Close())
	fs.Fault = nil
	requireContinues(t, fs, 3)
}

// TestAWriteTakenBackStaysAway has the kernel bring half a write to the disk
// before it is taken back; then a new segment vouches for the old one's size.
func TestAWriteTakenBackStaysAway(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	o := fromFiles()
	o.SegmentBytes = 300
	j := reopen(t, fs, o)
	appendNumbered(t, t.Context(), j, 1, 2)
	fs.Fault = func(op, _ string, bytes int) (int, error) {
		switch op {
		case "write":
			return bytes / 2, errDisk
		case "truncate":
			fs.Writeback()
		}
		return bytes, nil
	}
	_, err := j.Append(t.Context(), traces([]byte("refused")))
	require.ErrorIs(t, err, journal.ErrUnavailable)
	fs.Fault = nil
	large := make([]byte, 400)
	for i := range large {
		large[i] = byte(i * i * 31 >> 2)
	}
	_, err = j.Append(t.Context(), traces(large))
	require.NoError(t, err)
	require.NoError(t, j.Close())
	require.Greater(t, len(fs.Paths(".journal")), 1)
	for seed := range uint64(20) {
		j := reopen(t, fs.PowerLoss(seeded(seed)), o)
		require.Equal(t, slo.Offset(3), j.Durable())
		records, err := readAll(t.Context(), j, 0)
		require.NoError(t, err)
		require.Equal(t, large, records[2].Payload)
		require.NoError(t, j.Close())
	}
}

func TestAReadErrorIsNotDamage(t *testing.T) {
	t.Parallel()
	fs, path, _ := grown(t, 3)
	j := reopen(t, fs, fromFiles())
	defer j.Close()
	r, err := j.Reader(0)
	require.NoError(t, err)
	defer r.Close()
	for _, failing := range []string{"open", "read"} {
		fs.Fault = func(op, _ string, bytes int) (int, error) {
			if op == failing {
				return 0, errDisk
			}
			return bytes, nil
		}
		_, err = r.Next(t.Context())
		require.ErrorIs(t, err, errDisk)
		require.NotErrorIs(t, err, journal.ErrDamaged)
		if failing == "read" {
			require.ErrorContains(t, err, path)
		}
	}
	fs.Fault = nil
	record, err := r.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, payload(1), record.Payload)
}

// TestAGroupTornAtEveryByte writes only so many bytes of a group before the
// write fails, and then either takes it back or loses power.
func TestAGroupTornAtEveryByte(t *testing.T) {
	t.Parallel()
	const records = 4
	_, _, ends := oneGroup(t, records)
	for torn := range ends[records] - ends[0] + 1 {
		fs := disktest.NewMemFS()
		j := reopen(t, fs, fromFiles())
		var kill, power *disktest.MemFS
		fs.Fault = func(op, _ string, bytes int) (int, error) {
			if op == "write" && bytes == ends[records]-ends[0] {
				return torn, errDisk
			}
			if op == "truncate" {
				kill, power = fs.Kill(), fs.PowerLoss(seeded(uint64(torn)))
			}
			return bytes, nil
		}
		appendGroup(t, fs, j, records)
		fs.Fault = nil
		require.Equal(t, slo.Offset(1), j.Durable())
		require.NoError(t, j.Err())
		_, err := j.Append(t.Context(), traces([]byte("retried")))
		require.NoError(t, err)
		require.NoError(t, j.Close())
		require.NotNil(t, kill)

		for name, left := range map[string]*disktest.MemFS{"killed": kill, "power lost": power, "taken back": fs} {
			j := reopen(t, left, fromFiles())
			got, err := readAll(t.Context(), j, 0)
			require.NoError(t, err, name)
			require.Equal(t, []byte("first"), got[0].Payload)
			switch name {
			case "killed":
				require.Len(t, got, 1+torn/(ends[1]-ends[0]), "whole records of the group are kept")
			case "taken back":
				require.Len(t, got, 2)
				require.Equal(t, []byte("retried"), got[1].Payload)
			}
			require.NoError(t, j.Close())
		}
	}
}
