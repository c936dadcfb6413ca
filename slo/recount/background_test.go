package recount_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/recount"
)

// ledger is what was counted: for each series, how often each record was.
type ledger struct {
	mu        sync.Mutex
	cursor    slo.Cursor
	stretches map[slo.SeriesID][]slo.Stretch
	counted   map[slo.SeriesID]map[slo.Offset]int
	// faults of the next commits: "refuse", "tear" (stored, but an error), "".
	faults []string
	commit int
}

func (l *ledger) Cursor(context.Context, string) (slo.Cursor, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cursor, nil
}

func (l *ledger) Stretches(context.Context, string) (map[slo.SeriesID][]slo.Stretch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[slo.SeriesID][]slo.Stretch{}
	for id, list := range l.stretches {
		all[id] = slices.Clone(list)
	}
	return all, nil
}

var errDown = errors.New("the store is down")

// Commit applies a recount as the contract says: all of it or nothing.
func (l *ledger) Commit(_ context.Context, c slo.Commit) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	fault := ""
	if len(l.faults) > 0 {
		fault, l.faults = l.faults[0], l.faults[1:]
	}
	if fault == "refuse" {
		return errDown
	}
	for _, r := range c.Recounted {
		if l.joint(r) < 0 {
			return slo.ErrRecountMoved
		}
	}
	for _, r := range c.Recounted {
		s := &l.stretches[r.Series][l.joint(r)]
		if !s.From.Equal(r.Until) {
			return fmt.Errorf("the stretch begins at %s, not %s", s.From, r.Until)
		}
		s.After, s.From = r.After, r.Since
	}
	for _, d := range c.Deltas { // A slice stands for a record.
		l.counted[d.Series][slo.Offset(d.Slice)] += int(d.Counts.Good)
	}
	l.commit++
	if fault == "tear" {
		return errDown
	}
	return nil
}

func (l *ledger) commits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.commit
}

func (l *ledger) joint(r slo.Recounted) int {
	return slices.IndexFunc(l.stretches[r.Series], func(s slo.Stretch) bool { return s.After == r.Through && s.After != r.After })
}

// counting counts each record of traces once for each series of its set.
type counting struct {
	set    []slo.Series
	counts map[slo.Delta]int64
}

func (c *counting) Judge(r slo.Record) error {
	for _, s := range c.set {
		c.counts[slo.Delta{Series: s.ID, Slice: slo.Slice(r.Offset)}]++
	}
	return nil
}

func (c *counting) Drain(commit *slo.Commit) int64 {
	for d, n := range c.counts {
		d.Counts.Good = n
		commit.Deltas = append(commit.Deltas, d)
	}
	return int64(len(c.counts))
}

type verdicts struct{ knownFrom slo.Offset }

func (v verdicts) KnownFrom() slo.Offset                                      { return v.knownFrom }
func (v verdicts) Repeats(slo.Offset, slo.Offset) ([]slo.RepeatedItem, error) { return nil, nil }

func arrival(o slo.Offset) time.Time { return noon.Add(time.Duration(o) * time.Second) }

