package journal_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log/slog"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// grown is a closed journal of one segment with n records, one group each, and
// where each group ends; ends[0] is the end of the file header.
func grown(t *testing.T, n int) (fs *disktest.MemFS, path string, ends []int) {
	t.Helper()
	fs = disktest.NewMemFS()
	j := reopen(t, fs, quiet())
	ends = []int{int(j.Size())}
	for i := 1; i <= n; i++ {
		appendNumbered(t, t.Context(), j, i, i)
		ends = append(ends, int(j.Size()))
	}
	require.NoError(t, j.Close())
	return fs, fs.Paths(".journal")[0], ends
}

// requireContinues checks that a journal holds n records, takes another, and
// is whole when it is opened again.
func requireContinues(t *testing.T, fs *disktest.MemFS, n int) {
	t.Helper()
	j := reopen(t, fs, fromFiles())
	requireNumbered(t, t.Context(), j, n)
	appendNumbered(t, t.Context(), j, n+1, n+1)
	require.NoError(t, j.Close())
	j = reopen(t, fs.PowerLoss(seeded(1)), fromFiles())
	requireNumbered(t, t.Context(), j, n+1)
	require.NoError(t, j.Close())
}

func TestATornTailOfAnyLengthIsCut(t *testing.T) {
	t.Parallel()
	fs, path, ends := grown(t, 4)
	whole := slices.Clone(fs.Bytes(path))
	tails := map[string]func(cut int) []byte{
		"missing": func(cut int) []byte { return whole[:cut] },
		"zero":    func(cut int) []byte { return append(slices.Clone(whole[:cut]), make([]byte, len(whole)-cut)...) },
		"zero and longer": func(cut int) []byte {
			return append(slices.Clone(whole[:cut]), make([]byte, len(whole)-cut+5000)...)
		},
		"garbage": func(cut int) []byte {
			return append(slices.Clone(whole[:cut]), bytes.Repeat([]byte{0xA7}, len(whole)-cut)...)
		},
	}
	for name, tail := range tails {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for cut := ends[0]; cut < len(whole); cut++ {
				left := 0
				for left < 4 && ends[left+1] <= cut {
					left++
				}
				torn := fs.Kill()
				torn.SetBytes(path, tail(cut))
				requireContinues(t, torn, left)
			}
		})
	}
}

func TestACutIsLogged(t *testing.T) {
	t.Parallel()
	fs, path, ends := grown(t, 3)
	fs.SetBytes(path, fs.Bytes(path)[:ends[3]-1])
	var log bytes.Buffer
	o := quiet()
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	j := reopen(t, fs, o)
	require.NoError(t, j.Close())
	require.Contains(t, log.String(), "level=WARN")
	require.Contains(t, log.String(), fmt.Sprintf("bytes_cut=%d", ends[3]-1-ends[2]))
	require.Contains(t, log.String(), path)
	j = reopen(t, fs, quiet())
	defer j.Close()
	_, err := j.Reader(3)
	require.ErrorIs(t, err, journal.ErrDamaged, "a reader that had read what was cut finds out")
}

// TestEveryFlippedBitIsDetected flips each bit of each file. What was not in
// the last group must never be cut or come back changed.
func TestEveryFlippedBitIsDetected(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	o := fromFiles()
	o.SegmentBytes = 260
	j := reopen(t, fs, o)
	appendNumbered(t, t.Context(), j, 1, 7)
	before := j.Size()
	appendNumbered(t, t.Context(), j, 8, 8)
	lastGroup := int(j.Size() - before)
	require.NoError(t, j.Close())
	paths := fs.Paths(".journal")
	require.Len(t, paths, 3)
	for _, path := range paths {
		size := len(fs.Bytes(path))
		for bit := range size * 8 {
			flipped := fs.Kill()
			b := slices.Clone(flipped.Bytes(path))
			b[bit/8] ^= 1 << (bit % 8)
			flipped.SetBytes(path, b)
			inLastGroup := path == paths[2] && bit/8 >= size-lastGroup
			j, err := journal.OpenOn(flipped, dir, o)
			if err != nil {
				require.ErrorIs(t, err, journal.ErrDamaged)
				require.ErrorContains(t, err, path)
				require.ErrorContains(t, err, "byte ")
				require.False(t, inLastGroup)
				continue
			}
			records, err := readAll(t.Context(), j, 0)
			for i, r := range records {
				require.Equal(t, payload(i+1), r.Payload)
			}
			if inLastGroup {
				require.NoError(t, err)
				require.Len(t, records, 7)
				_, err = j.Reader(8)
			}
			require.ErrorIs(t, err, journal.ErrDamaged, "%s bit %d", path, bit)
			require.NoError(t, j.Close())
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm    func(fs *disktest.MemFS, paths []string)
		says    string
		notHarm bool
	}{
		"a missing segment": {
			harm: func(fs *disktest.MemFS, paths []string) { fs.SetBytes(paths[1], nil) },
			says: "00000000000000000003.journal is missing",
		},
		"a segment that was cut after it was finished": {
			harm: func(fs *disktest.MemFS, paths []string) {
				fs.SetBytes(paths[1], fs.Bytes(paths[1])[:100])
			},
			says: "00000000000000000003.journal, byte 100: the file has 100 bytes",
		},
		"a segment that grew after it was finished": {
			harm: func(fs *disktest.MemFS, paths []string) {
				fs.SetBytes(paths[0], append(slices.Clone(fs.Bytes(paths[0])), 0))
			},
			says: "00000000000000000001.journal, byte ",
		},
		"an empty segment": {
			harm: func(fs *disktest.MemFS, paths []string) { fs.SetBytes(paths[2], []byte{}) },
			says: "00000000000000000005.journal, byte 0: the file ends within its header",
		},
		"a segment under a wrong name": {
			harm: func(fs *disktest.MemFS, paths []string) {
				b := fs.Bytes(paths[2])
				fs.SetBytes(paths[2], nil)
				fs.SetBytes(dir+"/00000000000000000009.journal", b)
			},
			says: "the file begins with record 5",
		},
		"a name that no segment has": {
			harm: func(fs *disktest.MemFS, _ []string) { fs.SetBytes(dir+"/1.journal", []byte("x")) },
			says: "1.journal has a name that no segment has",
		},
		"another kind of file": {
			harm: func(fs *disktest.MemFS, paths []string) { copy(fs.Bytes(paths[0]), "PostgreSQL") },
			says: "00000000000000000001.journal, byte 0: this is not a journal segment",
		},
		"the segment of a newer version": {
			harm: func(fs *disktest.MemFS, paths []string) {
				b := fs.Bytes(paths[1])
				binary.LittleEndian.PutUint16(b[8:], 2)
				binary.LittleEndian.PutUint32(b[48:], crc32.Checksum(b[:48], crc32.MakeTable(crc32.Castagnoli)))
			},
			says:    "00000000000000000003.journal has journal format version 2, this slowburn knows version 1",
			notHarm: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := disktest.NewMemFS()
			o := quiet()
			o.SegmentBytes = 200
			j := reopen(t, fs, o)
			appendNumbered(t, t.Context(), j, 1, 6)
			require.NoError(t, j.Close())
			require.Len(t, fs.Paths(".journal"), 3)
			c.harm(fs, fs.Paths(".journal"))
			_, err := journal.OpenOn(fs, dir, o)
			require.ErrorContains(t, err, c.says)
			if c.notHarm {
				require.NotErrorIs(t, err, journal.ErrDamaged)
			} else {
				require.ErrorIs(t, err, journal.ErrDamaged)
			}
			again := c.says
			if len(fs.Paths(".quarantined")) > 0 {
				again = "was set aside because of its damage"
			}
			_, err = journal.OpenOn(fs, dir, o)
			require.ErrorContains(t, err, again, "the lock was given back")
		})
	}
}

