package postgres

import (
	"encoding/hex"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
)

const someHour = slo.Slice(490_000 * 360)

func drawCells(t *rapid.T, step slo.Slice) []cellRow {
	number := rapid.OneOf(rapid.Int64Range(-2, 2), rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64}))
	n := int(360 / step)
	few := rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, n, rapid.ID[int])
	all := rapid.Just(slices.Collect(func(yield func(int) bool) {
		for i := 0; i < n && yield(i); i++ {
		}
	}))
	present := rapid.OneOf(few, all).Draw(t, "present")
	slices.Sort(present)
	cells := make([]cellRow, len(present))
	for i, at := range present {
		cells[i].slice = someHour + slo.Slice(at)*step
		for k, column := range hourColumns() {
			if rapid.IntRange(0, 3).Draw(t, "filled") == 0 && (!column.revised || cells[i].revisions != 0) {
				*column.value(&cells[i]) = number.Draw(t, "value of "+string(rune('a'+k)))
			}
		}
	}
	return cells
}

func TestHoursComeBackAsTheyWerePacked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		step := rapid.SampledFrom([]slo.Slice{bySlice.step(), byMinute.step()}).Draw(r, "step")
		cells := drawCells(r, step)
		data := encodeHour(someHour, step, cells)
		got, err := decodeHour(someHour, step, data, []cellRow{{slice: 7}})
		require.NoError(t, err)
		require.Equal(t, append([]cellRow{{slice: 7}}, cells...), got)
		n := rapid.IntRange(0, len(data)-1).Draw(r, "cut")
		_, err = decodeHour(someHour, step, data[:n], nil)
		require.Error(t, err, "cut after %d bytes", n)
		_, err = decodeHour(someHour, step, append(data, 0), nil)
		require.Error(t, err, "a byte too many")
	})
}

// TestTheFormOfAnHourStays holds what is on disks already.
func TestTheFormOfAnHourStays(t *testing.T) {
	t.Parallel()
	cells := []cellRow{
		{slice: someHour + 1, counts: slo.Counts{Good: 100, Bad: 1}},
		{slice: someHour + 2, counts: slo.Counts{Good: 98}},
		{
			slice: someHour + 359, counts: slo.Counts{Unknown: 300}, Corrections: slo.Corrections{Late: 2, Repeats: 1, Conflicts: 1},
			revisions: 2, revisedNS: 1_772_366_400_000_000_000, revisedSequence: 9,
		},
	}
	data := encodeHour(someHour, 1, cells)
	require.Equal(t, "01010102e402017fc80103c3010200010001d8040001040001020001020001048080b4bdb6f6da983112", hex.EncodeToString(data))
	got, err := decodeHour(someHour, 1, data, nil)
	require.NoError(t, err)
	require.Equal(t, cells, got)
}

func TestHoursThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data  []byte
		fault string
	}{
		"nothing":                  {nil, "too early"},
		"a newer form":             {[]byte{2, 1}, "version 2"},
		"cells in no form":         {[]byte{1, 2, 0}, "form 2"},
		"a run beyond the hour":    {[]byte{1, 1, 0, 0xe9, 0x02, 0}, "361 cells"},
		"a run of nothing":         {[]byte{1, 1, 1, 0, 0}, "0 cells"},
		"bits that are missing":    {[]byte{1, 0, 0, 0}, "form 0"},
		"a column that is unknown": {[]byte{1, 1, 0xe8, 0x02, 0x80}, "nobody knows"},
		"zeros beyond the cells":   {[]byte{1, 1, 0, 1, 0xe7, 0x02, 1, 0, 5}, "5 zeros"},
		"a number without an end":  {append([]byte{1, 1, 0, 1, 0xe7, 0x02, 1}, slices.Repeat([]byte{0xff}, 11)...), "too early"},
	} {
		_, err := decodeHour(someHour, 1, c.data, nil)
		require.ErrorContains(t, err, c.fault, name)
	}
}

func FuzzDecodeHour(f *testing.F) {
	f.Add(encodeHour(someHour, 1, typicalHour(0.01)), false)
	f.Add(encodeHour(someHour, 6, nil), true)
	f.Add([]byte{1, 1, 1, 2, 0xe5, 2, 0x7f, 2, 2, 0, 1}, false)
	f.Fuzz(func(t *testing.T, data []byte, minutes bool) {
		step := bySlice.step()
		if minutes {
			step = byMinute.step()
		}
		cells, err := decodeHour(someHour, step, data, nil)
		require.LessOrEqual(t, len(cells), 360/int(step), "it takes no more memory than an hour")
		if err != nil {
			return
		}
		again, err := decodeHour(someHour, step, encodeHour(someHour, step, cells), nil)
		require.NoError(t, err)
		require.Equal(t, cells, again)
	})
}

// typicalHour has about a hundred events in each slice, as a Poisson process
// would, a share of which is bad.
func typicalHour(bad float64) []cellRow {
	random := rand.New(rand.NewPCG(1, 2))
	cells := make([]cellRow, 360)
	for i := range cells {
		cells[i].slice = someHour + slo.Slice(i)
		events := 100 + 10*random.NormFloat64()
		for range int(events) {
			if random.Float64() < bad {
				cells[i].counts.Bad++
			} else {
				cells[i].counts.Good++
			}
		}
	}
	return cells
}

func TestATypicalHourIsSmall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bad  float64
		most float64
	}{{0, 1.2}, {0.001, 1.5}, {0.01, 2.6}, {0.1, 2.6}} {
		perBucket := float64(len(encodeHour(someHour, 1, typicalHour(c.bad)))) / 360
		t.Logf("%g bad: %.2f bytes a bucket", c.bad, perBucket)
		require.Less(t, perBucket, c.most)
	}
}

func BenchmarkDecodeHour(b *testing.B) {
	data := encodeHour(someHour, 1, typicalHour(0.01))
	var cells []cellRow
	for b.Loop() {
		cells, _ = decodeHour(someHour, 1, data, cells[:0])
	}
}
