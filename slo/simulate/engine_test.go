package simulate_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/engine"
	"github.com/slowburn-slo/slowburn/slo/simulate"
)

// live is the ledger and the store of a running engine.
type live struct {
	mu      sync.Mutex
	commits []slo.Commit
	moved   []slo.Transition
}

func (l *live) commit(c slo.Commit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Shard, c.Sequence = "a", int64(len(l.commits)+1)
	l.commits = append(l.commits, c)
}

func (*live) ReadLedger(context.Context, time.Time, slo.Detail, func(slo.Delta)) (map[slo.SeriesID]slo.SeriesState, slo.Coverage, map[string]int64, error) {
	return nil, slo.Coverage{}, nil, nil
}

func (l *live) Commits(_ context.Context, after map[string]int64, limit int) ([]slo.Commit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.commits[after["a"]:]
	return rest[:min(limit, len(rest))], nil
}

func (*live) OpenEpisodes(context.Context) ([]slo.Episode, error) { return nil, nil }

func (*live) FindEpisodes(context.Context, slo.EpisodeQuery) ([]slo.Episode, error) { return nil, nil }

func (l *live) SaveTransitions(_ context.Context, _ int64, moved []slo.Transition, _ []slo.Notification) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moved = append(l.moved, moved...)
	return nil
}

func (*live) Labels(slo.Transition) map[string]string { return nil }

func (*live) Notifications(slo.Transition) ([]slo.Notification, error) { return nil, nil }

type moment struct {
	state slo.EpisodeState
	at    time.Time
}

// TestARunJudgesAsTheEngineDoes lets the engine follow a ledger for half a day
// by a clock that is not real, and compares what it stored with a run over the
// same buckets: the same transitions of each tier, at most a slice apart.
func TestARunJudgesAsTheEngineDoes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*slo.SLO){
		"events": func(*slo.SLO) {},
		"time slices": func(d *slo.SLO) {
			d.Method = slo.Timeslices
			d.Objectives[0].SliceTarget, d.Objectives[0].SliceWindow = targetOf(t, "0.9"), time.Minute
		},
		"a calendar, and policies of one's own": func(d *slo.SLO) {
			d.Window = slo.Window{Duration: day, Calendar: slo.Calendar{Count: 1, Unit: 'd', Start: "2026-01-01 05:30", Zone: "Asia/Kolkata"}}
			d.Policies = slices.Concat(paging("hour", "10", time.Hour).Policies, paging("minutes", "14.4", 5*time.Minute).Policies)
			d.Policies[1].Condition.After, d.Policies[1].WhenNoData = 3*time.Minute, true
		},
		"an outage that is dropped": func(d *slo.SLO) { exclude(d, slo.Drop, 2*time.Hour, time.Hour) },
		"half of an outage that counts as good, and half of a silence": func(d *slo.SLO) {
			exclude(d, slo.CountGood, 2*time.Hour, 5*time.Minute)
			exclude(d, slo.CountGood, 5*time.Hour, 30*time.Minute)
			d.Policies = paging("minutes", "14.4", 5*time.Minute).Policies
			d.Policies[0].WhenNoData, d.Policies[0].Condition.NoDataAfter = true, 25*time.Minute
		},
		"time slices, some of them dropped": func(d *slo.SLO) {
			d.Method = slo.Timeslices
			d.Objectives[0].SliceTarget, d.Objectives[0].SliceWindow = targetOf(t, "0.9"), time.Minute
			exclude(d, slo.Drop, 2*time.Hour+7*time.Minute, 2*time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := definition(t, "0.999")
			change(&d)
			synctest.Test(t, func(t *testing.T) { compareWithEngine(t, d) })
		})
	}
}

// exclude adds an exclusion as long after the beginning of a synctest bubble.
func exclude(d *slo.SLO, as slo.ExclusionKind, after, length time.Duration) {
	bubble := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	d.Exclusions = append(d.Exclusions, slo.Exclusion{Start: bubble.Add(after).Format(slo.CalendarStart), Duration: length, Zone: "UTC", As: as})
}

