package slo_test

import (
	"cmp"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
)

// fullOracle is the second opinion on everything that an objective may be made
// of: every event kept as it came, every window, slice and period found by
// looking at all of them, every share an arbitrary-precision fraction. It shares
// no code with what it checks.
type fullOracle struct {
	definition slo.SLO
	events     []oracleEvent
	newest     []time.Time // of each member, of those that are not in the future
	excluded   []slo.Excluded
	onlyThese  bool  // only what is excluded counts, as it happened
	reset      int64 // where the budget was begun anew; 0 if never
}

type oracleEvent struct {
	second int64
	member int
	counts slo.Counts
}

// edges finds where periods begin by looking at what clocks show, minute by
// minute: a period begins at the first minute, around its civil time, at which
// clocks show that time or later.
var (
	edgesMu sync.Mutex
	edges   = map[string]time.Time{}
)

func civilInstant(zone string, y int, m time.Month, d, hour, minute int) time.Time {
	civil := time.Date(y, m, d, hour, minute, 0, 0, time.UTC)
	key := zone + civil.String()
	edgesMu.Lock()
	defer edgesMu.Unlock()
	if at, ok := edges[key]; ok {
		return at
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	for at := civil.Add(-15 * time.Hour); ; at = at.Add(time.Minute) {
		there := at.In(location)
		shown := time.Date(there.Year(), there.Month(), there.Day(), there.Hour(), there.Minute(), 0, 0, time.UTC)
		if !shown.Before(civil) {
			edges[key] = at
			return at
		}
	}
}

// period walks from one period to the next until it has the one of the instant.
func (o *fullOracle) period(at time.Time) (from, to time.Time) {
	c := o.definition.Window.Calendar
	start, err := time.Parse("2006-01-02 15:04", c.Start)
	if err != nil {
		panic(err)
	}
	begin := func(n int) time.Time {
		y, m, d := start.Date()
		switch c.Unit {
		case 'd':
			d += n * c.Count
		case 'w':
			d += 7 * n * c.Count
		case 'M', 'Q', 'Y':
			months := map[byte]int{'M': 1, 'Q': 3, 'Y': 12}[c.Unit] * n * c.Count
			first := time.Date(y, m+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
			y, m = first.Year(), first.Month()
			d = min(d, first.AddDate(0, 1, -1).Day())
		}
		day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		return civilInstant(c.Zone, day.Year(), day.Month(), day.Day(), start.Hour(), start.Minute())
	}
	n := 0
	for begin(n).After(at) {
		n--
	}
	for !begin(n + 1).After(at) {
		n++
	}
	return begin(n), begin(n + 1)
}

// sum is what lies in [from, to), in seconds: the counts of one member, or what
// its slices say.
func (o *fullOracle) sum(index int, from, to int64) slo.Counts {
	method, objectives := o.definition.Method, o.definition.Objectives
	own := func(member int) bool { return index == len(objectives) || member == index }
	if method == slo.Occurrences {
		var c slo.Counts
		for _, e := range o.events {
			if own(e.member) && e.second >= from && e.second < to {
				one := o.judged(e.second, e.counts)
				c.Good, c.Bad, c.Unknown = c.Good+one.Good, c.Bad+one.Bad, c.Unknown+one.Unknown
			}
		}
		return c
	}
	length := int64(objectives[0].SliceWindow / time.Second)
	slicesOf := map[int64]map[int]slo.Counts{}
	for _, e := range o.events {
		k := floorDiv(e.second, length)
		if !own(e.member) || k*length < from || k*length >= to {
			continue
		}
		if slicesOf[k] == nil {
			slicesOf[k] = map[int]slo.Counts{}
		}
		c := slicesOf[k][e.member]
		slicesOf[k][e.member] = slo.Counts{Good: c.Good + e.counts.Good, Bad: c.Bad + e.counts.Bad, Unknown: c.Unknown + e.counts.Unknown}
	}
	var sum slo.Counts
	for k, members := range slicesOf {
		c := o.judged(k*length, o.slice(index, members))
		sum.Good, sum.Bad, sum.Unknown = sum.Good+c.Good, sum.Bad+c.Bad, sum.Unknown+c.Unknown
	}
	return sum
}

// slice is the verdict of one slice.
func (o *fullOracle) slice(index int, members map[int]slo.Counts) slo.Counts {
	const unit = 1_000_000_000
	counted, anyBad, anyUnknown := false, false, false
	var bad, unknown int64
	for member, c := range members {
		n := c.Good + c.Bad + c.Unknown
		if n == 0 {
			continue
		}
		counted = true
		objective := o.definition.Objectives[member]
		if o.definition.Method == slo.Timeslices {
			wanted, _ := new(big.Rat).SetString(objective.SliceTarget.String())
			switch {
			case big.NewRat(c.Good, n).Cmp(wanted) >= 0:
			case big.NewRat(c.Good+c.Unknown, n).Cmp(wanted) >= 0:
				anyUnknown = true
			default:
				anyBad = true
			}
			continue
		}
		part := func(x int64) int64 {
			return new(big.Int).Div(new(big.Int).Mul(big.NewInt(x), big.NewInt(unit)), big.NewInt(n)).Int64()
		}
		u := part(c.Unknown)
		b := unit - part(c.Good) - u
		if index == len(o.definition.Objectives) && objective.Weight != "" {
			weight, _ := new(big.Rat).SetString(string(objective.Weight))
			times := func(x int64) int64 {
				r := new(big.Rat).Mul(big.NewRat(x, 1), weight)
				return new(big.Int).Div(r.Num(), r.Denom()).Int64()
			}
			b, u = times(b), times(u)
		}
		bad, unknown = bad+b, unknown+u
	}
	switch {
	case !counted:
		return slo.Counts{}
	case o.definition.Method == slo.RatioTimeslices:
		bad = min(bad, unit)
		unknown = min(unknown, unit-bad)
		return slo.Counts{Good: unit - bad - unknown, Bad: bad, Unknown: unknown}
	case anyBad:
		return slo.Counts{Bad: 1}
	case anyUnknown:
		return slo.Counts{Unknown: 1}
	default:
		return slo.Counts{Good: 1}
	}
}

// judged is what counts of something that begins at a second.
func (o *fullOracle) judged(second int64, c slo.Counts) slo.Counts {
	in, as := false, slo.CountGood
	for _, e := range o.excluded {
		if second >= e.From.Unix() && second < e.To.Unix() {
			in = true
			if e.As == slo.Drop {
				as = slo.Drop
			}
		}
	}
	switch {
	case o.onlyThese && !in, in && as == slo.Drop && !o.onlyThese:
		return slo.Counts{}
	case in && !o.onlyThese:
		return slo.Counts{Good: c.Good + c.Bad + c.Unknown}
	default:
		return c
	}
}

// drawExcluded draws stretches that begin and end on whole minutes, one over the other.
func drawExcluded(t *rapid.T, now time.Time, before, after time.Duration) []slo.Excluded {
	var all []slo.Excluded
	for range rapid.IntRange(0, 6).Draw(t, "exclusions") {
		from := now.Add(time.Duration(rapid.Int64Range(int64(-before), int64(after)).Draw(t, "excluded from"))).Truncate(time.Minute)
		length := rapid.SampledFrom([]time.Duration{time.Minute, 7 * time.Minute, time.Hour, 150 * time.Minute, 30 * time.Hour}).Draw(t, "excluded for")
		all = append(all, slo.Excluded{
			Interval: slo.Interval{From: from, To: from.Add(length)},
			As:       rapid.SampledFrom([]slo.ExclusionKind{slo.Drop, slo.CountGood}).Draw(t, "excluded as"),
		})
	}
	return all
}

func missing(t slo.Target) *big.Rat {
	r, _ := new(big.Rat).SetString(t.String())
	return r.Sub(big.NewRat(1, 1), r)
}

// burn is the share of the budget over [base, end) that the bad events of
// [from, end) are.
func (o *fullOracle) burn(index int, target slo.Target, from, base, end int64) *big.Rat {
	share := func(index int, target slo.Target) *big.Rat {
		whole := o.sum(index, base, end)
		n := whole.Good + whole.Bad + whole.Unknown
		if n == 0 {
			return new(big.Rat)
		}
		r := big.NewRat(o.sum(index, from, end).Bad, n)
		return r.Quo(r, missing(target))
	}
	if index < len(o.definition.Objectives) || o.definition.Method != slo.Occurrences {
		return share(index, target)
	}
	sum := new(big.Rat)
	for i, objective := range o.definition.Objectives {
		weight := big.NewRat(1, 1)
		if objective.Weight != "" {
			weight.SetString(string(objective.Weight))
		}
		sum.Add(sum, weight.Mul(weight, share(i, objective.Target)))
	}
	return sum
}

// world is the objects under test, wired as the engine wires them.
type world struct {
	definition slo.SLO
	plans      []slo.Plan
	tracks     []*slo.Track
	slices     []*slo.Slices
	excluded   []slo.Excluded // as Excluding gives them
	reset      time.Time
}

func newWorld(definition slo.SLO) *world {
	w := &world{definition: definition}
	var histories []*slo.History
	for i := range definition.Evaluated() {
		w.plans = append(w.plans, slo.NewPlan(definition, i))
	}
	longest := w.plans[0].Longest()
	for range definition.Objectives {
		track := slo.NewTrack(longest)
		w.tracks, histories = append(w.tracks, track), append(histories, track.History)
	}
	for i := range definition.Evaluated() {
		own := histories
		if i < len(definition.Objectives) {
			own = histories[i : i+1]
		}
		derived := slo.NewSlices(definition, i, own, longest)
		w.slices = append(w.slices, derived)
		for k, track := range w.tracks {
			if derived != nil && (i == len(definition.Objectives) || k == i) {
				track.Derive(derived)
			}
		}
	}
	return w
}

// pin keeps the edges that plans need; false means that everything must be read anew.
func (w *world) pin(now time.Time) bool {
	whole := true
	for i, plan := range w.plans {
		edges := append(plan.Edges(now), slo.ExcludedEdges(w.excluded)...)
		if !w.reset.IsZero() {
			edges = append(edges, slo.ResetSlice(w.reset))
		}
		for _, edge := range edges {
			for _, track := range w.tracks {
				whole = track.Pin(edge) && whole
			}
			if w.slices[i] != nil {
				whole = w.slices[i].History().Pin(edge) && !w.slices[i].Lost() && whole
			}
		}
		whole = whole && (w.slices[i] == nil || !w.slices[i].Lost())
	}
	return whole
}

func (w *world) reading(i int, now time.Time, newest []time.Time, since time.Time) slo.Reading {
	r := slo.Reading{Now: now, Coverage: slo.Coverage{Since: since, Until: now}, Excluded: w.excluded, ResetAt: w.reset}
	counted := []slo.Interval{{From: since}}
	if i < len(w.definition.Objectives) {
		r.History, r.Series = w.tracks[i].History, slo.SeriesState{Watermark: newest[i], Counted: counted}
	} else {
		for k, track := range w.tracks {
			r.Members = append(r.Members, slo.Member{History: track.History, Series: slo.SeriesState{Watermark: newest[k], Counted: counted}})
		}
	}
	if w.slices[i] != nil {
		r.Events, r.History = r.History, w.slices[i].History()
	}
	return r
}

// drawDefinition draws an SLO of any kind.
func drawDefinition(t *rapid.T) slo.SLO {
	targetOf := func(name string) slo.Target {
		parsed, err := slo.ParseTarget(rapid.SampledFrom([]string{"0.5", "0.9", "0.99", "0.999", "0.99999"}).Draw(t, name), false)
		require.NoError(t, err)
		return parsed
	}
	const day = 24 * time.Hour
	d := slo.SLO{
		Name: "x", Method: rapid.SampledFrom([]slo.BudgetingMethod{slo.Occurrences, slo.Timeslices, slo.RatioTimeslices}).Draw(t, "method"),
		Window: rapid.SampledFrom([]slo.Window{
			{Duration: 7 * day},
			{Duration: 28 * day},
			{Duration: day, Calendar: slo.Calendar{Count: 1, Unit: 'd', Start: "2026-01-01 02:30", Zone: "Europe/Berlin"}},
			{Duration: 7 * day, Calendar: slo.Calendar{Count: 1, Unit: 'w', Start: "2026-01-05 09:15", Zone: "America/New_York"}},
			{Duration: 30 * day, Calendar: slo.Calendar{Count: 1, Unit: 'M', Start: "2026-01-31 00:00", Zone: "Asia/Kathmandu"}},
			{Duration: 90 * day, Calendar: slo.Calendar{Count: 1, Unit: 'Q', Start: "2026-01-01 00:00", Zone: "Australia/Lord_Howe"}},
		}).Draw(t, "window"),
	}
	window := rapid.SampledFrom([]time.Duration{time.Minute, 5 * time.Minute, 7 * time.Minute, time.Hour, 6 * time.Hour}).Draw(t, "slice window")
	members := rapid.IntRange(1, 3).Draw(t, "members")
	for i := range members {
		o := slo.Objective{Target: targetOf("target")}
		if d.Method != slo.Occurrences {
			o.SliceWindow, o.SliceTarget = window, targetOf("slice target")
		}
		if members > 1 {
			o.Indicator = &slo.Indicator{Total: slo.SpanSource{Service: string(rune('a' + i))}}
			o.Weight = rapid.SampledFrom([]slo.Decimal{"", "0.5", "1", "100"}).Draw(t, "weight")
		}
		d.Objectives = append(d.Objectives, o)
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "policies") {
		condition := slo.AlertCondition{
			Severity:  "page",
			Kind:      rapid.SampledFrom([]slo.ConditionKind{slo.BurnRate, slo.BudgetConsumed, slo.BudgetDrop, slo.TimeToExhaustion}).Draw(t, "kind"),
			Op:        rapid.SampledFrom([]slo.Operator{slo.LTE, slo.GTE, slo.LT, slo.GT}).Draw(t, "op"),
			Threshold: rapid.SampledFrom([]slo.Decimal{"0.5", "1", "2", "14.4", "72"}).Draw(t, "threshold"),
			LookBack:  rapid.SampledFrom([]time.Duration{5 * time.Minute, time.Hour, 6 * time.Hour, day, 3 * day}).Draw(t, "look-back"),
		}
		if condition.Kind == slo.BurnRate {
			condition.ShortLookBack = rapid.SampledFrom([]time.Duration{0, 5 * time.Minute, 30 * time.Minute}).Draw(t, "short")
		}
		d.Policies = append(d.Policies, slo.AlertPolicy{Name: string(rune('p' + i)), WhenBreaching: true, Condition: condition})
	}
	return d
}

// TestEverythingEqualsTheOracle drives objectives of every method, window and
// policy, alone and as composites, with late events and long pauses, and
// compares every figure and every verdict with the oracle: difference 0.
func TestEverythingEqualsTheOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, equalsTheOracle)
}

