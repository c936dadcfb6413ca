package journal_test

import (
	"os"
	"path/filepath"
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
	j := reopen(t, fs, journal.Options{Heartbeat: -1, RecentBytes: -1, SegmentBytes: 1, Now: c.Now})
	t.Cleanup(func() { require.NoError(t, j.Close()) })
	for range 10 {
		_, err := j.Append(t.Context(), traces([]byte("0123456789")))
		require.NoError(t, err)
		c.now = c.now.Add(time.Minute)
	}
	return fs, j, c
}

func TestTrim(t *testing.T) {
	t.Parallel()
	const never, endless = 1000 * time.Hour, 1 << 60
	_, one, _ := trimmed(t)
	segment := one.Size() / 10
	for name, c := range map[string]struct {
		read     slo.Offset
		maxAge   time.Duration
		maxBytes int64
		oldest   slo.Offset
	}{
		"keeps what nobody read":                         {read: 0, oldest: 1},
		"deletes what was read and is old":               {read: 4, maxBytes: endless, oldest: 5},
		"never deletes the segment that is written to":   {read: 10, oldest: 10},
		"takes an offset beyond the end for the end":     {read: 1 << 63, oldest: 10},
		"keeps what is younger than the age":             {read: 10, maxAge: 6*time.Minute + 30*time.Second, maxBytes: endless, oldest: 5},
		"keeps what is exactly as old as the age":        {read: 10, maxAge: 7 * time.Minute, maxBytes: endless, oldest: 4},
		"keeps all below both limits":                    {read: 10, maxAge: never, maxBytes: endless, oldest: 1},
		"deletes young segments to get below the size":   {read: 10, maxAge: never, maxBytes: 3 * segment, oldest: 8},
		"stays above the size rather than delete unread": {read: 2, maxAge: never, maxBytes: 3 * segment, oldest: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs, j, _ := trimmed(t)
			require.NoError(t, j.Trim(c.read, c.maxAge, c.maxBytes))
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
	require.NoError(t, j.Trim(3, 0, 0))
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
	require.NoError(t, j.Trim(5, 0, 0))
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
	require.NoError(t, j.Trim(10, 0, 0))
	require.Equal(t, 2*9*20, clones)
}
