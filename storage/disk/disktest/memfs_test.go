package disktest_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/storage/disk"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
)

var _ disk.FS = (*disktest.MemFS)(nil)

// outcomes are all contents of a file that losses of power leave; "gone" without it.
func outcomes(fs *disktest.MemFS, path string) map[string]bool {
	found := map[string]bool{}
	for seed := range uint64(300) {
		left := fs.PowerLoss(rand.New(rand.NewPCG(seed, 1)))
		if len(left.Paths(path)) == 0 {
			found["gone"] = true
		} else {
			found[string(left.Bytes(path))] = true
		}
	}
	return found
}

// written is a file system with one file, whose name is durable.
func written(t *testing.T, content string) (*disktest.MemFS, disk.File) {
	t.Helper()
	fs := disktest.NewMemFS()
	f, err := fs.Create("/d/a")
	require.NoError(t, err)
	_, err = f.WriteAt([]byte(content), 0)
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	require.NoError(t, fs.SyncDir("/d"))
	return fs, f
}

func TestWhatIsSyncedSurvives(t *testing.T) {
	t.Parallel()
	fs, _ := written(t, "old")
	require.Equal(t, map[string]bool{"old": true}, outcomes(fs, "/d/a"))
}

func TestWhatIsNotSyncedSurvivesOrNot(t *testing.T) {
	t.Parallel()
	before, after := strings.Repeat("o", disktest.SectorBytes), strings.Repeat("n", disktest.SectorBytes)
	fs, f := written(t, before)
	_, err := f.WriteAt([]byte(after), 0)
	require.NoError(t, err)
	found := outcomes(fs, "/d/a")
	require.Contains(t, found, before)
	require.Contains(t, found, after)
	require.Greater(t, len(found), 10, "the sector may be torn anywhere")
	require.Equal(t, after, string(fs.Kill().Bytes("/d/a")), "the death of a process takes nothing away")
}

func TestANameWithoutASyncedFolderMayBeGone(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	f, err := fs.Create("/d/a")
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("x"), 0)
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	require.NoError(t, fs.SyncDir("/other"))
	require.Equal(t, map[string]bool{"gone": true, "x": true}, outcomes(fs, "/d/a"))
}

func TestARenameSurvivesWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	fs, _ := written(t, "x")
	require.NoError(t, fs.Rename("/d/a", "/d/b"))
	var old, renamed int
	for seed := range uint64(100) {
		left := fs.PowerLoss(rand.New(rand.NewPCG(seed, 1)))
		old += len(left.Paths("/d/a"))
		renamed += len(left.Paths("/d/b"))
	}
	require.Equal(t, 100, old+renamed)
	require.NotZero(t, old)
	require.NotZero(t, renamed)
}

func TestChangesOfNamesMaySurviveOutOfOrder(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	for _, path := range []string{"/d/1", "/d/2"} {
		_, err := fs.Create(path)
		require.NoError(t, err)
	}
	onlySecond := false
	for seed := range uint64(100) {
		left := fs.PowerLoss(rand.New(rand.NewPCG(seed, 1)))
		onlySecond = onlySecond || (len(left.Paths("1")) == 0 && len(left.Paths("2")) == 1)
	}
	require.True(t, onlySecond)
}

// TestAFailedSyncIsForgotten: the next sync succeeds, and the bytes are lost
// nevertheless.
func TestAFailedSyncIsForgotten(t *testing.T) {
	t.Parallel()
	fs, f := written(t, "old")
	_, err := f.WriteAt([]byte("new"), 0)
	require.NoError(t, err)
	fs.Fault = func(op, _ string, bytes int) (int, error) {
		if op == "sync" {
			return 0, errors.New("input/output error")
		}
		return bytes, nil
	}
	require.Error(t, f.Sync())
	fs.Fault = nil
	require.NoError(t, f.Sync())
	require.Equal(t, "new", string(fs.Bytes("/d/a")), "the cache still shows them")
	require.Equal(t, map[string]bool{"old": true}, outcomes(fs, "/d/a"))
}

func TestAFullDiskWritesWhatFits(t *testing.T) {
	t.Parallel()
	fs, f := written(t, "old")
	fs.Capacity = 5
	n, err := f.WriteAt([]byte("1234"), 3)
	require.Equal(t, 2, n)
	require.ErrorIs(t, err, disktest.ErrFull)
	require.Equal(t, "old12", string(fs.Bytes("/d/a")))
	fs.Capacity = 0
	_, err = f.WriteAt([]byte("1234"), 3)
	require.NoError(t, err)
}

func TestATruncatedFileGrowsWithZeros(t *testing.T) {
	t.Parallel()
	fs, f := written(t, "0123456789")
	require.NoError(t, f.Truncate(2))
	_, err := f.WriteAt([]byte("x"), 5)
	require.NoError(t, err)
	require.NoError(t, f.Sync())
	require.Equal(t, map[string]bool{"01\x00\x00\x00x": true}, outcomes(fs, "/d/a"))
}

func TestOneHolderOfALock(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	lock, err := fs.Lock("/d/lock")
	require.NoError(t, err)
	_, err = fs.Lock("/d/lock")
	require.ErrorIs(t, err, disk.ErrLocked)
	_, err = fs.Lock("/e/lock")
	require.NoError(t, err)
	_, err = fs.Kill().Lock("/d/lock")
	require.NoError(t, err)
	require.NoError(t, lock.Close())
	_, err = fs.Lock("/d/lock")
	require.NoError(t, err)
}

// TestManyWritesStayFewSpans: a file that is written for long without a sync
// does not slow the simulator down.
func TestManyWritesStayFewSpans(t *testing.T) {
	t.Parallel()
	fs, f := written(t, "")
	for at := range int64(20_000) {
		_, err := f.WriteAt([]byte{byte(at)}, at)
		require.NoError(t, err)
	}
	require.NotContains(t, outcomes(fs, "/d/a"), "gone")
}
