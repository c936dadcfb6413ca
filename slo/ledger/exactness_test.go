package ledger_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
)

// TestCountsEqualARecount drives the ledger through random schedules of
// records, definition changes, failing and torn commits, unreadable cursors
// and restarts. What it counted must equal a recount of the journal.
func TestCountsEqualARecount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SampledFrom([]int{3, 10, 30, 80}).Draw(rt, "steps")
		schedule := rapid.SliceOfN(rapid.Custom(drawStep), steps, steps).Draw(rt, "schedule")
		var faults recorder
		var counted, want state
		var progress, durable slo.Offset
		synctest.Test(t, func(*testing.T) {
			b := newBench()
			b.start(&faults)
			for _, s := range schedule {
				s.take(&faults, b)
			}
			if !b.running {
				b.start(&faults)
			}
			pass(time.Minute) // longer than all the waits that may still come
			b.stop(&faults)
			counted, want = withoutSequence(b.store.snapshot()), recount(&faults, b.journal)
			progress, durable = b.p.Progress().Offset, b.journal.Durable()
		})
		require.Empty(rt, faults.messages)
		require.Equal(rt, want, counted)
		require.Equal(rt, durable, progress)
	})
}

// recorder collects what goes wrong in a bubble, where rapid's own T cannot
// be used: rapid shrinks by panicking in its own goroutine.
type recorder struct{ messages []string }

func (r *recorder) Errorf(format string, args ...any) {
	r.messages = append(r.messages, fmt.Sprintf(format, args...))
}

func (r *recorder) FailNow() {}

// step is one thing that happens to the ledger: the first field that is set.
type step struct {
	Payload  []byte // a record of traces
	Kind     slo.RecordKind
	Services []string // a record of definitions
	Pass     time.Duration
	Outcomes []outcome // of the next commits, with unreadable cursors before
	Unread   int
	Settled  bool // a stop or a start, once all is quiet or in the middle of things
}

func drawStep(t *rapid.T) step {
	switch rapid.IntRange(0, 9).Draw(t, "step") {
	case 0, 1, 2:
		return step{Payload: append([]byte{}, rapid.SliceOfN(rapid.Byte().Filter(decodable), 0, 8).Draw(t, "payload")...)}
	case 3:
		return step{Payload: []byte("!")}
	case 4:
		return step{Kind: rapid.SampledFrom([]slo.RecordKind{slo.RecordHeartbeat, slo.RecordMetrics}).Draw(t, "kind")}
	case 5:
		services := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"x", "y", "z"}), rapid.ID).Draw(t, "set")
		return step{Services: append([]string{}, services...)}
	case 6, 7:
		return step{Pass: time.Duration(rapid.IntRange(1, 7000).Draw(t, "ms")) * time.Millisecond}
	case 8:
		outcomes := rapid.SliceOfN(rapid.SampledFrom([]outcome{works, refuses, tears}), 1, 4).Draw(t, "outcomes")
		return step{Outcomes: outcomes, Unread: rapid.IntRange(0, 2).Draw(t, "unread")}
	default:
		return step{Settled: rapid.Bool().Draw(t, "settled")}
	}
}

// decodable keeps the payload that stands for nonsense out of the others, of
// which an oracle may leave out bytes.
func decodable(b byte) bool { return b != '!' }

func (s step) take(t require.TestingT, b *bench) {
	switch {
	case s.Payload != nil:
		b.journal.append(slo.RecordTraces, s.Payload, time.Now())
	case s.Kind != 0:
		b.journal.append(s.Kind, nil, time.Now())
	case s.Services != nil:
		b.journal.append(slo.RecordDefinitions, definitions(t, s.Services...), time.Now())
	case s.Pass != 0:
		pass(s.Pass)
	case s.Outcomes != nil:
		b.store.mu.Lock()
		b.store.unread, b.store.outcomes = s.Unread, s.Outcomes
		b.store.mu.Unlock()
	default:
		if s.Settled {
			synctest.Wait()
		}
		if b.running {
			b.stop(t)
		} else {
			b.start(t)
		}
	}
}

// recount reads the journal from its beginning, in one go, by the contract.
func recount(t require.TestingT, j *journal) state {
	want := newState()
	var set []slo.Series
	var previous time.Time
	for _, r := range j.records {
		switch r.Kind {
		case slo.RecordTraces:
			recountTraces(&want, set, r)
		case slo.RecordDefinitions:
			next, err := slo.DecodeSeries(r.Payload)
			require.NoError(t, err)
			if recountSet(&want, set, next, r.Arrival) {
				want.Cursor.Definitions = r.Payload
			}
			set = next
		case slo.RecordHeartbeat, slo.RecordMetrics:
		}
		if !previous.IsZero() && r.Arrival.Sub(previous) > 5*time.Second {
			want.Gaps = append(want.Gaps, slo.Interval{From: previous, To: r.Arrival})
		}
		previous = r.Arrival
		want.Cursor.Offset, want.Cursor.MeasuredUntil = r.Offset, r.Arrival
	}
	return want
}

func recountTraces(want *state, set []slo.Series, r slo.Record) {
	if string(r.Payload) == "!" {
		want.Refused["undecodable"]++
		want.Refusals[slo.Refusal{Signal: "traces", Reason: "undecodable"}]++
		return
	}
	if len(r.Payload) > 0 {
		want.Services["all"] += int64(len(r.Payload))
	}
	for _, b := range r.Payload {
		for _, s := range set {
			key := bucket{s.ID, slo.Slice(b % 4)}
			want.Counts[key] = want.Counts[key].Plus(verdict(s.ID, b))
		}
	}
}

// recountSet notes which series start and stop, and whether any does.
func recountSet(want *state, before, after []slo.Series, at time.Time) bool {
	changed := false
	for _, s := range after {
		if !contains(before, s.ID) {
			want.Counted[s.ID] = append(want.Counted[s.ID], slo.Interval{From: at})
			changed = true
		}
	}
	for _, s := range before {
		if !contains(after, s.ID) {
			stretches := want.Counted[s.ID]
			stretches[len(stretches)-1].To = at
			changed = true
		}
	}
	return changed
}

func contains(set []slo.Series, id slo.SeriesID) bool {
	for _, s := range set {
		if s.ID == id {
			return true
		}
	}
	return false
}

// withoutSequence leaves out what depends on how the journal was cut into commits.
func withoutSequence(s state) state {
	s.Cursor.Sequence = 0
	return s
}
