package ledger_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/ledger"
)

// horizon is how long the memory of these tests knows a byte.
const horizon = 3 * time.Second

// memory is what survives a restart of what was seen, except for what it loses.
type memory struct {
	seen []seen
	// loses is how many records each of the next rewinds has lost.
	loses []int
	// fails is how many of the next calls fail.
	fails   int
	settled slo.Offset
}

type seen struct {
	offset slo.Offset
	at     time.Time
	item   byte
}

var errDisk = errors.New("the disk does not answer")

func (m *memory) fault() error {
	if m.fails == 0 {
		return nil
	}
	m.fails--
	return errors.Join(slo.ErrUnjudged, errDisk)
}

func (m *memory) sight(r slo.Record, item byte) (repeat bool, err error) {
	if err := m.fault(); err != nil {
		return false, err
	}
	for _, s := range m.seen {
		repeat = repeat || (s.item == item && !s.at.Before(r.Arrival.Add(-horizon)))
	}
	m.seen = append(m.seen, seen{r.Offset, r.Arrival, item})
	return repeat, nil
}

func (m *memory) Resume(after slo.Offset) (slo.Offset, error) {
	if err := m.fault(); err != nil {
		return 0, err
	}
	from := after
	if len(m.loses) > 0 {
		from -= min(from, slo.Offset(m.loses[0]))
		m.loses = m.loses[1:]
	}
	kept := m.seen[:0]
	for _, s := range m.seen {
		if s.offset <= from {
			kept = append(kept, s)
		}
	}
	m.seen = kept
	return from, nil
}

func (m *memory) Sight(r slo.Record) error {
	if string(r.Payload) == "!" {
		return nil
	}
	for _, item := range r.Payload {
		if _, err := m.sight(r, item); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Settle(offset slo.Offset) error {
	if offset < m.settled {
		return errors.New("settled before")
	}
	m.settled = offset
	return m.fault()
}

func (b *bench) startWithMemory(t require.TestingT, m *memory) {
	b.judge = newJudge()
	b.judge.memory = m
	b.startWith(t, func(s *ledger.Settings) { s.Memory = m })
}

// TestRepeatsAreFoundWhateverTheMemoryLoses drives the ledger through restarts,
// failing commits and a memory that fails and forgets. What counts as a
// repeat must not depend on any of it.
func TestRepeatsAreFoundWhateverTheMemoryLoses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		schedule := rapid.SliceOfN(rapid.Custom(drawStep), 5, 60).Draw(rt, "schedule")
		m := &memory{
			loses: rapid.SliceOfN(rapid.IntRange(0, 50), 0, 10).Draw(rt, "loses"),
		}
		failing := rapid.SliceOfN(rapid.IntRange(0, 2), len(schedule), len(schedule)).Draw(rt, "failing")
		var faults recorder
		var counted, want state
		synctest.Test(t, func(*testing.T) {
			b := newBench()
			b.startWithMemory(&faults, m)
			for i, s := range schedule {
				if s.Payload == nil && s.Kind == 0 && s.Services == nil && s.Pass == 0 && s.Outcomes == nil {
					if b.running {
						b.stop(&faults)
					} else {
						b.startWithMemory(&faults, m)
					}
					continue
				}
				if s.Payload != nil {
					synctest.Wait()
					m.fails = failing[i]
				}
				s.take(&faults, b)
			}
			if !b.running {
				b.startWithMemory(&faults, m)
			}
			pass(time.Minute)
			b.stop(&faults)
			counted, want = withoutSequence(b.store.snapshot()), recountOnce(&faults, b.journal)
		})
		require.Empty(rt, faults.messages)
		require.Equal(rt, want, counted)
	})
}

// recountOnce is recount of a journal from which the repeats were taken out.
func recountOnce(t require.TestingT, j *journal) state {
	var all []seen
	var repeats int64
	once := newJournal()
	for _, r := range j.records {
		if r.Kind == slo.RecordTraces && string(r.Payload) != "!" {
			var fresh []byte
			for _, item := range r.Payload {
				repeat := false
				for _, s := range all {
					repeat = repeat || (s.item == item && r.Arrival.Sub(s.at) <= horizon)
				}
				if all = append(all, seen{r.Offset, r.Arrival, item}); repeat {
					repeats++
				} else {
					fresh = append(fresh, item)
				}
			}
			r.Payload = fresh
		}
		once.records = append(once.records, r)
	}
	want := recount(t, once)
	want.Repeats = repeats
	return want
}

func TestRefusalsOfTheJournalAreCountedByName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		late := slo.Refusal{Signal: "traces", Reason: slo.RefusedLate, Service: "shop"}
		logs := slo.Refusal{Signal: "logs", Reason: slo.RefusedSignal}
		for range 3 {
			first, second := late, logs
			first.Items, second.Items = 2, 5
			payload, err := slo.EncodeRefusals([]slo.Refusal{first, second})
			require.NoError(t, err)
			b.journal.append(slo.RecordRefusals, payload, time.Now())
		}
		b.journal.append(slo.RecordTraces, []byte("!"), time.Now())
		b.start(t)
		pass(time.Second)
		b.stop(t)
		got := b.store.snapshot()
		require.Equal(t, map[string]int64{"late": 6, "signal": 15, "undecodable": 1}, got.Refused)
		require.Equal(t, map[slo.Refusal]int64{late: 6, logs: 15, {Signal: "traces", Reason: "undecodable"}: 1}, got.Refusals)
	})
}

func TestARecountIsACommitOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		outcomes []outcome
		through  slo.Offset
		want     error
		after    slo.Offset
	}{
		"it joins":                       {nil, 7, nil, 3},
		"it does not join":               {nil, 6, slo.ErrRecountMoved, 7},
		"the store refuses":              {[]outcome{refuses}, 7, errDown, 7},
		"the store answers with a doubt": {[]outcome{tears}, 7, errDown, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench()
				id := seriesOf("x").ID
				b.store.state.Recounted[id] = 7
				b.start(t)
				b.journal.append(slo.RecordTraces, []byte("abc"), time.Now())
				pass(time.Minute) // The reader waits for the next record by now.
				b.store.mu.Lock()
				b.store.outcomes = test.outcomes
				b.store.mu.Unlock()
				delta := slo.Delta{Series: id, Slice: 5, Counts: slo.Counts{Good: 4}}
				err := b.p.CommitRecount(t.Context(), slo.Commit{
					Deltas:    []slo.Delta{delta},
					Recounted: []slo.Recounted{{Series: id, After: 3, Through: test.through}},
				})
				if test.want == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, test.want)
				}
				b.journal.append(slo.RecordTraces, []byte("de"), time.Now())
				pass(time.Minute)
				b.stop(t)
				got := b.store.snapshot()
				require.Equal(t, test.after, got.Recounted[id])
				require.Equal(t, int64(5), got.Services["all"], "live counting goes on")
				want := int64(0)
				if test.after == 3 {
					want = 4
				}
				require.Equal(t, want, got.Counts[bucket{id, 5}].Good)
			})
		})
	}
}

func TestARecountThatNobodyTakesEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.start(t)
		b.stop(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, b.p.CommitRecount(ctx, slo.Commit{}), context.DeadlineExceeded)
	})
}
