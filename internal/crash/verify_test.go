package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// honest is a run in which everything was counted exactly once: batches were
// sent, some twice, and every one was acknowledged in the end.
func honest(t *testing.T) (e evidence, batches [][]*item) {
	t.Helper()
	b, m := newBook(), maker{random: rand.New(rand.NewPCG(1, 2)), exact: true, begun: time.Now()}
	counted := map[cell]tally{}
	for i := range 40 {
		batch := m.batch(30, time.Now())
		batches = append(batches, batch)
		b.sending(batch)
		if i%3 == 0 {
			b.sent(batch, answer{outcome: unanswered})
		}
		b.sent(batch, answer{outcome: acknowledged})
		b.acknowledge(batch)
		for _, it := range batch {
			for _, k := range it.marks() {
				counted[k.cell] = counted[k.cell].plus(k.good, 1)
			}
		}
	}
	names, _ := objectives()
	e = evidence{Exact: true, Objectives: map[string]string{}, Rows: b.rows(), Counted: map[string][]count{}, Delivered: true}
	for _, name := range names {
		e.Objectives[name] = name
	}
	for c, n := range counted {
		e.Counted[c.Objective] = append(e.Counted[c.Objective], count{Slice: c.Slice, Good: n.Good, Bad: n.Bad})
	}
	fired := "2026-01-02T15:04:05Z"
	e.Episodes = []episode{{ID: "a", State: "resolved", FiredAt: &fired}, {ID: "b", State: "firing", FiredAt: &fired}, {ID: "c", State: "pending"}}
	for _, told := range []told{{"a", "firing", ""}, {"a", "resolved", ""}, {"b", "firing", ""}} {
		for _, name := range receiverNames() {
			e.Deliveries = append(e.Deliveries, delivery{
				ID: fmt.Sprint(told.episode, told.state, name), Receiver: name, Episode: told.episode, State: told.state, Body: "x", Answered: true,
			})
		}
	}
	return e, batches
}

// tamper takes a batch from what is counted, or counts it again.
func tamper(e *evidence, batch []*item, n int64) (events int64) {
	for _, it := range batch {
		for _, m := range it.marks() {
			events++
			for i, c := range e.Counted[m.Objective] {
				if c.Slice == m.Slice && m.good {
					e.Counted[m.Objective][i].Good += n
				} else if c.Slice == m.Slice {
					e.Counted[m.Objective][i].Bad += n
				}
			}
		}
	}
	return events
}

func TestVerifyIsGreenWhenEverythingIsCountedOnce(t *testing.T) {
	t.Parallel()
	e, _ := honest(t)
	f := e.judge()
	require.False(t, f.red(), f.String())
	require.Positive(t, f.Counted)
	require.EqualValues(t, 6, f.Notifications)
}

func TestVerifyFindsEveryLie(t *testing.T) {
	t.Parallel()
	t.Run("one acknowledged batch is not counted", func(t *testing.T) {
		t.Parallel()
		e, batches := honest(t)
		events := tamper(&e, batches[7], -1)
		f := e.judge()
		require.True(t, f.red())
		require.Equal(t, events, f.Lost)
		require.Zero(t, f.Doubled)
	})
	t.Run("one batch is counted twice", func(t *testing.T) {
		t.Parallel()
		e, batches := honest(t)
		events := tamper(&e, batches[7], 1)
		f := e.judge()
		require.True(t, f.red())
		require.Equal(t, events, f.Doubled)
		require.Zero(t, f.Lost)
	})
	for name, lie := range map[string]func(*evidence){
		"a good event is counted as bad": func(e *evidence) {
			e.Counted["steady"][0].Good--
			e.Counted["steady"][0].Bad++
		},
		"an event is counted in another slice": func(e *evidence) {
			e.Counted["steady"][0].Good--
			e.Counted["steady"] = append(e.Counted["steady"], count{Slice: 1, Good: 1})
		},
		"an event could not be judged":      func(e *evidence) { e.Counted["gold"][0].Unknown = 1 },
		"a bucket is missing":               func(e *evidence) { e.Counted["gold"] = e.Counted["gold"][1:] },
		"a transition was never told":       func(e *evidence) { e.Deliveries = e.Deliveries[1:] },
		"a receiver never answered with OK": func(e *evidence) { e.Deliveries[0].Answered = false },
		"a repeat has another id": func(e *evidence) {
			again := e.Deliveries[0]
			again.ID = "other"
			e.Deliveries = append(e.Deliveries, again)
		},
		"a repeat says something else": func(e *evidence) {
			again := e.Deliveries[0]
			again.Body = "y"
			e.Deliveries = append(e.Deliveries, again)
		},
		"an audit differs": func(e *evidence) {
			e.Deliveries = append(e.Deliveries, delivery{ID: "z", Receiver: "one", Episode: "z", State: "firing", Alarm: auditDifference})
		},
		"a page about nothing": func(e *evidence) {
			e.Deliveries = append(e.Deliveries, delivery{ID: "z", Receiver: "one", Episode: "z", State: "firing"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _ := honest(t)
			lie(&e)
			f := e.judge()
			require.True(t, f.red())
		})
	}
}

func TestVerifyAllowsWhatNobodyCanKnow(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int64{"an open batch that was not counted": -1, "an open batch that was counted": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, batches := honest(t)
			for _, it := range batches[3] {
				for _, m := range it.marks() {
					for i, r := range e.Rows {
						if r.cell == m.cell {
							e.Rows[i].Acknowledged = r.Acknowledged.plus(m.good, -1)
							e.Rows[i].Open = r.Open.plus(m.good, 1)
						}
					}
				}
			}
			tamper(&e, batches[3], n)
			f := e.judge()
			require.False(t, f.red(), f.String())
		})
	}
	t.Run("a repeat is not a fault", func(t *testing.T) {
		t.Parallel()
		e, _ := honest(t)
		e.Deliveries = append(e.Deliveries, e.Deliveries[2])
		f := e.judge()
		require.False(t, f.red(), f.String())
		require.EqualValues(t, 1, f.Repeats)
	})
}

func TestADialThatNobodyTakesNeverLeft(t *testing.T) {
	t.Parallel()
	b := newBook()
	batch := (&maker{random: rand.New(rand.NewPCG(1, 2)), begun: time.Now()}).batch(10, time.Now())
	b.sending(batch)
	b.sent(batch, answer{outcome: unreached})
	require.Zero(t, b.figures())
	b.sent(batch, answer{outcome: unanswered})
	b.sent(batch, answer{outcome: acknowledged})
	b.acknowledge(batch)
	require.Equal(t, totals{Requests: 2, Acknowledged: 1, Unanswered: 1, Spans: 10, Resent: 10}, b.figures())
}

func TestTheSameSeedMakesTheSameSpans(t *testing.T) {
	t.Parallel()
	now := time.Now()
	one, two := options{seed: 7}.source("client"), options{seed: 7}.source("client")
	require.Equal(t, (&maker{random: one, begun: now}).batch(200, now), (&maker{random: two, begun: now}).batch(200, now))
}