func TestDamageToAClosedSegmentIsFoundByItsReader(t *testing.T) {
	t.Parallel()
	fs := disktest.NewMemFS()
	o := fromFiles()
	o.SegmentBytes = 200
	j := reopen(t, fs, o)
	defer j.Close()
	appendNumbered(t, t.Context(), j, 1, 6)
	b := fs.Bytes(fs.Paths(".journal")[1])
	b[len(b)-1] ^= 1
	r, err := j.Reader(0)
	require.NoError(t, err)
	defer r.Close()
	for range 3 {
		_, err = r.Next(t.Context())
		require.NoError(t, err)
	}
	for range 2 {
		_, err = r.Next(t.Context())
		require.ErrorIs(t, err, journal.ErrDamaged)
		require.ErrorContains(t, err, fs.Paths(".journal")[1])
	}
	b[len(b)-1] ^= 1
	record, err := r.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, payload(4), record.Payload, "nothing was lost")
}

// TestAPayloadCannotPassForARecord lets a sender put the bytes of a later
// record into its own payload. They must not turn a torn tail into damage.
func TestAPayloadCannotPassForARecord(t *testing.T) {
	t.Parallel()
	other, otherPath, ends := grown(t, 9)
	forged := other.Bytes(otherPath)[ends[4]:ends[9]]
	// Behind so much noise the compressor takes large steps and leaves it as it is.
	var content []byte
	random := seeded(1)
	for len(content) < 200_000 {
		content = binary.LittleEndian.AppendUint64(content, random.Uint64())
	}
	fs := disktest.NewMemFS()
	j := reopen(t, fs, quiet())
	appendNumbered(t, t.Context(), j, 1, 2)
	before := int(j.Size())
	_, err := j.Append(t.Context(), traces(append(content, forged...)))
	require.NoError(t, err)
	require.True(t, bytes.Contains(fs.Bytes(fs.Paths(".journal")[0]), forged))
	require.NoError(t, j.Close())
	path := fs.Paths(".journal")[0]
	fs.Bytes(path)[before] ^= 1
	requireContinues(t, fs, 2)
}

func TestUnfinishedSegmentsAreRemoved(t *testing.T) {
	t.Parallel()
	fs, _, _ := grown(t, 2)
	left := dir + "/00000000000000000003.journal.tmp"
	fs.SetBytes(left, []byte("SLOW"))
	fs.SetBytes(dir+"/notes.txt", []byte("mine"))
	requireContinues(t, fs, 2)
	require.Panics(t, func() { fs.Bytes(left) })
	require.Equal(t, []byte("mine"), fs.Bytes(dir+"/notes.txt"))
}

func TestAGroupIsTornAtItsFirstBadRecord(t *testing.T) {
	t.Parallel()
	fs, path, ends := oneGroup(t, 5)
	for bad := range 5 {
		torn := fs.Kill()
		torn.Bytes(path)[ends[bad]+10] ^= 1
		j := reopen(t, torn, quiet())
		require.Equal(t, slo.Offset(bad+1), j.Durable(), "whole records behind the bad one are of the same group")
		require.NoError(t, j.Close())
	}
}
