package journal_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// trimmed is a journal of ten records, one a minute and a segment.
func trimmed(t *testing.T) (*disktest.MemFS, *journal.Journal, *clock) {
	t.Helper()
	fs, c := disktest.NewMemFS(), newClock()
	j := reopen(t, fs, journal.Options{Heartbeat: -1, RecentBytes: -1, SegmentBytes: 1, Now: c.Now, Monotonic: c.Monotonic})
	t.Cleanup(func() { require.NoError(t, j.Close()) })
	for range 10 {
		_, err := j.Append(t.Context(), traces([]byte("0123456789")))
		require.NoError(t, err)
		c.pass(time.Minute)
	}
	return fs, j, c
}

// trim deletes all that may go when records up to read are read and sealed.
func trim(t require.TestingT, j *journal.Journal, read slo.Offset) {
	_, err := j.Trim(read, read, 0, 0)
	require.NoError(t, err)
}

func TestTrim(t *testing.T) {
	t.Parallel()
	const never, endless = 1000 * time.Hour, 1 << 60
	_, one, _ := trimmed(t)
	segment := one.Size() / 10
	for name, c := range map[string]struct {
		read     slo.Offset
		unsealed slo.Offset // how far the seal is behind what was read
		maxAge   time.Duration
		maxBytes int64
		oldest   slo.Offset
		warns    int // segments deleted without a seal
	}{
		"keeps what nobody read":                         {read: 0, oldest: 1},
		"deletes what was read and is old":               {read: 4, maxBytes: endless, oldest: 5},
		"never deletes the segment that is written to":   {read: 10, oldest: 10},
		"takes an offset beyond the end for the end":     {read: 1 << 63, oldest: 10},
		"keeps what is younger than the age":             {read: 10, maxAge: 6*time.Minute + 30*time.Second, maxBytes: endless, oldest: 5},
		"keeps what is exactly as old as the age":        {read: 10, maxAge: 7 * time.Minute, maxBytes: endless, oldest: 4},
		"keeps all below both limits":                    {read: 10, maxAge: never, maxBytes: endless, oldest: 1},
		"deletes young segments to get below the size":   {read: 10, maxAge: never, maxBytes: 3 * segment, oldest: 8},
		"keeps what is old and not sealed":               {read: 6, unsealed: 2, maxBytes: endless, oldest: 5},
		"deletes what is not sealed for the size":        {read: 10, unsealed: 5, maxAge: never, maxBytes: 3 * segment, oldest: 8, warns: 2},
		"deletes by age what is sealed, then by size":    {read: 10, unsealed: 9, maxBytes: 5 * segment, oldest: 6, warns: 4},
		"stays above the size rather than delete unread": {read: 2, maxAge: never, maxBytes: 3 * segment, oldest: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs, j, _ := trimmed(t)
			unsealed, err := j.Trim(c.read, c.read-c.unsealed, c.maxAge, c.maxBytes)
			require.NoError(t, err)
			require.Equal(t, c.warns, unsealed)
			require.Equal(t, c.oldest, j.Oldest())
			require.Len(t, fs.Paths(".journal"), int(10-c.oldest)+1)
			records, err := readAll(t.Context(), j, c.oldest-1)
			require.NoError(t, err)
			require.Len(t, records, int(10-c.oldest)+1)
			if c.oldest > 1 {
				_, err = j.Reader(c.oldest - 2)
				require.ErrorIs(t, err, journal.ErrGap)
			}
			again := reopen(t, fs.Kill(), quiet())
			require.Equal(t, c.oldest, again.Oldest())
			require.Equal(t, slo.Offset(10), again.Durable())
			require.NoError(t, again.Close())
		})
	}
}

func TestTrimOnARealDisk(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "journal")
	o := fromFiles()
	o.SegmentBytes = 1
	j, err := journal.Open(folder, o)
	require.NoError(t, err)
	appendNumbered(t, t.Context(), j, 1, 5)
	trim(t, j, 3)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 3, "two segments and the lock")
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode(), "only the owner reads what was accepted")
	}
	require.NoError(t, j.Close())
	j, err = journal.Open(folder, o)
	require.NoError(t, err)
	require.Equal(t, slo.Offset(4), j.Oldest())
	records, err := readAll(t.Context(), j, 3)
	require.NoError(t, err)
	require.Len(t, records, 2)
	require.NoError(t, j.Close())
}

func TestAReaderThatTrimOvertakesIsTold(t *testing.T) {
	t.Parallel()
	_, j, _ := trimmed(t)
	r, err := j.Reader(0)
	require.NoError(t, err)
	defer r.Close()
	_, err = r.Next(t.Context())
	require.NoError(t, err)
	trim(t, j, 5)
	_, err = r.Next(t.Context())
	require.ErrorIs(t, err, journal.ErrGap)
	require.ErrorContains(t, err, "records 2 to 5 were deleted")
}

func TestASegmentThatSomebodyDeletedIsDamage(t *testing.T) {
	t.Parallel()
	fs, j, _ := trimmed(t)
	fs.SetBytes(fs.Paths(".journal")[2], nil)
	records, err := readAll(t.Context(), j, 0)
	require.ErrorIs(t, err, journal.ErrDamaged)
	require.Len(t, records, 2)
}

func TestPowerLossDuringTrimLeavesNoHole(t *testing.T) {
	t.Parallel()
	fs, j, _ := trimmed(t)
	clones := 0
	random := seeded(1)
	fs.Fault = func(op, _ string, bytes int) (int, error) {
		if op != "remove" && op != "syncdir" {
			return bytes, nil
		}
		for range 20 {
			again, err := journal.OpenOn(fs.PowerLoss(random), dir, quiet())
			require.NoError(t, err)
			require.Equal(t, slo.Offset(10), again.Durable())
			records, err := readAll(t.Context(), again, again.Oldest()-1)
			require.NoError(t, err)
			require.Len(t, records, int(11-again.Oldest()))
			require.NoError(t, again.Close())
			clones++
		}
		return bytes, nil
	}
	trim(t, j, 10)
	require.Equal(t, 2*9*20, clones)
}

func TestDeletingUnsealedRecordsIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o := fromFiles()
	o.SegmentBytes, o.Logger = 1, slog.New(slog.NewTextHandler(&log, nil))
	j := reopen(t, disktest.NewMemFS(), o)
	defer j.Close()
	appendNumbered(t, t.Context(), j, 1, 9)
	unsealed, err := j.Trim(9, 3, time.Hour, 0)
	require.NoError(t, err)
	require.Equal(t, 5, unsealed)
	require.Equal(t, 1, strings.Count(log.String(), "before an audit had sealed them"))
	require.Contains(t, log.String(), "sealed_through=3 deleted_through=8")
}

// TestAFailedSyncOfADeletionStopsTheJournal: if the next deletion became durable
// without this one, there would be a hole.
func TestAFailedSyncOfADeletionStopsTheJournal(t *testing.T) {
	t.Parallel()
	fs, j, _ := trimmed(t)
	fs.Fault = func(op, _ string, bytes int) (int, error) {
		if op == "syncdir" {
			return 0, errDisk
		}
		return bytes, nil
	}
	_, err := j.Trim(10, 10, 0, 0)
	require.ErrorIs(t, err, errDisk)
	<-j.Failed()
	require.Len(t, fs.Paths(".journal"), 9)
	_, err = j.Trim(10, 10, 0, 0)
	require.ErrorIs(t, err, journal.ErrUnavailable)
	require.Len(t, fs.Paths(".journal"), 9)
	fs.Fault = nil
}
