package audit_test

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/audit"
)

func auditorOf(t require.TestingT, w *world, dir string, change func(*audit.Settings)) *audit.Auditor {
	s := audit.Settings{
		Shard: shard, Walk: w.Walk, Oldest: w.Oldest, Ledger: w, Conditions: conditions{}, Logger: slog.New(slog.DiscardHandler),
		Scratch: dir, Horizon: horizon, Late: late, Future: future, Share: 1, SealShare: 1, SortInMemory: 50,
		SealAhead: time.Nanosecond,
	}
	if change != nil {
		change(&s)
	}
	a, err := audit.New(s)
	require.NoError(t, err)
	return a
}

// comparable are the buckets that the journal holds all evidence for.
func (w *world) comparable() []bucket {
	var found []bucket
	for b := range w.buckets {
		bound := w.records[w.oldest-1].Arrival.Add(horizon + future)
		if w.oldest == 1 || b.slice.Start().After(bound) {
			found = append(found, b)
		}
	}
	return found
}

func TestAWholeAuditOfATrueLedgerIsEqual(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.oldest = slo.Offset(rapid.IntRange(1, len(w.records)).Draw(t, "oldest"))
		a := auditorOf(t, w, dir, func(s *audit.Settings) {
			s.Oldest = rapid.SampledFrom([]func() (slo.Offset, error){nil, w.Oldest}).Draw(t, "told where the journal begins")
			s.SortInMemory = rapid.IntRange(2, 20).Draw(t, "in memory")
			s.MaxBuckets = rapid.SampledFrom([]int{7, 100, 10_000}).Draw(t, "buckets at once")
		})
		report, err := a.Whole(t.Context())
		require.NoError(t, err)
		require.Empty(t, report.Differences)
		require.Zero(t, report.Differing)
		if len(report.Unknown) == 0 {
			require.EqualValues(t, len(w.comparable()), report.Buckets, "every bucket with evidence was compared")
		}
		if w.oldest == 1 {
			require.Empty(t, report.Unknown, "the whole journal tells every meaning")
		}
		require.Equal(t, report.Buckets, a.Totals().Buckets)
	})
	requireClean(t, dir)
}

func TestAnySinglePlantedChangeIsFound(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		at := w.plant(t)
		var alarms []slo.Audit
		a := auditorOf(t, w, dir, func(s *audit.Settings) {
			s.Alarm = func(_ context.Context, a slo.Audit) { alarms = append(alarms, a) }
		})
		report, err := a.Whole(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, report.Differing)
		require.Len(t, report.Differences, 1)
		d := report.Differences[0]
		require.Equal(t, bucket{d.Series, d.Slice}, at)
		require.Equal(t, w.buckets[at], d.Ledger)
		require.Len(t, alarms, 1)
		require.EqualValues(t, 1, a.Totals().Differing)
	})
	requireClean(t, dir)
}

// plant changes one bucket of the ledger, and returns which.
func (w *world) plant(t *rapid.T) bucket {
	kind := rapid.SampledFrom([]string{"one off", "slice missing", "slice too much", "repeat counted"}).Draw(t, "change")
	from := w.buckets
	if kind == "repeat counted" {
		from = w.repeated
	}
	places := slices.SortedFunc(maps.Keys(from), func(a, b bucket) int {
		if a.series != b.series {
			return len(a.series) - len(b.series) + slices.Compare([]byte(a.series), []byte(b.series))
		}
		return int(a.slice - b.slice)
	})
	at := bucket{slo.Indicator{}.Series().ID, slo.SliceOf(w.records[0].Arrival)}
	if kind != "slice too much" {
		if len(places) == 0 {
			t.Skip("nothing to change")
		}
		at = rapid.SampledFrom(places).Draw(t, "bucket")
	}
	c := w.buckets[at]
	switch kind {
	case "one off", "slice too much":
		w.buckets[at] = c.Plus(rapid.SampledFrom([]slo.Counts{{Good: 1}, {Bad: 1}, {Unknown: 1}, {Good: -1, Bad: 1}}).Draw(t, "by"))
	case "slice missing":
		delete(w.buckets, at)
	case "repeat counted":
		w.buckets[at] = c.Plus(w.repeated[at])
	}
	return at
}

func TestARandomAuditComparesWhatItMay(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.oldest = slo.Offset(rapid.IntRange(1, len(w.records)).Draw(t, "oldest"))
		a := auditorOf(t, w, dir, func(s *audit.Settings) {
			s.Seed = rapid.Uint64().Draw(t, "seed")
			s.Stretch = rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour}).Draw(t, "stretch")
		})
		for range 5 {
			report, err := a.Random(t.Context())
			require.NoError(t, err)
			require.Zero(t, report.Differing)
			require.LessOrEqual(t, report.To-report.From, slo.Slice(360))
		}
	})
	requireClean(t, dir)
}

func TestSealingLeavesNothingUnauditedBehind(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		if len(w.buckets) > 0 && rapid.Bool().Draw(t, "differing") {
			w.plant(t)
		}
		a := auditorOf(t, w, dir, func(s *audit.Settings) {
			s.SealAhead = rapid.SampledFrom([]time.Duration{1, time.Minute, time.Hour}).Draw(t, "ahead")
		})
		for range 4 {
			if w.oldest >= w.cursor.Offset {
				return
			}
			through := slo.Offset(rapid.IntRange(int(w.oldest-1), int(w.cursor.Offset-1)).Draw(t, "through"))
			released, err := a.SealThrough(t.Context(), through)
			require.NoError(t, err)
			require.GreaterOrEqual(t, released, through)
			w.oldest = released + 1
			// What can no longer be audited was sealed; slices are sealed once.
			sealed := map[slo.Slice]int{}
			for _, audit := range w.saved {
				require.True(t, audit.Sealed)
				for s := audit.From; s < audit.To; s++ {
					sealed[s]++
					require.Equal(t, 1, sealed[s], "a slice is sealed once")
				}
			}
			can := w.comparable()
			for b := range w.buckets {
				if !slices.Contains(can, b) {
					require.Contains(t, sealed, b.slice, "slice lost its evidence unsealed")
				}
			}
		}
	})
	requireClean(t, dir)
}

func requireClean(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "the scratch folder is left empty")
}
