package dedup

import (
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk"
)

func TestTheTableFindsRemovesAndSortsLikeAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		table, want := newTable(), map[[2]uint64]int64{}
		// Few leading bits and the last slots: clusters that come around the end.
		high := rapid.SampledFrom([]uint64{0, 1 << 58, 1<<63 + 5, ^uint64(0), 63 << 58})
		for range rapid.IntRange(0, 200).Draw(t, "operations") {
			key := [2]uint64{high.Draw(t, "high") + rapid.Uint64Range(0, 2).Draw(t, "step"), rapid.Uint64Range(0, 30).Draw(t, "low")}
			table.reserve()
			slot := table.find(key[0], key[1])
			require.Equal(t, want[key], slot.arrival)
			if want[key] != 0 && rapid.Bool().Draw(t, "remove") {
				table.remove(key[0], key[1])
				delete(want, key)
				continue
			}
			if want[key] == 0 {
				table.n++
			}
			want[key] = rapid.Int64Range(1, 9).Draw(t, "arrival")
			*slot = entry{hi: key[0], lo: key[1], arrival: want[key]}
		}
		var sorted []entry
		require.NoError(t, table.sorted(func(e []entry) error { sorted = append(sorted, e...); return nil }))
		require.Len(t, sorted, len(want))
		require.True(t, slices.IsSortedFunc(sorted, compareEntries))
		for _, e := range sorted {
			require.Equal(t, want[[2]uint64{e.hi, e.lo}], e.arrival)
		}
	})
}

func TestAFilterNeverDeniesWhatItHolds(t *testing.T) {
	t.Parallel()
	const n = 50_000
	r := rand.New(rand.NewPCG(1, 1))
	f := newFilter(fullBlocks(n))
	keys := make([][2]uint64, n)
	for i := range keys {
		keys[i] = [2]uint64{r.Uint64(), r.Uint64()}
		f.add(keys[i][0], keys[i][1])
	}
	for _, k := range keys {
		require.Equal(t, uint64(1), f.mayHold(k[0], k[1]))
	}
	wrong := uint64(0)
	for range 200_000 {
		wrong += f.mayHold(r.Uint64(), r.Uint64())
	}
	require.Less(t, float64(wrong)/200_000, 0.003)
}

func FuzzPages(f *testing.F) {
	f.Add([]byte("a page that is none"), uint8(3))
	f.Fuzz(func(t *testing.T, content []byte, n uint8) {
		page := make([]byte, pageBytes)
		copy(page, content)
		binary.LittleEndian.PutUint32(page[verdictBytes:], uint32(n))
		binary.LittleEndian.PutUint32(page[verdictBytes+4:], uint32(len(content)))
		seal(page) // As if whoever damaged it knew the checksum: nothing may panic.
		if verdicts, ok := verdictsOf(page); ok {
			require.Len(t, verdicts, int(n))
		}
		_, _ = pageCount(page, 0)
		_, _ = decodeFooter(page[:footerBytes])
	})
}

func BenchmarkMerge(b *testing.B) {
	const n = 1 << 20
	s, err := Open(disk.OS{}, b.TempDir(), Options{inline: true, TableItems: n, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	_, err = s.Rewind(0)
	require.NoError(b, err)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 4 {
		require.NoError(b, s.Begin(slo.Offset(i+1), time.Unix(1_700_000_000, 0)))
		for range n {
			var x slo.Sighting
			binary.LittleEndian.PutUint64(x.ID[:], r.Uint64())
			binary.LittleEndian.PutUint64(x.ID[8:], r.Uint64())
			_, err := s.Sight(x)
			require.NoError(b, err)
		}
		s.complete = s.covered
		require.NoError(b, s.writeTable())
	}
	b.ResetTimer()
	for range b.N {
		w, err := newRunWriter(s.fs, s.dir, 100, 200, newFilter(fullBlocks(4*n)))
		require.NoError(b, err)
		require.NoError(b, s.fillMerged(w, s.runs))
		_, err = w.finish()
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(4*n), "ns/item")
	b.SetBytes(4 * n * entryBytes)
}
