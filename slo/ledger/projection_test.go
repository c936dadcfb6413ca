package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/ledger"
)

// bench is a projection among fakes, in a bubble of testing/synctest.
type bench struct {
	journal *journal
	store   *store
	judge   *judge
	log     *bytes.Buffer
	told    []slo.Commit
	p       *ledger.Projection
	done    chan error
	cancel  context.CancelFunc
	running bool
}

func newBench() *bench {
	return &bench{journal: newJournal(), store: newStore(), log: &bytes.Buffer{}}
}

// start runs a new projection, as a restarted process would.
func (b *bench) start(t require.TestingT) {
	b.judge = newJudge()
	b.startWith(t, func(*ledger.Settings) {})
}

func (b *bench) startWith(t require.TestingT, change func(*ledger.Settings)) {
	settings := ledger.Settings{
		Shard: "a", Journal: b.journal, OpenReader: b.journal.reader, Store: b.store, Judge: b.judge,
		Logger:    slog.New(slog.NewTextHandler(b.log, nil)),
		Committed: func(c slo.Commit) { b.told = append(b.told, c) },
	}
	change(&settings)
	p, err := ledger.New(settings)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	b.running = true
	b.p, b.cancel, b.done = p, cancel, make(chan error, 1)
	done := b.done
	go func() { done <- p.Run(ctx) }()
}

func (b *bench) stop(t require.TestingT) {
	b.cancel()
	require.NoError(t, <-b.done)
	b.running = false
	require.Zero(t, b.journal.openReaders(), "every reader was closed")
}

// pass lets time go by, in the bubble's clock, until all is quiet.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestALoneBatchIsCommittedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.journal.append(slo.RecordDefinitions, definitions(t, "x"), time.Now())
		b.start(t)
		pass(10 * time.Second)
		begin := time.Now()
		b.journal.append(slo.RecordTraces, []byte("abc"), begin)
		synctest.Wait()
		b.stop(t)

		commits, at := b.store.history()
		require.Len(t, commits, 2)
		require.Equal(t, begin, at[1])
		require.Len(t, commits[1].Deltas, 3)
		require.Equal(t, commits, b.told)
	})
}

func TestUnderLoadCommitsKeepTheInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.start(t)
		begin := time.Now()
		for range 1000 { // one second of a batch each millisecond
			b.journal.append(slo.RecordTraces, []byte("a"), time.Now())
			pass(time.Millisecond)
		}
		b.stop(t)

		_, at := b.store.history()
		var offsets []time.Duration
		for _, instant := range at {
			offsets = append(offsets, instant.Sub(begin))
		}
		ms := time.Millisecond
		require.Equal(t, []time.Duration{0, 250 * ms, 500 * ms, 750 * ms, 1000 * ms}, offsets)
		require.Equal(t, int64(1000), b.store.snapshot().Services["all"])
	})
}

func TestManyPendingRowsAreCommittedBeforeTheInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.judge = newJudge()
		b.journal.append(slo.RecordDefinitions, definitions(t, "x", "y"), time.Now())
		for range 3 {
			b.journal.append(slo.RecordTraces, []byte("ab"), time.Now())
		}
		b.startWith(t, func(s *ledger.Settings) { s.MaxPending = 5 })
		synctest.Wait()
		b.stop(t)

		commits, at := b.store.history()
		require.Len(t, commits, 4)
		require.Equal(t, at[0], at[3])
	})
}

func TestHeartbeatsMoveTheCursorOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.start(t)
		for range 100 { // ten seconds
			b.journal.append(slo.RecordHeartbeat, nil, time.Now())
			pass(100 * time.Millisecond)
		}
		progress := b.p.Progress()
		b.stop(t)

		commits, _ := b.store.history()
		require.Len(t, commits, 11, "at 0, at each second, and at the stop")
		require.Empty(t, commits[5].Deltas)
		require.LessOrEqual(t, progress.Lag, 1200*time.Millisecond)
		require.Equal(t, b.journal.Durable(), b.p.Progress().Offset)
		require.Equal(t, int64(11), b.p.Progress().Sequence)
	})
}

