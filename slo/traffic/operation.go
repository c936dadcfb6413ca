package traffic

import (
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// The two grids that traffic is kept on: minutes for an hour, ten minutes for
// a day, each with a step to spare for the one that has just begun.
const (
	fine, coarse           = time.Minute, 10 * time.Minute
	fineCells, coarseCells = 61, 145
	// maxSteps is how many parts a stretch is divided into at most.
	maxSteps = 36
)

// cell is what happened in one step of a grid.
type cell struct {
	// number counts the steps of the grid since 1970.
	number        int64
	spans, errors int64
	durations     histogram
}

// grid is a ring of the newest cells.
type grid struct {
	step  time.Duration
	size  int64
	cells []cell
}

// at is the cell of an instant (Unix nanoseconds), emptied if it held an older
// one; nil if the ring has gone on.
func (g *grid) at(ns int64) *cell {
	number := ns / int64(g.step)
	if g.cells == nil {
		g.cells = make([]cell, g.size)
	}
	c := &g.cells[number%g.size]
	switch {
	case c.number == number:
		return c
	case c.number > number:
		return nil
	}
	c.number, c.spans, c.errors = number, 0, 0
	clear(c.durations.counts)
	c.durations.counts = c.durations.counts[:0]
	return c
}

// operation is the traffic of one operation.
type operation struct {
	minutes, tens grid
	lastSeen      int64 // Unix nanoseconds
}

func newOperation() *operation {
	return &operation{minutes: grid{step: fine, size: fineCells}, tens: grid{step: coarse, size: coarseCells}}
}

func (o *operation) add(end int64, took time.Duration, failed bool) {
	bucket := bucketOf(took)
	for _, g := range []*grid{&o.minutes, &o.tens} {
		c := g.at(end)
		if c == nil {
			continue
		}
		c.spans++
		if failed {
			c.errors++
		}
		c.durations.add(bucket, 1)
	}
	o.lastSeen = max(o.lastSeen, end)
}

// sum gathers the traffic of operations over the time up to now.
type sum struct {
	slo.Traffic
	durations histogram
	step      time.Duration
	// each is how many cells make a part.
	each int64
}

// newSum prepares the sum of a stretch: full steps of the grid, of which the
// last has just begun, so that every part holds as many of them.
func newSum(operation slo.Operation, over time.Duration, now time.Time) *sum {
	step := fine
	if over > (fineCells-1)*fine {
		step = coarse
	}
	cells := max(1, int(over/step))
	each := (cells + maxSteps - 1) / maxSteps
	return &sum{
		Traffic: slo.Traffic{
			Operation: operation, From: now.Truncate(step).Add(-time.Duration(cells-1) * step).UTC(), To: now.UTC(),
			Steps: make([]slo.TrafficStep, (cells+each-1)/each),
		},
		step: step, each: int64(each),
	}
}

func (s *sum) add(o *operation) {
	g := &o.minutes
	if s.step == coarse {
		g = &o.tens
	}
	first, last := s.From.UnixNano()/int64(g.step), s.To.UnixNano()/int64(g.step)
	for i := range g.cells {
		c := &g.cells[i]
		if c.spans == 0 || c.number < first || c.number > last {
			continue
		}
		s.Spans += c.spans
		s.Errors += c.errors
		s.durations.merge(&c.durations)
		part := &s.Steps[(c.number-first)/s.each]
		part.Spans += c.spans
		part.Errors += c.errors
	}
	if seen := time.Unix(0, o.lastSeen).UTC(); o.lastSeen > 0 && seen.After(s.LastSeen) {
		s.LastSeen = seen
	}
}

func (s *sum) finish() slo.Traffic {
	s.P50, s.P95, s.P99 = s.durations.quantile(0.5), s.durations.quantile(0.95), s.durations.quantile(0.99)
	return s.Traffic
}
