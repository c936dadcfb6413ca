package dedup_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/dedup"
	"github.com/slowburn-slo/slowburn/storage/disk/disktest"
)

// small are options with which a few items make many runs.
func small() dedup.Options {
	return dedup.Inline(dedup.Options{Horizon: time.Hour, TableItems: 8, Logger: quiet()})
}

func item(n uint64) slo.Sighting { return slo.Sighting{ID: itemID(n, false), Content: n} }

// items are numbered new ones.
func items(from, n uint64) []slo.Sighting {
	var list []slo.Sighting
	for i := range n {
		list = append(list, item(from+i))
	}
	return list
}

func TestASightingCountsUpToTheHorizonAndNotBeyond(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after []time.Duration
		other bool
		want  []slo.Sighted
	}{
		"exactly the horizon later it is a repeat":        {after: []time.Duration{0, time.Hour}, want: []slo.Sighted{slo.First, slo.Repeat}},
		"a nanosecond more and it is new":                 {after: []time.Duration{0, time.Hour + 1}, want: []slo.Sighted{slo.First, slo.First}},
		"a repeat is a sighting, so the horizon moves on": {after: []time.Duration{0, 40 * time.Minute, 40 * time.Minute}, want: []slo.Sighted{slo.First, slo.Repeat, slo.Repeat}},
		"other content conflicts with the one before":     {after: []time.Duration{0, 1, 1}, other: true, want: []slo.Sighted{slo.First, slo.Conflict, slo.Conflict}},
	} {
		for _, written := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, written %t", name, written), func(t *testing.T) {
				t.Parallel()
				l := newLedger(t, small())
				for i, after := range c.after {
					x := item(1)
					if c.other {
						x.Content = uint64(i)
					}
					l.append(after, x)
					l.catchUp()
					l.commit()
					require.Equal(t, c.want[i], l.journal[i].want[0], "the oracle")
					if written {
						l.restart()
					}
				}
			})
		}
	}
}

func TestAStoreThatBeginsAtATrimmedJournalKnowsAfterOneHorizon(t *testing.T) {
	t.Parallel()
	l := newLedger(t, small())
	for n := range uint64(10) {
		l.append(20*time.Minute, item(n%2))
	}
	l.exact, l.oldest, l.cursor = false, 4, 3
	l.fs = disktest.NewMemFS()
	l.open()
	require.Equal(t, dedup.Unknown, l.store.KnownFrom())
	// Record 4 came at 0:00; 1:00 is not more than the horizon after it, 1:20 is.
	require.NoError(t, l.sight(7))
	require.Equal(t, dedup.Unknown, l.store.KnownFrom())
	require.NoError(t, l.sight(8))
	require.Equal(t, slo.Offset(7), l.store.KnownFrom())
	l.catchUp()
	l.commit()
	l.restart()
	require.Equal(t, slo.Offset(7), l.store.KnownFrom(), "it is remembered")
	l.compareRepeats(7, l.cursor)
	l.compareRepeats(6, l.cursor)
}

func TestAnotherHorizonBeginsAnew(t *testing.T) {
	t.Parallel()
	l := newLedger(t, small())
	l.append(0, items(0, 20)...)
	l.append(90*time.Minute, items(0, 20)...)
	l.catchUp()
	l.commit()
	require.NoError(t, l.store.Close())
	o := l.options
	o.Horizon = 2 * time.Hour
	s, err := dedup.Open(l.fs, dir, o)
	require.NoError(t, err)
	from, err := s.Rewind(l.cursor)
	require.NoError(t, err)
	require.Zero(t, from)
}

func TestDamageIsFoundPutAsideAndHealed(t *testing.T) {
	t.Parallel()
	l := newLedger(t, small())
	for n := range uint64(20) {
		l.append(time.Second, items(10*n, 10)...)
	}
	l.catchUp()
	l.commit()
	l.damages = true
	path := l.fs.Paths(".run")[0]
	l.fs.Bytes(path)[100] ^= 1
	l.append(time.Second, items(0, 10)...)
	require.ErrorIs(t, l.sight(21), dedup.ErrDamaged)
	require.ErrorIs(t, l.store.Begin(22, l.journal[20].arrival), dedup.ErrDamaged, "it sticks")
	l.rewind(l.cursor)
	l.catchUp()
	l.commit()
	require.Equal(t, 1, l.store.Stats().Quarantined)
	require.Len(t, l.fs.Paths(".quarantined"), 1)
	require.Zero(t, l.store.KnownFrom())
	l.compareRepeats(0, 21)
}

