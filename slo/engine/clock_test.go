package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/engine"
)

// walk is a ledger, a store and two clocks under which an engine is driven.
type walk struct {
	random *rand.Rand
	start  time.Time
	wall   time.Time
	uptime time.Duration
	series slo.SeriesID
	// pending are commits that the ledger has not made yet.
	pending, made []slo.Commit
	open          map[string]slo.Episode
	moved         []slo.Transition
	jumps         int
}

func (w *walk) ReadLedger(context.Context, time.Time, slo.Detail, func(slo.Delta)) (map[slo.SeriesID]slo.SeriesState, slo.Coverage, map[string]int64, error) {
	long := w.start.Add(-90 * 24 * time.Hour)
	return map[slo.SeriesID]slo.SeriesState{w.series: {Counted: []slo.Interval{{From: long}}}},
		slo.Coverage{Since: long, Until: w.start}, map[string]int64{"a": 0}, nil
}

func (w *walk) Commits(_ context.Context, after map[string]int64, limit int) ([]slo.Commit, error) {
	rest := w.made[after["a"]:]
	return rest[:min(limit, len(rest))], nil
}

func (w *walk) OpenEpisodes(context.Context) ([]slo.Episode, error) { return nil, nil }

func (w *walk) FindEpisodes(context.Context, slo.EpisodeQuery) ([]slo.Episode, error) {
	return nil, nil
}

func (w *walk) SaveTransitions(_ context.Context, _ int64, moved []slo.Transition, _ []slo.Notification) error {
	for _, m := range moved { // What tells of missing data is judged elsewhere.
		if m.Tier.Kind == slo.BurnRate {
			w.moved = append(w.moved, m)
		}
	}
	return nil
}

// pass lets time pass; the wall clock does what the kind of the walk says.
func (w *walk) pass(kind string) {
	passed := []time.Duration{time.Second, time.Second, 5 * time.Second, 25 * time.Second}[w.random.IntN(4)]
	w.uptime += passed
	jump := func(by time.Duration) {
		if w.random.IntN(12) == 0 {
			by *= time.Duration(1 - 2*w.random.IntN(2))
			w.wall = w.wall.Add(by)
		}
	}
	switch kind {
	case "frozen":
		if w.random.IntN(3) == 0 {
			w.wall = w.wall.Add(passed)
		}
		return
	case "hours":
		jump(time.Hour)
	case "days":
		jump(24 * time.Hour)
	case "seconds":
		jump(time.Duration(w.random.IntN(5000)) * time.Millisecond)
	case "backwards":
		w.wall = w.wall.Add(-passed * time.Duration(w.random.IntN(2)))
	}
	w.wall = w.wall.Add(passed)
}

// verdict is a transition as the oracle puts it.
type verdict struct {
	tier  string
	state slo.EpisodeState
	at    time.Time
}

// oracle judges a walk by the rules as they are written down, one event after
// the other, without anything of what it checks.
type oracle struct {
	events             []event
	watermark, reached time.Time
	last               time.Time
	lags               bool
	near               time.Time
	tiers              []*tierOracle
	verdicts           []verdict
}

type event struct{ second, good, bad int64 }

type tierOracle struct {
	name           string
	long, short    time.Duration
	perTenThousand int64
	minBad         int64
	hold           time.Duration
	page           bool
	chance         float64
	maxTotal       int64
	state          slo.EpisodeState
	lastOver       time.Time
	ended          time.Time
}

// likely is the chance of at least so many bad events of n at 99.9 %: what the
// chances of fewer leave.
func likely(bad, n int64) float64 {
	const p = 0.001
	term, below := math.Pow(1-p, float64(n)), 0.0
	for i := range bad {
		below += term
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
	}
	return 1 - below
}

// inhibited reports whether a faster tier fires, or did so until within the short look-back.
func (o *oracle) inhibited(t *tierOracle, now time.Time) bool {
	for _, faster := range o.tiers {
		if faster.long < t.long && (faster.page || !t.page) &&
			(faster.state == slo.Firing || !faster.ended.IsZero() && now.Sub(faster.ended) < t.short) {
			return true
		}
	}
	return false
}

func newOracle(start time.Time) *oracle {
	const h = time.Hour
	return &oracle{reached: start, tiers: []*tierOracle{
		{name: "fast", long: 2 * time.Minute, short: 10 * time.Second, perTenThousand: 1000, minBad: 10, hold: 5 * time.Minute, page: true, chance: 0.01},
		{name: "1h", long: h, short: 5 * time.Minute, perTenThousand: 144, minBad: 3, page: true, chance: 0.01},
		{name: "6h", long: 6 * h, short: 30 * time.Minute, perTenThousand: 60, minBad: 3, page: true, chance: 0.01},
		{name: "24h", long: 24 * h, short: 2 * h, perTenThousand: 30, minBad: 3},
		{name: "3d", long: 72 * h, short: 6 * h, perTenThousand: 10, minBad: 3},
		{name: "quiet", long: 72 * h, short: 24 * h, perTenThousand: 100, minBad: 3, page: true, chance: 1e-6, maxTotal: 720},
	}}
}

