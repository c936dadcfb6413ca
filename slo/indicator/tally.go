package indicator

import (
	"cmp"
	"math"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/slowburn-slo/slowburn/slo"
)

// Limits are how far the end of a span may lie from the arrival of its record.
type Limits struct {
	// Late is the lateness bound; 0 means 24 hours.
	Late time.Duration
	// Future allows for clocks that run ahead; 0 means 10 minutes.
	Future time.Duration
}

// reason is a reason for refusal, by number.
type reason int

const (
	accepted reason = iota
	noEndTime
	late
	future
	reasons // how many there are
)

func (r reason) String() string {
	return [reasons]string{"accepted", slo.RefusedNoEndTime, slo.RefusedLate, slo.RefusedFuture}[r]
}

// eventTime is when a span ended, in Unix nanoseconds, or why it is refused at
// that arrival. Ends exactly on a limit are accepted.
func (l Limits) eventTime(end pcommon.Timestamp, arrival int64) (int64, reason) {
	if end == 0 {
		return 0, noEndTime
	}
	if end > math.MaxInt64 {
		return 0, future
	}
	at := int64(end)
	switch {
	case at > arrival+int64(l.Future):
		return 0, future
	case at < arrival-int64(l.Late):
		return 0, late
	default:
		return at, accepted
	}
}

// Tally gathers what judging counted until it is drained into a commit. It is
// not safe for concurrent use.
type Tally struct {
	limits   Limits
	services *roster
	refused  [reasons]int64
	// repeats and conflicts are the spans that were seen before.
	repeats, conflicts int64

	// counted has an entry for each series of the bound set, and of those
	// before it from which buckets are left; cells are the buckets of all.
	counted  []counted
	bySeries map[slo.SeriesID]int
	cells    []cell
	byCell   map[cellKey]int

	// set is the one judged with last, slots the place in counted of each of
	// its series, memo the answers of its conditions, numbers those of its
	// expressions.
	set     *Set
	slots   []int
	memo    []memo
	numbers []numberMemo
	span    uint64 // counts spans, so that the memos need no wiping
}

type counted struct {
	id     slo.SeriesID
	newest int64 // Unix nanoseconds, 0 if nothing was counted
	// slice and cell are the bucket counted in last: spans arrive in bursts
	// of the same time, so that the map is seldom asked.
	slice slo.Slice
	cell  int
}

type cellKey struct {
	slot  int
	slice slo.Slice
}

type cell struct {
	cellKey
	counts slo.Counts
	slo.Corrections
}

type memo struct {
	span   uint64
	answer answer
}

type numberMemo struct {
	span   uint64
	number number
}

// NewTally returns an empty tally.
func NewTally(limits Limits) *Tally {
	return &Tally{
		limits:   Limits{Late: cmp.Or(limits.Late, 24*time.Hour), Future: cmp.Or(limits.Future, 10*time.Minute)},
		services: newRoster(),
		bySeries: map[slo.SeriesID]int{},
		byCell:   map[cellKey]int{},
	}
}

// bind makes the tally ready to count for a set. What was counted for another
// set remains: a series of both goes on in the same buckets.
func (t *Tally) bind(s *Set) {
	if t.set == s {
		return
	}
	if len(t.cells) == 0 { // Forget the series that came and went.
		t.counted = t.counted[:0]
		clear(t.bySeries)
	}
	t.set = s
	t.slots = make([]int, len(s.series))
	t.memo = make([]memo, len(s.conditions))
	t.numbers = make([]numberMemo, len(s.expressions))
	for place := range s.series {
		id := s.series[place].id
		slot, ok := t.bySeries[id]
		if !ok {
			slot = len(t.counted)
			t.counted = append(t.counted, counted{id: id, cell: -1})
			t.bySeries[id] = slot
		}
		t.slots[place] = slot
	}
}

func (t *Tally) newSpan() { t.span++ }

func (t *Tally) recall(condition int) (answer, bool) {
	m := t.memo[condition]
	return m.answer, m.span == t.span
}

func (t *Tally) remember(condition int, a answer) {
	t.memo[condition] = memo{span: t.span, answer: a}
}

// count returns the bucket of a series to add to, and notes the event time
// (Unix nanoseconds). It is valid until the next call.
func (t *Tally) count(place int, slice slo.Slice, at int64) *cell {
	c := &t.counted[t.slots[place]]
	c.newest = max(c.newest, at)
	return t.cellOf(place, slice)
}

// cellOf is count for what is no event.
func (t *Tally) cellOf(place int, slice slo.Slice) *cell {
	slot := t.slots[place]
	c := &t.counted[slot]
	if c.cell < 0 || c.slice != slice {
		c.slice, c.cell = slice, t.cell(cellKey{slot: slot, slice: slice})
	}
	return &t.cells[c.cell]
}

func (t *Tally) cell(key cellKey) int {
	place, ok := t.byCell[key]
	if !ok {
		place = len(t.cells)
		t.cells = append(t.cells, cell{cellKey: key})
		t.byCell[key] = place
	}
	return place
}

// Pending is the number of rows that Drain would give: buckets, services and
// reasons of refusal. 0 means that there is nothing to commit.
func (t *Tally) Pending() int {
	n := len(t.cells) + t.services.pending()
	for _, spans := range t.refused {
		if spans > 0 {
			n++
		}
	}
	if t.repeats > 0 || t.conflicts > 0 {
		n++
	}
	return n
}

// Drain moves what was counted into the deltas, watermarks, refusals and
// services of a commit and leaves the tally empty. Refusals are added to those
// that the commit has. Deltas are sorted by series and slice, services by name.
//
// A watermark is the newest event time counted, at most the arrival: a clock
// that runs ahead must not move a window into the future.
func (t *Tally) Drain(c *slo.Commit) {
	if len(t.cells) > 0 {
		t.drainCells(c)
	}
	for r, spans := range t.refused {
		if spans > 0 {
			if c.Refused == nil {
				c.Refused = map[string]int64{}
			}
			c.Refused[reason(r).String()] += spans
		}
	}
	t.refused = [reasons]int64{}
	c.Repeats, c.Conflicts = c.Repeats+t.repeats, c.Conflicts+t.conflicts
	t.repeats, t.conflicts = 0, 0
	c.Services = t.services.drain()
}

func (t *Tally) drainCells(c *slo.Commit) {
	c.Deltas = make([]slo.Delta, 0, len(t.cells))
	c.Watermarks = map[slo.SeriesID]time.Time{}
	for _, cell := range t.cells {
		from := &t.counted[cell.slot]
		c.Deltas = append(c.Deltas, slo.Delta{Series: from.id, Slice: cell.slice, Counts: cell.counts, Corrections: cell.Corrections})
		if from.newest != 0 {
			c.Watermarks[from.id] = time.Unix(0, from.newest).UTC()
			from.newest = 0
		}
		from.cell = -1
	}
	slices.SortFunc(c.Deltas, func(a, b slo.Delta) int {
		return cmp.Or(cmp.Compare(a.Series, b.Series), cmp.Compare(a.Slice, b.Slice))
	})
	t.cells = t.cells[:0]
	clear(t.byCell)
}