func TestAFullDiskHoldsCountingUpAndNothingElse(t *testing.T) {
	t.Parallel()
	l := newLedger(t, small())
	l.fs.Capacity = 1
	for n := range uint64(100) {
		l.append(time.Second, item(n))
	}
	err := l.sight(100)
	require.ErrorIs(t, err, dedup.ErrFull)
	require.LessOrEqual(t, l.store.Stats().Items, int64(4*l.options.TableItems))
	l.commit()
	l.rewind(l.cursor)
	require.ErrorIs(t, l.sight(100), dedup.ErrFull, "as long as it is full")
	require.Empty(t, l.fs.Paths(".run"))
	l.fs.Capacity = 0
	l.rewind(l.cursor)
	l.append(time.Second, items(0, 100)...)
	l.catchUp()
	l.commit()
	l.compareRepeats(0, l.cursor)
}

func TestFlushMakesRoomForAJournalThatIsFull(t *testing.T) {
	t.Parallel()
	l := newLedger(t, small())
	l.append(time.Second, items(0, 3)...)
	l.append(time.Second, item(1), item(9))
	require.NoError(t, l.sight(1))
	require.NoError(t, l.store.Flush())
	require.Zero(t, l.store.Durable(), "what is not committed stays in memory")
	l.catchUp()
	l.commit()
	require.NoError(t, l.store.Flush())
	require.Equal(t, l.cursor, l.store.Durable(), "nothing of it need be read again")
	require.NoError(t, l.store.Flush(), "nothing is left to be written")
	l.append(time.Second, item(2), item(10))
	l.catchUp()
	l.commit()
	l.compareRepeats(0, l.cursor)
}

func TestAFailedSyncNeverMakesARun(t *testing.T) {
	t.Parallel()
	l := newLedger(t, small())
	for n := range uint64(40) {
		l.append(time.Second, item(n), item(n/2))
	}
	syncs := 0
	l.fs.Fault = func(op, _ string, bytes int) (int, error) {
		if op == "sync" {
			if syncs++; syncs%2 == 1 {
				return 0, os.ErrInvalid
			}
		}
		return bytes, nil
	}
	for next := slo.Offset(1); next <= 40; next++ {
		require.NoError(t, l.sight(next))
		l.commit()
	}
	require.Positive(t, syncs)
	l.fs.Fault = nil
	l.fs = l.fs.PowerLoss(rand.New(rand.NewPCG(1, 1)))
	l.open()
	l.catchUp()
	l.commit()
	l.compareRepeats(0, 40)
}

// Two horizons and more of traffic: what is kept is that of one, and verdicts
// as long as the journal has their records.
func TestDiskAndFiltersAreBounded(t *testing.T) {
	t.Parallel()
	o := small()
	o.TableItems, o.MemoryBytes = 100, 2<<10
	l := newLedger(t, o)
	most := dedup.Stats{}
	for n := range uint64(1200) { // Ten a minute for two hours, twelve times.
		l.append(time.Minute, items(10*n, 10)...)
		if n%5 == 0 {
			l.append(0, items(10*n, 2)...)
		}
		l.catchUp()
		l.commit()
		l.trim(rand.New(rand.NewPCG(n, 1)), min(l.cursor, l.store.Durable()))
		st := l.store.Stats()
		most.Items, most.Runs = max(most.Items, st.Items), max(most.Runs, st.Runs)
		most.DiskBytes, most.FilterBytes = max(most.DiskBytes, st.DiskBytes), max(most.FilterBytes, st.FilterBytes)
	}
	// One horizon holds 612 items; kept are up to two horizons.
	require.LessOrEqual(t, most.Items, int64(2*612+2*o.TableItems))
	require.LessOrEqual(t, most.Runs, 16)
	require.LessOrEqual(t, most.DiskBytes, int64(16*3*4096))
	require.LessOrEqual(t, most.FilterBytes, o.MemoryBytes)
	require.Len(t, l.fs.Paths(".run"), l.store.Stats().Runs, "files are left over")
}

func TestWithoutMemoryForFiltersVerdictsStayExact(t *testing.T) {
	t.Parallel()
	o := small()
	o.MemoryBytes = 1
	l := newLedger(t, o)
	for n := range uint64(50) {
		l.append(time.Second, items(7*n, 10)...)
	}
	l.catchUp()
	st := l.store.Stats()
	require.True(t, st.Degraded)
	require.Zero(t, st.FilterBytes)
	require.Positive(t, st.FalsePositives)
}

// A restored database asks for records whose horizon was dropped.
func TestARestoredBackupIsJudgedExactly(t *testing.T) {
	t.Parallel()
	l := newLedger(t, small())
	for n := range uint64(300) {
		l.append(time.Minute, item(n), item(n-n%45))
		l.catchUp()
		l.commit()
	}
	l.restart()
	l.exact = false
	from, err := l.store.Rewind(200)
	require.NoError(t, err)
	require.Less(t, from, slo.Offset(140), "the horizon before record 200 must be sighted again")
	require.Greater(t, from, slo.Offset(1), "but no more than that")
	l.judged, l.cursor = from, 200
	require.NoError(t, l.sight(200))
	require.LessOrEqual(t, l.store.KnownFrom(), slo.Offset(200))
	l.exact = true
	l.catchUp()
}

