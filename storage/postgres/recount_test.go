package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

func newTimes(id slo.SeriesID, at time.Time) map[slo.SeriesID]time.Time {
	return map[slo.SeriesID]time.Time{id: at}
}

// next commits what follows on the cursor of shard a, with what change makes of it.
func next(t *testing.T, store *postgres.Store, change func(*slo.Commit)) error {
	t.Helper()
	cursor, err := store.Cursor(t.Context(), "a")
	require.NoError(t, err)
	c := slo.Commit{
		Shard: "a", Sequence: cursor.Sequence + 1, From: cursor.Offset, To: cursor.Offset + 10,
		MeasuredUntil: noon.Add(time.Duration(cursor.Offset) * time.Second),
	}
	change(&c)
	return store.Commit(t.Context(), c)
}

func TestRecountJoinsTheStretchThatItEndsAt(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	id := seriesID(1)
	ago := func(minutes int) time.Time { return noon.Add(-time.Duration(minutes) * time.Minute) }
	closed, open := slo.SliceOf(noon)-100, slo.SliceOf(noon)
	require.NoError(t, next(t, store, func(*slo.Commit) {}))
	require.NoError(t, next(t, store, func(c *slo.Commit) { c.Started = newTimes(id, noon) })) // After 20.
	block := func(after, through slo.Offset, since time.Time) func(*slo.Commit) {
		return func(c *slo.Commit) {
			c.To, c.MeasuredUntil = c.From, time.Time{}
			c.Deltas = []slo.Delta{
				{Series: id, Slice: closed, Counts: slo.Counts{Good: 1}}, {Series: id, Slice: open, Counts: slo.Counts{Bad: 1}},
			}
			c.Recounted = []slo.Recounted{{Series: id, After: after, Through: through, Since: since}}
		}
	}
	require.NoError(t, next(t, store, block(15, 20, ago(5))))
	require.ErrorIs(t, next(t, store, block(15, 20, ago(5))), slo.ErrRecountMoved, "it is joined already")
	require.ErrorIs(t, next(t, store, block(5, 14, ago(9))), slo.ErrRecountMoved, "that would leave a hole")
	require.NoError(t, next(t, store, block(5, 15, ago(9))))

	buckets, err := store.Buckets(t.Context(), id, 0, open+1)
	require.NoError(t, err)
	require.Equal(t, []slo.Bucket{
		{Slice: closed, Counts: slo.Counts{Good: 2}, Revisions: 2, RevisedAt: noon.Add(10 * time.Second)},
		{Slice: open, Counts: slo.Counts{Bad: 2}},
	}, buckets)
	stretches, err := store.Stretches(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[slo.SeriesID][]slo.Stretch{id: {{Interval: slo.Interval{From: ago(9)}, After: 5}}}, stretches)
	states, coverage, _, err := store.ReadLedger(t.Context(), ago(60), slo.Detail{}, func(slo.Delta) {})
	require.NoError(t, err)
	require.Equal(t, []slo.Interval{{From: ago(9)}}, states[id].Counted)
	require.Equal(t, slo.Coverage{Since: ago(9), Until: noon.Add(10 * time.Second), Gaps: []slo.Interval{}}, coverage)
	commits, err := store.Commits(t.Context(), map[string]int64{"a": 2}, 9)
	require.NoError(t, err)
	require.Equal(t, []slo.Recounted{{Series: id, Since: ago(5), Until: noon}}, commits[0].Recounted)
	require.Equal(t, []slo.Recounted{{Series: id, Since: ago(9), Until: ago(5)}}, commits[1].Recounted)
	require.Equal(t, noon.Add(10*time.Second), commits[1].MeasuredUntil, "a recount measures nothing new")
}

func TestRecountEndsWhereAnEarlierStretchDoes(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	id := seriesID(1)
	require.NoError(t, next(t, store, func(c *slo.Commit) { c.Started = newTimes(id, noon) }))                    // After 10,
	require.NoError(t, next(t, store, func(c *slo.Commit) { c.Stopped = newTimes(id, noon.Add(time.Minute)) }))   // through 20.
	require.NoError(t, next(t, store, func(c *slo.Commit) { c.Started = newTimes(id, noon.Add(2*time.Minute)) })) // After 30.
	recount := func(after slo.Offset) func(*slo.Commit) {
		return func(c *slo.Commit) {
			c.To = c.From
			c.Recounted = []slo.Recounted{{Series: id, After: after, Through: 30, Since: noon.Add(90 * time.Second)}}
		}
	}
	require.ErrorIs(t, next(t, store, recount(19)), slo.ErrRecountMoved, "record 20 would count twice")
	require.NoError(t, next(t, store, recount(20)))
	stretches, err := store.Stretches(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, []slo.Stretch{
		{Interval: slo.Interval{From: noon, To: noon.Add(time.Minute)}, After: 10, Through: 20},
		{Interval: slo.Interval{From: noon.Add(90 * time.Second)}, After: 20},
	}, stretches[id], "they touch, and stay two")
}

func TestRecountsThatCannotBe(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	require.NoError(t, next(t, store, func(c *slo.Commit) { c.Started = newTimes(seriesID(1), noon) }))
	good := slo.Recounted{Series: seriesID(1), After: 3, Through: 10, Since: noon}
	for name, change := range map[string]func(*slo.Commit){
		"with records of its own":  func(c *slo.Commit) { c.To++ },
		"of no records":            func(c *slo.Commit) { c.Recounted[0].After = 10 },
		"of records without time":  func(c *slo.Commit) { c.Recounted[0].Since = time.Time{} },
		"of one series twice":      func(c *slo.Commit) { c.Recounted = append(c.Recounted, good) },
		"of one that is not there": func(c *slo.Commit) { c.Recounted[0].Series = seriesID(2) },
		"one right and one wrong": func(c *slo.Commit) {
			c.Recounted = append(c.Recounted, slo.Recounted{Series: seriesID(2), Through: 9, Since: noon})
		},
	} {
		require.Error(t, next(t, store, func(c *slo.Commit) {
			c.To, c.Recounted = c.From, []slo.Recounted{good}
			change(c)
		}), name)
	}
	stretches, err := store.Stretches(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, slo.Offset(10), stretches[seriesID(1)][0].After, "nothing has changed")
}

func TestRefusalsHaveBounds(t *testing.T) {
	t.Parallel()
	store, address := open(t)
	refuse := func(services ...string) {
		require.NoError(t, next(t, store, func(c *slo.Commit) {
			for _, service := range services {
				c.Refusals = append(c.Refusals, slo.Refusal{Signal: "logs", Reason: slo.RefusedSignal, Service: service, Items: 2})
			}
		}))
	}
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("service %03d", i))
	}
	refuse("first", "bad \xff name", "nul \x00 name")
	refuse(many...)
	refuse("first", "late comer")
	require.LessOrEqual(t, len(content(t, address, `SELECT * FROM refusals`)), 301)
	refusals, err := store.Refusals(t.Context(), noon)
	require.NoError(t, err)
	var sum int64
	of := map[string]int64{}
	for _, r := range refusals {
		sum += r.Items
		of[r.Service] += r.Items
	}
	require.EqualValues(t, 2*(3+1000+2), sum, "none is left out")
	require.EqualValues(t, 4, of["first"], "one that has a row keeps it")
	require.EqualValues(t, 2*(1000-297+1), of["(other services)"])
	require.Equal(t, "(other services)", refusals[0].Service, "the most first")
}