// FuzzEvaluate is the same, led by what code the input reaches.
func FuzzEvaluate(f *testing.F) { f.Fuzz(rapid.MakeFuzz(equalsTheOracle)) }

func equalsTheOracle(t *rapid.T) {
	definition := drawDefinition(t)
	w, o := newWorld(definition), &fullOracle{definition: definition, newest: make([]time.Time, len(definition.Objectives))}
	now := time.Unix(rapid.SampledFrom([]int64{1_771_000_000, 1_774_700_000, 1_792_850_000, 1_790_000_000}).Draw(t, "start")+
		rapid.Int64Range(0, 200_000).Draw(t, "offset"), 0).UTC()
	since := now.Add(-400 * 24 * time.Hour)
	o.excluded = drawExcluded(t, now, 70*time.Hour, 20*24*time.Hour)
	w.excluded = slo.Excluding(o.excluded, since, now.Add(200*24*time.Hour))
	statuses := make([]slo.ObjectiveStatus, len(w.plans)) // Written over again and again, as the engine does.
	for range rapid.IntRange(1, 25).Draw(t, "steps") {
		now = now.Add(rapid.SampledFrom([]time.Duration{
			time.Second, 10 * time.Second, time.Minute, 7 * time.Minute, time.Hour, 5 * time.Hour, 24 * time.Hour, 9 * 24 * time.Hour,
		}).Draw(t, "pass"))
		for range rapid.IntRange(0, 5).Draw(t, "events") {
			at := now.Add(-rapid.SampledFrom([]time.Duration{
				-9 * time.Minute, 0, time.Second, 30 * time.Second, 3 * time.Minute, 59 * time.Minute, 5 * time.Hour, 23 * time.Hour, 60 * time.Hour, 80 * time.Hour,
			}).Draw(t, "age"))
			e := oracleEvent{second: at.Unix(), member: rapid.IntRange(0, len(definition.Objectives)-1).Draw(t, "member"), counts: slo.Counts{
				Good: rapid.Int64Range(0, 2000).Draw(t, "good"), Bad: rapid.Int64Range(0, 20).Draw(t, "bad"), Unknown: rapid.Int64Range(0, 2).Draw(t, "unknown"),
			}}
			o.events = append(o.events, e)
			w.tracks[e.member].Add(slo.SliceOf(at), e.counts)
			if at.After(o.newest[e.member]) && !at.After(now) {
				o.newest[e.member] = at
			}
		}
		if rapid.IntRange(0, 20).Draw(t, "reset") == 0 {
			w.reset = now
			o.reset = floorDiv(now.Unix()+59, 60) * 60
		}
		if !w.pin(now) {
			w = w.again(t, o, now)
		}
		for i := range w.plans {
			reading := w.reading(i, now, o.newest, since)
			w.plans[i].EvaluateInto(&reading, &statuses[i])
			o.compare(t, i, statuses[i], now)
		}
	}
}

