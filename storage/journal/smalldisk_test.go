//go:build linux

package journal_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// TestARealDiskFillsAndIsFreed fills a small file system and frees it again,
// 100 times. SLOWBURN_SMALL_DISK names an empty folder on one, for example a
// tmpfs or a loop device of 32 MiB; without it the test is skipped.
func TestARealDiskFillsAndIsFreed(t *testing.T) {
	t.Parallel()
	small := os.Getenv("SLOWBURN_SMALL_DISK")
	if small == "" {
		t.Skip("SLOWBURN_SMALL_DISK names no folder on a small file system")
	}
	folder, ballast := filepath.Join(small, "journal"), filepath.Join(small, "ballast")
	o := journal.Options{Heartbeat: 20 * time.Millisecond, SegmentBytes: 1 << 20}
	j, err := journal.Open(folder, o)
	require.NoError(t, err)
	acknowledged, content, slowest := map[slo.Offset]byte{}, noise(50_000), time.Duration(0)
	for cycle := range 100 {
		fill(t, ballast)
		content[0] = byte(cycle)
		for err = nil; err == nil; {
			var offset slo.Offset
			if offset, err = j.Append(t.Context(), traces(append([]byte(nil), content...))); err == nil {
				acknowledged[offset] = content[0]
			}
		}
		require.ErrorIs(t, err, journal.ErrUnavailable)
		require.ErrorIs(t, err, syscall.ENOSPC)
		require.ErrorIs(t, j.Refusing(), syscall.ENOSPC)
		r, err := j.Reader(j.Durable())
		require.NoError(t, err)
		require.NoError(t, os.Remove(ballast))
		freed := time.Now()
		_, err = r.Next(t.Context()) // The first heartbeat.
		require.NoError(t, err)
		require.NoError(t, r.Close())
		slowest = max(slowest, time.Since(freed))
		offset, err := j.Append(t.Context(), traces(append([]byte(nil), content...)))
		require.NoError(t, err, "cycle %d: it accepts what it had refused", cycle)
		acknowledged[offset] = content[0]
		read := j.Durable()
		if read > 100 { // Keep the journal small, so that the next cycle has room to fill.
			_, err = j.Trim(read-100, read-100, 0, 4<<20)
			require.NoError(t, err)
		}
	}
	require.NoError(t, j.Close())
	j, err = journal.Open(folder, o)
	require.NoError(t, err)
	defer j.Close()
	held := 0
	records, err := readAll(context.Background(), j, j.Oldest()-1)
	require.NoError(t, err)
	for _, r := range records {
		if want, ok := acknowledged[r.Offset]; ok {
			require.Equal(t, want, r.Payload[0])
			held++
		}
	}
	for offset := range acknowledged {
		if offset >= j.Oldest() {
			held--
		}
	}
	require.Zero(t, held, "every acknowledged record that was not trimmed is there")
	t.Logf("100 cycles, %d records acknowledged, accepting again at most %v after space returned", len(acknowledged), slowest)
}

// fill takes all but 2 MiB of a file system.
func fill(t *testing.T, path string) {
	t.Helper()
	var s syscall.Statfs_t
	require.NoError(t, syscall.Statfs(filepath.Dir(path), &s))
	f, err := os.Create(path)
	require.NoError(t, err)
	block := make([]byte, 1<<20)
	for range max(0, int64(s.Bavail)*s.Bsize>>20-2) {
		_, err := f.Write(block)
		require.NoError(t, err)
	}
	require.NoError(t, f.Sync())
	require.NoError(t, f.Close())
}