// TestEveryRecordIsCountedOnceForEverySeries lets a recount run over random
// histories of series that came and went, with commits that fail or are torn,
// and restarts. In the end each series that is in force was counted once for
// each record that is kept, and for none twice.
func TestEveryRecordIsCountedOnceForEverySeries(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		durable := slo.Offset(rapid.IntRange(1, 3000).Draw(rt, "durable"))
		oldest := slo.Offset(rapid.IntRange(1, int(durable)).Draw(rt, "oldest"))
		known := slo.Offset(rapid.IntRange(0, int(durable)).Draw(rt, "known"))
		var holes []slo.Hole
		if rapid.Bool().Draw(rt, "a hole") {
			holes = append(holes, slo.Hole{Through: slo.Offset(rapid.IntRange(0, int(durable)).Draw(rt, "hole"))})
		}
		l := &ledger{stretches: map[slo.SeriesID][]slo.Stretch{}, counted: map[slo.SeriesID]map[slo.Offset]int{}}
		var set []slo.Series
		for i := range rapid.IntRange(1, 4).Draw(rt, "series") {
			series := slo.Indicator{Total: slo.SpanSource{Service: fmt.Sprint(i)}, Good: &slo.SpanSource{}}.Series()
			cuts := rapid.SliceOfNDistinct(rapid.IntRange(0, int(durable)), 1, 5, rapid.ID).Draw(rt, "cuts")
			slices.Sort(cuts)
			l.counted[series.ID] = map[slo.Offset]int{}
			l.stretches[series.ID] = history(cuts, durable, l.counted[series.ID])
			set = append(set, series)
		}
		definitions, err := slo.EncodeSeries(set)
		require.NoError(rt, err)
		l.cursor = slo.Cursor{Offset: durable, Definitions: definitions}
		l.faults = rapid.SliceOfN(rapid.SampledFrom([]string{"", "refuse", "tear"}), 0, 6).Draw(rt, "faults")
		stops := rapid.SliceOfN(rapid.IntRange(1, 5000), 0, 3).Draw(rt, "stops")
		states := map[slo.SeriesID]slo.RecountState{}
		synctest.Test(t, func(*testing.T) {
			for _, ms := range append(stops, 10*60*1000) {
				b := recount.NewBackground(recount.BackgroundSettings{
					Shard: "a", Journal: journal{oldest: oldest, durable: durable},
					OpenReader: journal{oldest: oldest, durable: durable, takes: time.Millisecond}.open,
					Store:      l, Verdicts: verdicts{known}, Commit: l.Commit, Holes: func() []slo.Hole { return holes },
					NewJudge: func(set []slo.Series, _ []slo.RepeatedItem) recount.SetJudge {
						return &counting{set: set, counts: map[slo.Delta]int64{}}
					},
					Logger: slog.New(slog.DiscardHandler),
				})
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(ms)*time.Millisecond)
				if err := b.Run(ctx); err != nil {
					panic(err)
				}
				cancel()
				for _, s := range set {
					states[s.ID], _ = b.State(s.ID)
				}
			}
		})
		lowest := max(oldest-1, known)
		if holes != nil {
			lowest = max(lowest, holes[0].Through)
		}
		for _, s := range set {
			require.True(rt, states[s.ID].Done, "%+v", states[s.ID])
			require.Empty(rt, states[s.ID].Err)
			for _, after := range l.stretches[s.ID] {
				for _, before := range l.stretches[s.ID] {
					if before.Through != 0 && before.Through == after.After {
						require.Equal(rt, before.To, after.From, "stretches that touch have no seam")
					}
				}
			}
			for o := slo.Offset(1); o <= durable; o++ {
				if o%2 == 0 { // A heartbeat.
					require.Zero(rt, l.counted[s.ID][o])
					continue
				}
				require.LessOrEqual(rt, l.counted[s.ID][o], 1, "record %d", o)
				if o > lowest {
					require.Equal(rt, 1, l.counted[s.ID][o], "record %d of %d, from %d", o, durable, lowest)
				}
			}
		}
	})
}

// history is what a series was counted for: between the first and second cut,
// the third and fourth, and so on, and from the last on if they are odd.
func history(cuts []int, durable slo.Offset, counted map[slo.Offset]int) []slo.Stretch {
	var stretches []slo.Stretch
	if len(cuts)%2 == 0 {
		cuts = cuts[1:]
	}
	for i := 0; i < len(cuts); i += 2 {
		s := slo.Stretch{After: slo.Offset(cuts[i]), Interval: slo.Interval{From: arrival(slo.Offset(cuts[i]))}}
		through := durable
		if i+1 < len(cuts) {
			s.Through = slo.Offset(cuts[i+1])
			through, s.To = s.Through, arrival(s.Through)
		}
		for o := s.After + 1; o <= through; o++ {
			if o%2 == 1 {
				counted[o]++
			}
		}
		stretches = append(stretches, s)
	}
	return stretches
}

func TestLiveCountingGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		series := slo.Indicator{Total: slo.SpanSource{Service: "x"}, Good: &slo.SpanSource{}}.Series()
		definitions, err := slo.EncodeSeries([]slo.Series{series})
		require.NoError(t, err)
		l := &ledger{
			cursor:    slo.Cursor{Offset: 100, Definitions: definitions},
			stretches: map[slo.SeriesID][]slo.Stretch{series.ID: {{After: 100, Interval: slo.Interval{From: arrival(100)}}}},
			counted:   map[slo.SeriesID]map[slo.Offset]int{series.ID: {}},
		}
		begin := time.Now()
		b := recount.NewBackground(recount.BackgroundSettings{
			Shard: "a", Journal: journal{oldest: 1, durable: 100}, OpenReader: journal{oldest: 1, durable: 100}.open,
			Store: l, Verdicts: verdicts{}, Commit: l.Commit, Logger: slog.New(slog.DiscardHandler),
			NewJudge: func(set []slo.Series, _ []slo.RepeatedItem) recount.SetJudge {
				return &counting{set: set, counts: map[slo.Delta]int64{}}
			},
			Busy: func() bool { return time.Since(begin) < time.Minute },
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		<-time.After(50 * time.Second)
		synctest.Wait()
		require.Zero(t, l.commits())
		<-time.After(20 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, l.commits())
		state, ok := b.State(series.ID)
		require.True(t, ok)
		require.True(t, state.Done)
		require.Equal(t, arrival(1), state.Since)
		require.Equal(t, int64(50), state.Spans)
		cancel()
		require.NoError(t, <-done)
	})
}