func TestProgressIsZeroBeforeTheCursorIsRead(t *testing.T) {
	t.Parallel()
	b := newBench()
	p, err := ledger.New(ledger.Settings{
		Shard: "a", Journal: b.journal, OpenReader: b.journal.reader, Store: b.store, Judge: newJudge(), Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	require.Equal(t, ledger.Progress{}, p.Progress())
}

func TestTheFirstCommitOfAllHoldsOneRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		first := time.Now()
		for i := range 10 {
			b.journal.append(slo.RecordHeartbeat, nil, first.Add(time.Duration(i)*time.Second))
		}
		b.store.outcomes = []outcome{refuses, refuses}
		b.start(t)
		pass(time.Second)
		b.stop(t)

		commits, _ := b.store.history()
		require.Equal(t, first, commits[0].MeasuredUntil, "the coverage began with the first record")
	})
}

func TestAStopCommitsWhatIsPending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.start(t)
		b.journal.append(slo.RecordHeartbeat, nil, time.Now())
		synctest.Wait()
		b.journal.append(slo.RecordTraces, []byte("abcd"), time.Now())
		synctest.Wait()
		commits, _ := b.store.history()
		require.Len(t, commits, 1, "the batch waits for the interval")
		b.stop(t)
		require.Equal(t, int64(4), b.store.snapshot().Services["all"])
	})
}

func TestAStopLetsARunningCommitEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		after   time.Duration
		counted slo.Offset
	}{
		"a commit that ends within the grace counts":    {4 * time.Second, 1},
		"a commit that hangs is given up after a while": {6 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench()
				b.store.slow = make(chan struct{})
				b.start(t)
				b.journal.append(slo.RecordTraces, []byte("a"), time.Now())
				synctest.Wait()
				b.cancel()
				pass(test.after)
				close(b.store.slow)
				b.stop(t)
				require.Equal(t, test.counted, b.store.snapshot().Cursor.Offset)
				require.Equal(t, test.counted == 0, strings.Contains(b.log.String(), "uncommitted"))
			})
		})
	}
}

func TestAnOutageOfTheStoreLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.journal.append(slo.RecordDefinitions, definitions(t, "x"), time.Now())
		b.start(t)
		synctest.Wait()
		b.store.setDown(true)
		for range 600 { // ten minutes
			b.journal.append(slo.RecordTraces, []byte("a"), time.Now())
			pass(time.Second)
		}
		require.Greater(t, b.p.Progress().Lag, 9*time.Minute)
		b.store.setDown(false)
		pass(6 * time.Second)
		require.Equal(t, b.journal.Durable(), b.p.Progress().Offset)
		b.stop(t)

		require.Equal(t, int64(600), b.store.snapshot().Services["all"])
		require.Equal(t, 1, strings.Count(b.log.String(), "level=WARN"), "%s", b.log)
		require.Equal(t, 1, strings.Count(b.log.String(), "commits again"), "%s", b.log)
	})
}

func TestAStoreThatIsDownAtTheStartIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.journal.append(slo.RecordHeartbeat, nil, time.Now())
		b.store.unread = 3
		b.start(t)
		pass(699 * time.Millisecond) // the waits are 100, 200 and 400 ms
		require.Zero(t, b.p.Progress().Offset)
		pass(2 * time.Millisecond)
		require.Equal(t, slo.Offset(1), b.p.Progress().Offset)
		b.stop(t)
	})
}

func TestAStopDuringAnOutageDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.store.setDown(true)
		b.start(t)
		pass(time.Minute)
		begin := time.Now()
		b.stop(t)
		require.Equal(t, begin, time.Now())
	})
}

func TestRecordsAreJudgedByTheSetInForce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		begin := time.Now()
		x, y := seriesOf("x").ID, seriesOf("y").ID
		at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
		b.journal.append(slo.RecordTraces, []byte("a"), at(0))
		b.journal.append(slo.RecordDefinitions, definitions(t, "x"), at(1))
		b.journal.append(slo.RecordTraces, []byte("aa"), at(2))
		b.journal.append(slo.RecordDefinitions, definitions(t, "y"), at(3))
		b.journal.append(slo.RecordTraces, []byte("aaaa"), at(4))
		b.journal.append(slo.RecordDefinitions, definitions(t, "y"), at(5))
		b.journal.append(slo.RecordTraces, []byte("aaaa"), at(6))
		b.start(t)
		pass(time.Second)
		b.stop(t)

		got := b.store.snapshot()
		require.Equal(t, int64(2), got.Counts[bucket{x, 1}].Total())
		require.Equal(t, int64(8), got.Counts[bucket{y, 1}].Total())
		require.Equal(t, map[slo.SeriesID][]slo.Interval{
			x: {{From: at(1), To: at(3)}},
			y: {{From: at(3)}},
		}, got.Counted)
		require.Equal(t, definitions(t, "y"), got.Cursor.Definitions)
		require.Equal(t, 3, b.judge.uses, "an equal set is not compiled again")
	})
}

