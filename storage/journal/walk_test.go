package journal_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

func walked(folder string, after slo.Offset) (records []slo.Record, err error) {
	err = journal.Walk(folder, after, func(r slo.Record) error {
		records = append(records, r)
		return nil
	})
	return records, err
}

// TestTheNaiveReaderAgrees compares both readings of any journal.
func TestTheNaiveReaderAgrees(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		inFolder, err := os.MkdirTemp(folder, "journal")
		require.NoError(t, err)
		o := fromFiles()
		o.SegmentBytes = rapid.Int64Range(1, 1500).Draw(t, "segment bytes")
		j, err := journal.Open(inFolder, o)
		require.NoError(t, err)
		for range rapid.IntRange(0, 8).Draw(t, "records") {
			_, err := j.Append(context.Background(), slo.Record{
				Kind:    slo.RecordKind(rapid.IntRange(1, 5).Draw(t, "kind")),
				Payload: rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "payload"),
			})
			require.NoError(t, err)
		}
		trim(t, j, slo.Offset(rapid.IntRange(0, int(j.Durable())).Draw(t, "trimmed")))
		oldest := j.Oldest() - 1
		after := oldest + slo.Offset(rapid.IntRange(0, int(j.Durable()-oldest)).Draw(t, "after"))
		want, err := readAll(context.Background(), j, after)
		require.NoError(t, err)
		got, err := walked(inFolder, after)
		require.NoError(t, err)
		require.Equal(t, want, got)
		got, err = walked(inFolder, 0)
		require.NoError(t, err)
		require.Len(t, got, int(j.Durable()-oldest), "it begins with what is left")
		require.NoError(t, j.Close())
	})
}

func TestAWalkBesideAWriterAndATrim(t *testing.T) {
	t.Parallel()
	folder, o := t.TempDir(), fromFiles()
	o.SegmentBytes = 2000
	j, err := journal.Open(folder, o)
	require.NoError(t, err)
	defer j.Close()
	appendNumbered(t, t.Context(), j, 1, 100)
	var writer sync.WaitGroup
	writer.Go(func() {
		for n := 101; n <= 400; n++ {
			if _, err := j.Append(t.Context(), traces(payload(n))); err != nil {
				t.Errorf("append: %v", err)
			}
			if n%50 == 0 {
				if _, err := j.Trim(slo.Offset(n-80), slo.Offset(n-80), 0, 0); err != nil {
					t.Errorf("trim: %v", err)
				}
			}
		}
	})
	for at := slo.Offset(0); at < 400; {
		durable := j.Durable()
		got, err := walked(folder, at)
		if errors.Is(err, journal.ErrGap) {
			continue // Trim was faster than the walk.
		}
		require.NoError(t, err)
		for i, r := range got {
			require.Equal(t, payload(int(r.Offset)), r.Payload)
			require.Equal(t, got[0].Offset+slo.Offset(i), r.Offset)
		}
		if len(got) > 0 {
			at = got[len(got)-1].Offset
		}
		require.GreaterOrEqual(t, at, durable)
	}
	writer.Wait()
}

// TestAWalkInAnotherProcess runs this test binary again, which walks alone.
func TestAWalkInAnotherProcess(t *testing.T) {
	t.Parallel()
	if folder := os.Getenv("JOURNAL_TO_WALK"); folder != "" {
		got, err := walked(folder, 0)
		require.NoError(t, err)
		require.Len(t, got, 9)
		return
	}
	folder := t.TempDir()
	j, err := journal.Open(folder, fromFiles())
	require.NoError(t, err)
	defer j.Close()
	appendNumbered(t, t.Context(), j, 1, 9)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestAWalkInAnotherProcess$")
	cmd.Env = append(os.Environ(), "JOURNAL_TO_WALK="+folder)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestWalkRefuses(t *testing.T) {
	t.Parallel()
	for title, c := range map[string]struct {
		harm  func(t *testing.T, files []string)
		left  int
		fails bool
	}{
		"nothing that is whole": {harm: func(*testing.T, []string) {}, left: 12},
		"a torn tail of the newest segment": {harm: func(t *testing.T, files []string) {
			truncate(t, files[3], 20)
		}, left: 11},
		"an older segment that is cut": {harm: func(t *testing.T, files []string) {
			truncate(t, files[1], 20)
		}, left: 3, fails: true},
		"a flipped bit": {harm: func(t *testing.T, files []string) {
			b, err := os.ReadFile(files[2])
			require.NoError(t, err)
			b[len(b)-3] ^= 1
			require.NoError(t, os.WriteFile(files[2], b, 0o600))
		}, left: 6, fails: true},
		"a missing segment":             {harm: func(t *testing.T, files []string) { require.NoError(t, os.Remove(files[2])) }, left: 6, fails: true},
		"not a segment deleted by Trim": {harm: func(t *testing.T, files []string) { require.NoError(t, os.Remove(files[0])) }, left: 9},
		"not a loss that was accepted": {harm: func(t *testing.T, files []string) {
			require.NoError(t, os.Rename(files[1], files[1]+".lost"))
		}, left: 9},
		"a foreign file": {harm: func(t *testing.T, files []string) {
			require.NoError(t, os.WriteFile(files[0], bytes.Repeat([]byte("x"), 100), 0o600))
		}, fails: true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			folder, o := t.TempDir(), fromFiles()
			o.SegmentBytes = 350
			j, err := journal.Open(folder, o)
			require.NoError(t, err)
			for range 12 {
				_, err := j.Append(t.Context(), traces(noise(40)))
				require.NoError(t, err)
			}
			require.NoError(t, j.Close())
			files, err := filepath.Glob(filepath.Join(folder, "*.journal"))
			require.NoError(t, err)
			require.Len(t, files, 4)
			c.harm(t, slices.Clone(files))
			got, err := walked(folder, 0)
			require.Equal(t, c.fails, errors.Is(err, journal.ErrDamaged), "%v", err)
			require.Len(t, got, c.left)
		})
	}
}

func TestWalkReturnsTheErrorOfItsVisitor(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	j, err := journal.Open(folder, fromFiles())
	require.NoError(t, err)
	defer j.Close()
	appendNumbered(t, t.Context(), j, 1, 3)
	visited := 0
	err = journal.Walk(folder, 1, func(slo.Record) error { visited++; return errDisk })
	require.Equal(t, errDisk, err)
	require.Equal(t, 1, visited)
}

func truncate(t *testing.T, path string, bytes int64) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, info.Size()-bytes))
}
