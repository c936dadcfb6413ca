package journal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// FuzzOpen opens a journal whose last segment is any bytes. It must be refused,
// or else be readable to its end and take more records. The naive reader must
// see the same in it.
func FuzzOpen(f *testing.F) {
	fs := disktest.NewMemFS()
	j, err := journal.OpenOn(fs, dir, quiet())
	require.NoError(f, err)
	for n := range 3 {
		_, err := j.Append(f.Context(), traces(payload(n)))
		require.NoError(f, err)
	}
	require.NoError(f, j.Close())
	path := fs.Paths(".journal")[0]
	whole := fs.Bytes(path)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(whole[:60])
	f.Add(append(append([]byte(nil), whole...), whole[52:]...))
	f.Add([]byte("SLOWBURN"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := disktest.NewMemFS()
		fs.SetBytes(path, b)
		j, err := journal.OpenOn(fs, dir, fromFiles())
		if err != nil {
			return
		}
		defer j.Close()
		before := j.Durable()
		records, err := readAll(t.Context(), j, 0)
		naive, _, walkErr := journal.WalkSegment(fs.Bytes(path), 1)
		if err != nil {
			require.ErrorIs(t, err, journal.ErrDamaged)
			require.Error(t, walkErr)
			return
		}
		require.NoError(t, walkErr)
		require.Equal(t, records, naive)
		offset, err := j.Append(t.Context(), traces([]byte("more")))
		require.NoError(t, err)
		require.Equal(t, before+1, offset)
	})
}

// FuzzWalkSegment reads any bytes as a segment.
func FuzzWalkSegment(f *testing.F) {
	f.Add([]byte("SLOWBURN"), uint64(1))
	f.Add(make([]byte, 200), uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, first uint64) {
		records, whole, err := journal.WalkSegment(b, first)
		require.False(t, whole && err != nil)
		for i, r := range records {
			require.Equal(t, slo.Offset(first)+slo.Offset(i), r.Offset)
			require.Positive(t, r.Offset)
		}
	})
}

// FuzzRecord reads any header and stored payload as if their checksums were
// right, which random bytes never reach.
func FuzzRecord(f *testing.F) {
	f.Add([]byte{}, uint32(0))
	f.Add([]byte{5, 16, 'h', 'e', 'l', 'l', 'o'}, uint32(5))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, uint32(1<<32-1))
	f.Fuzz(func(t *testing.T, stored []byte, size uint32) {
		payload, ok := journal.ReadRecord(stored, size)
		if ok {
			require.Len(t, payload, int(size))
		}
	})
}