// A failover loses the newest commits, not more: a quarter of the horizon is kept for that.
func TestADatabaseALittleBehindCostsNoKnowledge(t *testing.T) {
	t.Parallel()
	for minutes := range uint64(15) { // Whatever part of a period has passed.
		l := newLedger(t, small())
		for n := range 200 + minutes {
			l.append(time.Minute, item(n), item(n-n%45))
			l.catchUp()
			l.commit()
		}
		l.rewind(l.cursor - 14)
		l.catchUp()
		require.Zero(t, l.store.KnownFrom())
	}
}

func TestIdentitiesThatBeginAlikeAreFoundOnAnyPage(t *testing.T) {
	t.Parallel()
	o := small()
	o.TableItems = 1000
	l := newLedger(t, o)
	var alike []slo.Sighting
	for n := range uint64(400) { // More than three pages.
		alike = append(alike, slo.Sighting{ID: itemID(n, true)})
	}
	l.append(0, alike...)
	l.catchUp()
	l.commit()
	l.restart()
	l.append(time.Second, alike...)
	l.catchUp()
}

func TestSightsAndRecountsAtOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t, dedup.Options{Horizon: 200, TableItems: 50})
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		l.append(time.Duration(r.IntN(3)), someItems(r, 500)...)
	}
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				_ = l.store.Stats()
				if _, err := l.store.Repeats(l.store.KnownFrom(), l.store.Durable()); err != nil {
					t.Errorf("recount: %v", err)
					return
				}
			}
		})
	}
	for through := slo.Offset(20); through <= 2000; through += 20 {
		require.NoError(t, l.sight(through))
		if through%300 == 0 {
			l.rewind(l.cursor)
			require.NoError(t, l.sight(through))
		}
		l.commit()
	}
	close(done)
	readers.Wait()
	l.compareRepeats(0, 2000)
	require.NoError(t, l.store.Close())
	require.NoError(t, l.store.Close(), "twice is once")
	_, err := l.store.Sight(item(1))
	require.ErrorIs(t, err, dedup.ErrClosed)
}

func TestMisuseIsRefused(t *testing.T) {
	t.Parallel()
	s, err := dedup.Open(disktest.NewMemFS(), dir, small())
	require.NoError(t, err)
	now := time.Unix(1_700_000_000, 0)
	require.ErrorContains(t, s.Begin(1, now), "Rewind")
	_, err = s.Rewind(0)
	require.NoError(t, err)
	_, err = s.Sight(item(1))
	require.Error(t, err, "no record was begun")
	for name, begin := range map[string]func() error{
		"an offset that does not grow": func() error { return s.Begin(5, now.Add(time.Second)) },
		"an arrival that goes back":    func() error { return s.Begin(6, now.Add(-1)) },
	} {
		_, err = s.Rewind(0)
		require.NoError(t, err)
		require.NoError(t, s.Begin(5, now))
		require.Error(t, begin(), name)
		require.Error(t, s.Begin(7, now.Add(time.Second)), "it sticks until Rewind")
	}
}

// Sent once to five times, in any batches, over restarts: 10 million items,
// counted once each. It takes a minute, so it asks for SLOWBURN_LONG.
func TestExactlyOnceOverTenMillionItems(t *testing.T) {
	t.Parallel()
	if os.Getenv("SLOWBURN_LONG") == "" {
		t.Skip("SLOWBURN_LONG is not set")
	}
	path := t.TempDir()
	s := openStream(t, path, dedup.Options{TableItems: 1 << 17})
	s.every = 50 * time.Millisecond
	const distinct, window = 10_000_000, 300_000
	counted := make([]uint8, distinct)
	sent := 0
	send := func(n uint64) {
		sent++
		if s.sight(t, n) == slo.First {
			counted[n]++
		}
	}
	for n := range uint64(distinct) {
		send(n)
		for range s.r.IntN(5) {
			if s.r.IntN(2) == 0 {
				send(n - s.r.Uint64N(min(n, window)+1))
			}
		}
	}
	for n, times := range counted {
		if times != 1 {
			require.Fail(t, "not once", "item %d was counted %d times", n, times)
		}
	}
	require.NoError(t, s.store.Close())
	t.Logf("%d items sent %d times, %s", distinct, sent, strings.TrimSpace(fmt.Sprintf("%+v", s.store.Stats())))
}