// again reads everything anew, as the engine does from the ledger.
func (w *world) again(t *rapid.T, o *fullOracle, now time.Time) *world {
	next := newWorld(w.definition)
	next.excluded, next.reset = w.excluded, w.reset
	require.True(t, next.pin(now), "an empty history takes every pin")
	sorted := slices.Clone(o.events)
	slices.SortStableFunc(sorted, func(a, b oracleEvent) int {
		return cmp.Or(cmp.Compare(a.member, b.member), cmp.Compare(a.second, b.second))
	})
	for _, e := range sorted {
		next.tracks[e.member].Add(slo.SliceOf(time.Unix(e.second, 0)), e.counts)
	}
	require.True(t, next.pin(now))
	return next
}

func (o *fullOracle) compare(t *rapid.T, index int, s slo.ObjectiveStatus, now time.Time) {
	var newest time.Time
	for i, at := range o.newest {
		if (index == i || index == len(o.newest)) && at.After(newest) {
			newest = at
		}
	}
	to := now
	if !newest.IsZero() && now.Sub(newest) <= 2*time.Minute {
		to = newest
	}
	require.Equal(t, to, s.To)
	end := o.end(to)
	from := floorDiv(to.Add(-o.definition.Window.Duration).Unix(), 3600) * 3600
	length := o.definition.Window.Duration
	if !o.definition.Window.Rolling() {
		begin, behind := o.period(to)
		from, length = begin.Unix(), behind.Sub(begin)
		require.Equal(t, behind, s.PeriodEnd)
	}
	begins := from
	from = max(from, o.reset)
	require.Equal(t, o.reset >= begins, !s.ResetAt.IsZero(), "also where a period begins at the same instant")
	lookBack := o.definition.Window.Duration
	if !o.definition.Window.Rolling() {
		lookBack = to.Sub(time.Unix(begins, 0))
	}
	require.Equal(t, lookBack, s.BurnRates[len(s.BurnRates)-1].Length)
	require.Equal(t, min(from, to.Unix()), s.From.Unix(), "the window begins where the oracle says")
	o.compareExcluded(t, index, s, from, end)
	require.Equal(t, o.sum(index, from, end), s.Counts, "counts of objective %d", index)
	for _, b := range s.BurnRates[:len(s.BurnRates)-1] {
		require.Equal(t, o.sum(index, o.lookBack(to, b.Length), end), b.Counts, "%s", b.Length)
	}
	spent := o.burn(index, s.Target, from, from, end)
	ratio, _ := spent.Float64()
	require.InDelta(t, ratio, s.Budget.SpentRatio, 1e-9*max(1, ratio))
	require.Equal(t, spent.Cmp(big.NewRat(1, 1)) >= 0, s.Budget.Exhausted, "exhausted at %s", spent.FloatString(12))
	if index < len(o.definition.Objectives) && len(o.definition.Objectives) > 1 {
		return
	}
	for i, policy := range o.definition.Policies {
		c, tier := policy.Condition, s.Tiers[i]
		over := func(lookBack time.Duration) bool { return o.over(index, s.Target, c, lookBack, to, from, end, length) }
		require.Equal(t, over(c.LookBack), tier.LongOver, "%s %s %s over %s", c.Kind, c.Op, c.Threshold, c.LookBack)
		require.Equal(t, over(cmp.Or(c.ShortLookBack, c.LookBack)), tier.ShortOver)
	}
}