// expand finds exclusions without a rule.
func expand(all []slo.Exclusion, _, _ time.Time) ([]slo.Excluded, error) {
	var excluded []slo.Excluded
	for _, e := range all {
		from, err := e.First()
		if err != nil {
			return nil, err
		}
		excluded = append(excluded, slo.Excluded{Interval: slo.Interval{From: from, To: from.Add(e.Duration)}, As: e.As})
	}
	return excluded, nil
}

func compareWithEngine(t *testing.T, d slo.SLO) {
	from := time.Now().UTC()
	id := d.SeriesOf(0).ID
	var buckets []slo.Bucket
	at := from
	for _, s := range []struct {
		length time.Duration
		bad    int64
		silent bool
	}{
		{length: 2 * time.Hour},
		{length: 10 * time.Minute, bad: 300},
		{length: time.Hour},
		{length: 90 * time.Minute, bad: 40},
		{length: time.Hour, silent: true},
		{length: time.Hour},
		{length: 2 * time.Minute, bad: 1000},
		{length: time.Hour, bad: 1},
	} {
		if !s.silent {
			buckets = append(buckets, steady(at, s.length, s.bad)...)
		}
		at = at.Add(s.length)
	}
	store := &live{}
	store.commit(slo.Commit{MeasuredUntil: from, Started: map[slo.SeriesID]time.Time{id: from}})
	e := engine.New(engine.Settings{
		Ledger: store, Episodes: store, Announcer: store, Logger: slog.New(slog.DiscardHandler),
		Expand: func(all []slo.Exclusion, from, to time.Time) []slo.Excluded {
			excluded, err := expand(all, from, to)
			require.NoError(t, err)
			return excluded
		},
	})
	e.SetDefinitions([]slo.Definition{{SLO: d, Revision: 1}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx) }()
	for next := 0; time.Now().Before(at); {
		time.Sleep(slo.SliceLength)
		now := time.Now().UTC()
		c := slo.Commit{MeasuredUntil: now}
		if next < len(buckets) && !buckets[next].Slice.End().After(now) {
			c.Deltas = []slo.Delta{{Series: id, Slice: buckets[next].Slice, Counts: buckets[next].Counts}}
			c.Watermarks = map[slo.SeriesID]time.Time{id: buckets[next].Slice.End()}
			next++
		}
		store.commit(c)
		e.Wake()
		synctest.Wait()
	}
	live, err := e.Status(d.Name)
	require.NoError(t, err)
	cancel()
	require.NoError(t, <-done)

	result, err := simulate.Run(d, simulate.Series{id: buckets}, from, at, simulate.Options{Expand: expand})
	require.NoError(t, err)
	status := result.Objectives[0].Status
	require.Equal(t, live.Objectives[0].Counts, status.Counts)
	require.Equal(t, live.Objectives[0].ExcludedCounts, status.ExcludedCounts)
	require.Equal(t, live.Objectives[0].Budget, status.Budget)
	want, got := map[string][]moment{}, map[string][]moment{}
	for _, m := range store.moved {
		want[m.Tier.Name] = append(want[m.Tier.Name], moment{m.Episode.State, m.At})
	}
	for _, one := range result.Objectives[0].Episodes {
		for _, m := range []moment{{slo.Pending, one.PendingSince}, {slo.Firing, one.FiredAt}, {one.State, one.ResolvedAt}} {
			if !m.at.IsZero() && (m.state != slo.Pending || !m.at.Equal(one.FiredAt)) {
				got[one.Tier.Name] = append(got[one.Tier.Name], m)
			}
		}
	}
	require.NotEmpty(t, want)
	for tier := range want {
		require.Len(t, got[tier], len(want[tier]), "%s: %v, live %v", tier, got[tier], want[tier])
		for i, live := range want[tier] {
			require.Equal(t, live.state, got[tier][i].state, tier)
			require.InDelta(t, 0, got[tier][i].at.Sub(live.at).Seconds(), 10, "%s %s", tier, live.state)
		}
	}
	require.Len(t, got, len(want))
}