// look is one look at the wall clock: instants only go forward.
func (o *oracle) look(wall time.Time) (now time.Time, stale bool) {
	behind := o.last.Sub(wall)
	if now = wall; !wall.After(o.last) {
		now = o.last.Add(1)
	}
	o.last = now
	lag, was := now.Sub(o.reached), o.lags
	if lag > 30*time.Second {
		o.lags, o.near = true, time.Time{}
	} else if o.lags {
		if o.near.IsZero() {
			o.near = now
		}
		if lag <= 5*time.Second || now.Sub(o.near) >= 30*time.Second {
			o.lags, o.near = false, time.Time{}
		}
	}
	if was && !o.lags {
		for _, t := range o.tiers {
			t.lastOver = now
		}
	}
	return now, o.lags || behind > 2*time.Second
}

func (o *oracle) sum(to time.Time, length time.Duration) (bad, total int64) {
	grid := int64(10)
	if length > 6*time.Hour {
		grid = 60
	}
	from := to.Add(-length).Unix() / grid * grid
	end := (to.Unix()/10 + 1) * 10
	for _, e := range o.events {
		if e.second >= from && e.second < end {
			bad, total = bad+e.bad, total+e.bad+e.good
		}
	}
	return bad, total
}

func (o *oracle) judge(wall time.Time) {
	now, stale := o.look(wall)
	if stale {
		return
	}
	to, silent := now, now.Sub(o.watermark) > 2*time.Minute
	if !o.watermark.IsZero() && !o.watermark.After(now) && !silent {
		to = o.watermark
	}
	for _, t := range o.tiers {
		longBad, long := o.sum(to, t.long)
		shortBad, short := o.sum(to, t.short)
		longOver := long > 0 && longBad >= t.minBad && longBad*10_000 >= long*t.perTenThousand
		if longOver && t.page && (t.maxTotal > 0 && long > t.maxTotal || likely(longBad, long) > t.chance) {
			longOver = false
		}
		over := longOver && short > 0 && shortBad*10_000 >= short*t.perTenThousand
		if over && to.After(t.lastOver) {
			t.lastOver = to
		}
		var next slo.EpisodeState
		switch t.state {
		case slo.Firing:
			if !over && short > 0 && to.Sub(t.lastOver) >= t.hold {
				next = slo.Resolved
			}
		case slo.Pending:
			switch {
			case over && !silent && !o.inhibited(t, now):
				next = slo.Firing
			case !longOver:
				next = slo.Lapsed
			}
		default:
			switch {
			case over && !silent && !o.inhibited(t, now):
				next = slo.Firing
			case over && !silent, longOver && !over:
				next = slo.Pending
			}
		}
		if next == "" {
			continue
		}
		if t.state != slo.Firing && t.state != slo.Pending && !over {
			t.lastOver = time.Time{}
		}
		if next == slo.Resolved {
			t.ended = now
		}
		t.state = next
		o.verdicts = append(o.verdicts, verdict{t.name, next, now})
	}
}

// TestNoWalkOfTheClockSkipsOrRepeatsATransition drives engines under clocks
// that jump by hours and days, stand still and run backwards, while the ledger
// falls behind and catches up, and compares every transition with the oracle.
func TestNoWalkOfTheClockSkipsOrRepeatsATransition(t *testing.T) {
	t.Parallel()
	walks, transitions, held := uint64(3_000), 0, 0
	switch {
	case testing.Short():
		walks = 500
	case os.Getenv("SLOWBURN_LONG") != "": // Minutes under the race detector.
		walks = 10_000
	}
	kinds := []string{"steady", "frozen", "hours", "days", "seconds", "backwards"}
	shop := definition(t, "shop", 30*24*time.Hour)
	for seed := range walks {
		kind := kinds[seed%uint64(len(kinds))]
		w := &walk{
			random: rand.New(rand.NewPCG(seed, 7)), start: time.Unix(1_780_000_000+int64(seed)*97, 0).UTC(),
			series: shop.SLO.Indicator.Series().ID, open: map[string]slo.Episode{},
		}
		w.wall = w.start
		wants := newOracle(w.start)
		e := engine.New(engine.Settings{
			Ledger: w, Episodes: w, Announcer: announcer{}, Logger: slog.New(slog.DiscardHandler),
			Now: func() time.Time { return w.wall }, Uptime: func() time.Duration { return w.uptime },
			Alarm: func(name string, wrong bool, _ string) {
				if name == slo.AlarmClockJump && wrong {
					w.jumps++
				}
			},
		})
		e.SetDefinitions([]slo.Definition{shop})
		own := w.random.IntN(2) == 0 // Events bear the wall clock's time, else that of a clock that is right.
		bad := false
		for range 40 {
			w.pass(kind)
			if w.random.IntN(8) == 0 {
				bad = !bad
			}
			w.count(wants, own, bad)
			if w.wall.Before(wants.last.Add(-2 * time.Second)) {
				held++
			}
			wants.judge(w.wall)
			wants.look(w.wall) // The engine looks once more, to report.
			e.Step(t.Context())
			if len(w.moved) != len(wants.verdicts) {
				break
			}
		}
		w.requireEqual(t, wants, fmt.Sprintf("walk %d (%s, events by their own clock: %t)", seed, kind, !own))
		transitions += len(w.moved)
		if kind == "steady" {
			require.Zero(t, w.jumps)
		}
	}
	require.Greater(t, transitions, int(walks)*2, "the walks have something to tell")
	require.Greater(t, held, int(walks), "and the clock stands before what was judged often enough")
	t.Logf("%d walks, %d transitions, %d looks at a clock that was set back", walks, transitions, held)
}

