package journal_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
	"github.com/slowburn-slo/slowburn/storage/journal"
)

// damages are ways in which a file may not be as it was written.
func damages() map[string]func(b []byte, at int, random *rand.Rand) []byte {
	return map[string]func(b []byte, at int, random *rand.Rand) []byte{
		"a bit flipped": func(b []byte, at int, random *rand.Rand) []byte {
			b[at] ^= 1 << random.IntN(8)
			return b
		},
		"a byte replaced": func(b []byte, at int, random *rand.Rand) []byte {
			b[at] ^= byte(1 + random.IntN(255))
			return b
		},
		"truncated": func(b []byte, at int, _ *rand.Rand) []byte { return b[:at] },
		"bytes gone": func(b []byte, at int, random *rand.Rand) []byte {
			return slices.Delete(b, at, min(len(b), at+1+random.IntN(60)))
		},
		"a sector of zeros": func(b []byte, at int, _ *rand.Rand) []byte {
			b[at] ^= 1 // So that something changes in any case.
			if to := min(len(b), at+disktest.SectorBytes); at+1 < to {
				clear(b[at+1 : to])
			}
			return b
		},
	}
}

// TestDamageAnywhereIsDetected harms every segment at 1,000 random offsets. Open
// must see it, or a reader that comes through, or who comes back with an offset
// that was cut off the end; no record may ever be read that is not as it was
// written.
func TestDamageAnywhereIsDetected(t *testing.T) {
	t.Parallel()
	fs, o := disktest.NewMemFS(), fromFiles()
	o.SegmentBytes = 8000
	j := reopen(t, fs, o)
	const records = 60
	written := map[slo.Offset][]byte{}
	for n := range records {
		content := append(fmt.Appendf(nil, "record %d ", n), noise(100+n*7)...)
		offset, err := j.Append(t.Context(), traces(content))
		require.NoError(t, err)
		written[offset] = content
	}
	require.NoError(t, j.Close())
	times := 1000
	if testing.Short() {
		times = 100
	}
	harms := damages()
	kinds := slices.Sorted(maps.Keys(harms))
	for _, path := range fs.Paths(".journal") {
		t.Run(path[len(dir)+1:], func(t *testing.T) {
			t.Parallel()
			random, whole, byOpen := seeded(uint64(path[len(dir)+20])), fs.Bytes(path), 0
			for n := range times {
				at, what := random.IntN(len(whole)), kinds[n%len(kinds)]
				clone, harmed := fs.Kill(), harms[what](slices.Clone(whole), at, random)
				require.False(t, bytes.Equal(whole, harmed))
				clone.SetBytes(path, harmed)
				j, err := journal.OpenOn(clone, dir, o)
				if err != nil {
					require.ErrorIs(t, err, journal.ErrDamaged)
					byOpen++
					continue
				}
				got, err := readAll(t.Context(), j, 0)
				for _, r := range got {
					require.Equal(t, written[r.Offset], r.Payload)
				}
				if err == nil {
					_, err = j.Reader(records)
				}
				require.ErrorIs(t, err, journal.ErrDamaged, "%s at %d", what, at)
				require.NoError(t, j.Close())
			}
			t.Logf("%d damages, %d found by Open, the rest by reading", times, byOpen)
		})
	}
}
