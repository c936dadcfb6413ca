package audit

import (
	"cmp"
	"encoding/binary"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func numbers() layout[uint32] {
	return layout[uint32]{
		size: 4, compare: cmp.Compare[uint32],
		put: binary.LittleEndian.PutUint32,
		get: binary.LittleEndian.Uint32,
	}
}

func TestSortingOnDiskIsSorting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Uint32Range(0, 30), 0, 60)
		a := &sorter[uint32]{layout: numbers(), dir: dir, inMemory: rapid.IntRange(1, 7).Draw(t, "in memory")}
		b := &sorter[uint32]{layout: numbers(), dir: dir, inMemory: 3}
		var want []uint32
		for _, s := range []*sorter[uint32]{a, b} {
			for _, n := range list.Draw(t, "entries") {
				want = append(want, n)
				require.NoError(t, s.add(n))
			}
			require.NoError(t, s.spill())
		}
		slices.Sort(want)
		for range 2 { // Runs can be merged again.
			m, err := merge(a, b)
			require.NoError(t, err)
			var got []uint32
			for {
				n, ok, err := m.next()
				require.NoError(t, err)
				if !ok {
					break
				}
				got = append(got, n)
			}
			require.Equal(t, want, got)
		}
		require.NoError(t, a.close())
		require.NoError(t, b.close())
	})
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "no file is left behind")
}

func TestSortingSaysWhenItCannotWrite(t *testing.T) {
	t.Parallel()
	s := &sorter[uint32]{layout: numbers(), dir: t.TempDir() + "/missing", inMemory: 1}
	require.ErrorIs(t, s.add(1), os.ErrNotExist)
}