// count makes one commit of some events, or of none, which the ledger makes
// known at once or later.
func (w *walk) count(wants *oracle, own, bad bool) {
	at := w.wall
	if !own {
		at = w.start.Add(w.uptime)
	}
	c := slo.Commit{Shard: "a", MeasuredUntil: w.wall}
	refused := at.After(w.wall.Add(10*time.Minute)) || at.Before(w.wall.Add(-24*time.Hour))
	counts := slo.Counts{Good: 50 + w.random.Int64N(50)}
	if bad {
		counts.Bad = w.random.Int64N(60)
	}
	if !refused && w.random.IntN(10) > 0 {
		c.Deltas = []slo.Delta{{Series: w.series, Slice: slo.SliceOf(at), Counts: counts}}
		c.Watermarks = map[slo.SeriesID]time.Time{w.series: at}
	}
	w.pending = append(w.pending, c)
	if w.random.IntN(4) == 0 && len(w.pending) < 12 {
		return // The ledger is behind.
	}
	for _, c := range w.pending {
		c.Sequence = int64(len(w.made) + 1)
		w.made = append(w.made, c)
		if c.MeasuredUntil.After(wants.reached) {
			wants.reached = c.MeasuredUntil
		}
		for _, d := range c.Deltas {
			at := c.Watermarks[w.series]
			wants.events = append(wants.events, event{at.Unix(), d.Counts.Good, d.Counts.Bad})
			if at.After(wants.watermark) {
				wants.watermark = at
			}
		}
	}
	w.pending = nil
}

func (w *walk) requireEqual(t *testing.T, wants *oracle, name string) {
	t.Helper()
	var got []verdict
	open, ids := map[string]string{}, map[string]bool{}
	for i, m := range w.moved {
		got = append(got, verdict{m.Episode.Tier, m.Episode.State, m.At})
		if i > 0 {
			require.False(t, m.At.Before(w.moved[i-1].At), "%s: instants go forward", name)
		}
		if id := open[m.Episode.Tier]; id != "" {
			require.Equal(t, id, m.Episode.ID, "%s: one episode of a tier at a time", name)
		} else {
			require.False(t, ids[m.Episode.ID], "%s: an identity was given twice", name)
			ids[m.Episode.ID] = true
		}
		open[m.Episode.Tier] = m.Episode.ID
		if m.Episode.State == slo.Resolved || m.Episode.State == slo.Lapsed {
			open[m.Episode.Tier] = ""
		}
	}
	require.Equal(t, wants.verdicts, got, name)
}

func TestAJumpOfTheClockRaisesTheAlarm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		by    time.Duration
		wants bool
		holds bool
	}{
		"a second forward":      {time.Second, false, false},
		"a second back":         {-time.Second, false, false},
		"three seconds forward": {3 * time.Second, true, false},
		"three seconds back":    {-3 * time.Second, true, true},
		"an hour forward":       {time.Hour, true, false},
		"an hour back":          {-time.Hour, true, true},
		"a day back":            {-24 * time.Hour, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, by := time.Now(), time.Duration(0)
				w := &walk{start: began, series: definition(t, "shop", 30*24*time.Hour).SLO.Indicator.Series().ID}
				var said []string
				e := engine.New(engine.Settings{
					Ledger: w, Episodes: w, Announcer: announcer{}, Logger: slog.New(slog.DiscardHandler),
					Now:    func() time.Time { return time.Now().Add(by).Round(0) },
					Uptime: func() time.Duration { return time.Since(began) },
					Alarm: func(name string, wrong bool, text string) {
						if name == slo.AlarmClockJump && wrong {
							said = append(said, text)
						}
					},
				})
				e.SetDefinitions([]slo.Definition{definition(t, "shop", 30*24*time.Hour)})
				step := func() {
					time.Sleep(time.Second)
					w.made = append(w.made, slo.Commit{Shard: "a", Sequence: int64(len(w.made) + 1), MeasuredUntil: time.Now().Add(by).Round(0)})
					e.Step(t.Context())
				}
				for range 200 {
					step()
				}
				require.Empty(t, said)
				by = c.by
				step()
				require.Equal(t, c.wants, len(said) > 0)
				status, err := e.Status("shop")
				require.NoError(t, err)
				require.Equal(t, c.holds, !status.Objectives[0].StaleSince.IsZero())
				for range 4 {
					step()
				}
				if c.holds && c.by < -time.Minute {
					require.Greater(t, len(said), 4, "as long as the clock lies before what was judged")
					require.Contains(t, said[len(said)-1], "restart Slowburn")
				}
			})
		})
	}
}