// end is where counting ends at to: the open bucket counts, an open time slice not.
func (o *fullOracle) end(to time.Time) int64 {
	if o.definition.Method == slo.Occurrences {
		return (floorDiv(to.Unix(), 10) + 1) * 10
	}
	length := int64(o.definition.Objectives[0].SliceWindow / time.Second)
	return floorDiv(to.Unix(), length) * length
}

// compareExcluded compares what is said of what is left out.
func (o *fullOracle) compareExcluded(t *rapid.T, index int, s slo.ObjectiveStatus, from, end int64) {
	only, whole := *o, *o
	only.onlyThese, whole.excluded = true, nil
	require.Equal(t, only.sum(index, from, end), s.ExcludedCounts)
	if s.Without == nil {
		require.Empty(t, s.Excluded)
		return
	}
	require.Equal(t, whole.sum(index, from, end), s.Without.Counts)
	ratio, _ := whole.burn(index, s.Target, from, from, end).Float64()
	require.InDelta(t, ratio, s.Without.Budget.SpentRatio, 1e-9*max(1, ratio))
}

func (o *fullOracle) lookBack(to time.Time, length time.Duration) int64 {
	grid := int64(3600)
	if length <= 6*time.Hour {
		grid = 10
	} else if length <= 72*time.Hour {
		grid = 60
	}
	return floorDiv(to.Add(-length).Unix(), grid) * grid
}

