package indicator_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

// memory is a naive memory without a horizon.
type memory struct {
	seen    map[slo.ItemID]uint64
	repeats []slo.RepeatedItem
	offset  slo.Offset
	place   int
	err     error
}

func newMemory() *memory { return &memory{seen: map[slo.ItemID]uint64{}} }

func (m *memory) Begin(offset slo.Offset, _ time.Time) error {
	m.offset, m.place = offset, 0
	return nil
}

func (m *memory) Sight(x slo.Sighting) (slo.Sighted, error) {
	if m.err != nil {
		return slo.First, m.err
	}
	content, known := m.seen[x.ID]
	m.seen[x.ID] = x.Content
	verdict := slo.First
	switch {
	case known && content == x.Content:
		verdict = slo.Repeat
	case known:
		verdict = slo.Conflict
	}
	if verdict != slo.First {
		m.repeats = append(m.repeats, slo.RepeatedItem{Offset: m.offset, Place: m.place, Verdict: verdict})
	}
	m.place++
	return verdict, nil
}

func (m *memory) Rewind(to slo.Offset) (slo.Offset, error) { return to, m.err }
func (m *memory) Settle(slo.Offset) error                  { return m.err }

// identified gives every span an identity.
func identified(all ptrace.Traces, ids ...byte) ptrace.Traces {
	n := 0
	for i := range all.ResourceSpans().Len() {
		spans := all.ResourceSpans().At(i).ScopeSpans().At(0).Spans()
		for k := range spans.Len() {
			spans.At(k).SetTraceID(pcommon.TraceID{1, ids[n]})
			spans.At(k).SetSpanID(pcommon.SpanID{2, ids[n]})
			n++
		}
	}
	return all
}

func TestASpanThatWasSeenBeforeIsNotCountedAgain(t *testing.T) {
	t.Parallel()
	just := span{end: noon().Add(-time.Second)}
	other := span{end: noon().Add(-time.Second), name: "renamed"}
	for name, test := range map[string]struct {
		first, second []span
		ids           [2][]byte
		want          slo.Delta
	}{
		"another span":             {[]span{just}, []span{just}, [2][]byte{{1}, {2}}, slo.Delta{Counts: slo.Counts{Good: 2}}},
		"the same again":           {[]span{just}, []span{just}, [2][]byte{{1}, {1}}, slo.Delta{Counts: slo.Counts{Good: 1}, Corrections: slo.Corrections{Repeats: 1}}},
		"the same in a new batch":  {[]span{just}, []span{just, just}, [2][]byte{{1}, {2, 1}}, slo.Delta{Counts: slo.Counts{Good: 2}, Corrections: slo.Corrections{Repeats: 1}}},
		"the same twice in one":    {[]span{just, just}, nil, [2][]byte{{1, 1}, nil}, slo.Delta{Counts: slo.Counts{Good: 1}, Corrections: slo.Corrections{Repeats: 1}}},
		"the same id, other words": {[]span{just}, []span{other}, [2][]byte{{1}, {1}}, slo.Delta{Counts: slo.Counts{Good: 1}, Corrections: slo.Corrections{Conflicts: 1}}},
		"another service": {
			[]span{just}, []span{{end: just.end, service: "else"}}, [2][]byte{{1}, {1}}, slo.Delta{Counts: slo.Counts{Good: 1}},
		},
		"no identity at all": {[]span{just}, []span{just}, [2][]byte{nil, nil}, slo.Delta{Counts: slo.Counts{Good: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			counter := indicator.NewCounter(compiler(t), indicator.Limits{}, newMemory())
			require.NoError(t, counter.Use(seriesOf(checkout())))
			for i, spans := range [][]span{test.first, test.second} {
				all := traces(spans...)
				if test.ids[i] != nil {
					identified(all, test.ids[i]...)
				}
				require.NoError(t, counter.Judge(record(t, all)))
			}
			var c slo.Commit
			counter.Drain(&c)
			test.want.Series, test.want.Slice = checkout().Series().ID, slo.SliceOf(just.end)
			require.Equal(t, []slo.Delta{test.want}, c.Deltas)
		})
	}
}

// TestARecountRepeatsWhatWasSaid judges random records live and then, with the
// verdicts of that time, once more: as they came, and decoded before.
func TestARecountRepeatsWhatWasSaid(t *testing.T) {
	t.Parallel()
	shared := compiler(t)
	rapid.Check(t, func(t *rapid.T) {
		indicators := rapid.SliceOfN(rapid.Custom(drawIndicator), 1, 4).Draw(t, "indicators")
		seen := newMemory()
		counter := indicator.NewCounter(shared, indicator.Limits{}, seen)
		require.NoError(t, counter.Use(seriesOf(indicators...)))
		var records []slo.Record
		for i := range rapid.IntRange(1, 6).Draw(t, "records") {
			spans := rapid.SliceOfN(rapid.Custom(drawSpan), 1, 6).Draw(t, "spans")
			ids := rapid.SliceOfN(rapid.ByteRange(0, 9), len(spans), len(spans)).Draw(t, "ids")
			r := record(t, identified(traces(spans...), ids...))
			r.Offset = slo.Offset(i + 1)
			records = append(records, r)
			require.NoError(t, counter.Judge(r))
		}
		var live, again slo.Commit
		counter.Drain(&live)
		recounter := shared.Recounter(seriesOf(indicators...), indicator.Limits{}, seen.repeats)
		for _, r := range records {
			if rapid.Bool().Draw(t, "decoded") {
				decoded, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(r.Payload)
				require.NoError(t, err)
				r.Decoded = decoded
			}
			require.NoError(t, recounter.Judge(r))
		}
		recounter.Drain(&again)
		require.Equal(t, live.Deltas, again.Deltas)
		require.Equal(t, live.Watermarks, again.Watermarks)
		require.Equal(t, len(seen.repeats), int(live.Repeats+live.Conflicts))
	})
}

func TestWhatIsNotKnownIsNotJudged(t *testing.T) {
	t.Parallel()
	seen := newMemory()
	counter := indicator.NewCounter(compiler(t), indicator.Limits{}, seen)
	seen.err = errors.New("the disk does not answer")
	r := record(t, identified(traces(span{}), 1))
	require.ErrorIs(t, counter.Judge(r), slo.ErrUnjudged)
	require.ErrorIs(t, counter.Sight(r), slo.ErrUnjudged)
	require.ErrorIs(t, counter.Settle(1), slo.ErrUnjudged)
	_, err := counter.Resume(1)
	require.ErrorIs(t, err, slo.ErrUnjudged)
	require.ErrorContains(t, err, "the disk does not answer")
	seen.err = nil
	require.NoError(t, counter.Sight(r))
	require.NoError(t, counter.Sight(slo.Record{Kind: slo.RecordTraces, Payload: []byte("nonsense")}))
	require.Zero(t, counter.Pending(), "sighting counts nothing")
	require.NoError(t, counter.Judge(r))
	var c slo.Commit
	counter.Drain(&c)
	require.Equal(t, int64(1), c.Repeats)
}