func TestARestartGoesOnWithTheSetInForce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.journal.append(slo.RecordDefinitions, definitions(t, "x"), time.Now())
		b.start(t)
		synctest.Wait()
		b.stop(t)
		b.journal.append(slo.RecordTraces, []byte("a"), time.Now())
		b.start(t)
		synctest.Wait()
		b.stop(t)
		require.Equal(t, int64(1), b.store.snapshot().Counts[bucket{seriesOf("x").ID, 1}].Total())
	})
}

func TestSilenceOfTheJournalIsAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		begin := time.Now()
		at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
		for _, ms := range []int{0, 5_000, 10_001, 11_000} {
			b.journal.append(slo.RecordHeartbeat, nil, at(ms))
		}
		b.start(t)
		pass(2 * time.Second)
		b.stop(t)
		b.journal.append(slo.RecordHeartbeat, nil, at(60_000))
		b.start(t)
		synctest.Wait()
		b.stop(t)
		require.Equal(t, []slo.Interval{
			{From: at(5_000), To: at(10_001)},
			{From: at(11_000), To: at(60_000)},
		}, b.store.snapshot().Gaps)
	})
}

func TestAStretchThatWasGivenUpIsUnmeasured(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		hole slo.Hole
		says string
	}{
		"the hole":                 {slo.Hole{After: 2, Through: 9}, ""},
		"a hole that began before": {slo.Hole{After: 1, Through: 9}, ""},
		"a hole that is shorter":   {slo.Hole{After: 2, Through: 8}, "gave record 10 where record 3 follows"},
		"a hole somewhere else":    {slo.Hole{After: 12, Through: 20}, "gave record 10 where record 3 follows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench()
				begin := time.Now()
				b.journal.holes = []slo.Hole{test.hole}
				for range 2 {
					b.journal.append(slo.RecordTraces, []byte("a"), begin)
				}
				b.journal.append(slo.RecordTraces, []byte("b"), begin.Add(time.Second))
				b.journal.records[2].Offset = 10
				b.start(t)
				pass(time.Second)
				if test.says != "" {
					require.ErrorContains(t, <-b.done, test.says)
					b.cancel()
					return
				}
				b.stop(t)
				got := b.store.snapshot()
				require.Equal(t, []slo.Interval{{From: begin, To: begin.Add(time.Second)}}, got.Gaps)
				require.Equal(t, slo.Offset(10), got.Cursor.Offset)
				require.Equal(t, int64(3), got.Services["all"])
			})
		})
	}
}

func TestAJournalOfWhichAllWasGivenUpBeginsAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.journal.first, b.journal.holes = 1000, []slo.Hole{{After: 0, Through: 1000}}
		b.store.state.Cursor = slo.Cursor{Offset: 7, Sequence: 3, MeasuredUntil: time.Now().Add(-time.Minute)}
		b.journal.append(slo.RecordTraces, []byte("ab"), time.Now())
		b.start(t)
		pass(time.Second)
		b.stop(t)
		got := b.store.snapshot()
		require.Equal(t, slo.Offset(1001), got.Cursor.Offset)
		require.Len(t, got.Gaps, 1, "what was lost is unmeasured")
		require.Equal(t, int64(2), got.Services["all"])
	})
}

func TestARecordThatCannotBeDecodedIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		for _, payload := range []string{"a", "!", "!", "b"} {
			b.journal.append(slo.RecordTraces, []byte(payload), time.Now())
		}
		b.start(t)
		pass(time.Second)
		b.stop(t)
		got := b.store.snapshot()
		require.Equal(t, map[string]int64{"undecodable": 2}, got.Refused)
		require.Equal(t, int64(2), got.Services["all"])
		require.Equal(t, slo.Offset(4), got.Cursor.Offset)
		require.Contains(t, b.log.String(), "records=2")
		require.Contains(t, b.log.String(), "record 2: not a payload")
	})
}