func (o *fullOracle) over(index int, target slo.Target, c slo.AlertCondition, lookBack time.Duration, to time.Time, window, end int64, length time.Duration) bool {
	from := o.lookBack(to, lookBack)
	if c.Kind == slo.BudgetConsumed {
		from = window
	}
	held := o.sum(index, from, end)
	if c.Kind == slo.BudgetDrop && o.reset == window {
		from = max(from, window)
		held = o.sum(index, from, end)
	}
	if held.Good+held.Bad+held.Unknown == 0 {
		return false
	}
	measured := new(big.Rat)
	switch c.Kind {
	case slo.BurnRate:
		measured = o.burn(index, target, from, from, end)
	case slo.BudgetConsumed:
		measured = o.burn(index, target, window, window, end)
	case slo.BudgetDrop:
		measured = o.burn(index, target, from, window, end)
	case slo.TimeToExhaustion:
		rate, spent := o.burn(index, target, from, from, end), o.burn(index, target, window, window, end)
		left := spent.Sub(big.NewRat(1, 1), spent)
		switch {
		case left.Sign() <= 0:
		case rate.Sign() == 0:
			measured.SetInt64(1 << 60) // Never.
		default:
			measured.Quo(left.Mul(left, big.NewRat(int64(length), int64(time.Hour))), rate)
		}
	}
	order := measured.Cmp(c.Threshold.Rat())
	return map[slo.Operator]bool{slo.LTE: order <= 0, slo.GTE: order >= 0, slo.LT: order < 0, slo.GT: order > 0}[c.Op]
}