func TestASetThatCannotBeJudgedIsReportedAndUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.judge = newJudge()
		b.judge.useErr = errors.New("series 1 is beyond me")
		b.journal.append(slo.RecordDefinitions, definitions(t, "x"), time.Now())
		b.journal.append(slo.RecordTraces, []byte("a"), time.Now())
		b.startWith(t, func(*ledger.Settings) {})
		pass(time.Second)
		b.stop(t)
		require.Len(t, b.store.snapshot().Counts, 1)
		require.Contains(t, b.log.String(), "beyond me")
	})
}

func TestWhatNeedsHelpEndsTheProjection(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(*testing.T, *bench)
		says    []string
	}{
		"a journal shorter than the cursor": {
			func(_ *testing.T, b *bench) { b.store.state.Cursor = slo.Cursor{Offset: 7, Sequence: 3} },
			[]string{"up to record 7", "ends at record 0", "another database"},
		},
		"a journal whose next records are gone": {
			func(_ *testing.T, b *bench) { b.journal.first = 5 },
			[]string{"up to record 0", "begins at record 6", "missing"},
		},
		"a journal whose next records are gone, though others were given up": {
			func(_ *testing.T, b *bench) { b.journal.first, b.journal.holes = 5, []slo.Hole{{After: 2, Through: 5}} },
			[]string{"up to record 0", "begins at record 6", "missing"},
		},
		"a damaged journal": {
			func(_ *testing.T, b *bench) { b.journal.breakDown(errors.New("segment 1 is damaged")) },
			[]string{"after record 0", "segment 1 is damaged"},
		},
		"a record out of order": {
			func(_ *testing.T, b *bench) {
				b.journal.append(slo.RecordHeartbeat, nil, time.Now())
				b.journal.records[0].Offset = 2
			},
			[]string{"gave record 2 where record 1 follows"},
		},
		"a record of an unknown kind": {
			func(_ *testing.T, b *bench) { b.journal.append(slo.RecordKind(99), nil, time.Now()) },
			[]string{"record 1", "kind 99", "newer"},
		},
		"definitions of a newer program": {
			func(_ *testing.T, b *bench) {
				b.journal.append(slo.RecordDefinitions, []byte(`{"version":2}`), time.Now())
			},
			[]string{"record 1", "version 2"},
		},
		"stored definitions of a newer program": {
			func(_ *testing.T, b *bench) { b.store.state.Cursor.Definitions = []byte(`{"version":2}`) },
			[]string{"restore the series", "version 2"},
		},
		"a reader that does not open": {
			func(_ *testing.T, b *bench) { b.journal = nil },
			[]string{"open the journal", "no such folder"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench()
				b.judge = newJudge()
				test.prepare(t, b)
				if b.journal == nil {
					b.journal = newJournal()
					b.startWith(t, func(s *ledger.Settings) {
						s.OpenReader = func(slo.Offset) (ledger.Reader, error) { return nil, errors.New("no such folder") }
					})
				} else {
					b.startWith(t, func(*ledger.Settings) {})
				}
				err := <-b.done
				b.cancel()
				require.Error(t, err)
				for _, words := range test.says {
					require.ErrorContains(t, err, words)
				}
				require.Zero(t, b.journal.openReaders())
			})
		})
	}
}

func TestAfterARepairNothingIsCountedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.journal.append(slo.RecordTraces, []byte("a"), time.Now())
		b.journal.append(slo.RecordTraces, []byte("bc"), time.Now())
		b.journal.breakDown(errors.New("segment 1 is damaged"))
		b.start(t)
		require.ErrorContains(t, <-b.done, "damaged") // with the second batch judged but not committed
		b.cancel()
		b.journal.breakDown(nil)
		ctx, cancel := context.WithCancel(t.Context())
		b.cancel = cancel
		go func() { b.done <- b.p.Run(ctx) }()
		pass(time.Second)
		b.stop(t)
		require.Equal(t, int64(3), b.store.snapshot().Services["all"])
	})
}

func TestSettingsThatAreMissingAreNamed(t *testing.T) {
	t.Parallel()
	_, err := ledger.New(ledger.Settings{Shard: "a"})
	require.ErrorContains(t, err, "a journal")
}
