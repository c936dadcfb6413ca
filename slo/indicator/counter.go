package indicator

import (
	"errors"
	"fmt"

	"github.com/slowburn-slo/slowburn/slo"
)

// Memory is what a Counter remembers of the items seen within the
// deduplication horizon.
type Memory interface {
	Sightings
	// Rewind forgets what was seen after a record, and returns the record after
	// which the journal must be sighted again to know all up to there.
	Rewind(to slo.Offset) (slo.Offset, error)
	// Settle says that no Rewind will go before this record.
	Settle(offset slo.Offset) error
}

// Counter judges records in their order against the set in force: a compiler,
// the set that it made last, a tally, and what was seen before. It is not safe
// for concurrent use.
type Counter struct {
	compiler *Compiler
	set      *Set
	tally    *Tally
	memory   Memory
	observer *observer // nil without a memory
}

// NewCounter returns a counter with an empty set. Without a memory (nil) every
// span counts as seen for the first time.
func NewCounter(c *Compiler, limits Limits, memory Memory) *Counter {
	counter := &Counter{compiler: c, set: &Set{}, tally: NewTally(limits), memory: memory}
	if memory != nil {
		counter.observer = &observer{sightings: memory}
	}
	return counter
}

// Use judges the records from here on against a set. The set is in force even
// if there is an error, which names the series that can only count unknown
// events (see Compiler.Compile).
func (c *Counter) Use(set []slo.Series) error {
	compiled, err := c.compiler.Compile(set)
	c.set = compiled
	return err
}

// Judge counts the spans of a record (see Set.Judge) that were not seen before.
// After slo.ErrUnjudged the counter MUST be drained and resumed.
func (c *Counter) Judge(r slo.Record) error { return c.set.judge(r, c.tally, c.witness(), nil) }

// witness is the observer, or no interface at all.
func (c *Counter) witness() witness {
	if c.observer == nil {
		return nil
	}
	return c.observer
}

// Resume forgets what was judged after a record, and returns the record after
// which Sight must be given the journal again, up to that one.
func (c *Counter) Resume(after slo.Offset) (slo.Offset, error) {
	c.tally.Drain(&slo.Commit{})
	if c.memory == nil {
		return after, nil
	}
	from, err := c.memory.Rewind(after)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", slo.ErrUnjudged, err)
	}
	return from, nil
}

// Sight notes the spans of a record that was counted before. One that cannot
// be decoded holds none.
func (c *Counter) Sight(r slo.Record) error {
	if c.memory == nil {
		return nil
	}
	nothing := NewTally(c.tally.limits)
	if err := (&Set{}).judge(r, nothing, c.observer, nil); errors.Is(err, slo.ErrUnjudged) {
		return err
	}
	return nil
}

// Settle says that what was judged up to a record is committed.
func (c *Counter) Settle(offset slo.Offset) error {
	if c.memory == nil {
		return nil
	}
	if err := c.memory.Settle(offset); err != nil {
		return fmt.Errorf("%w: %w", slo.ErrUnjudged, err)
	}
	return nil
}

// Pending is the number of rows that wait to be drained (see Tally.Pending).
func (c *Counter) Pending() int { return c.tally.Pending() }

// Drain moves what was counted into a commit (see Tally.Drain).
func (c *Counter) Drain(commit *slo.Commit) { c.tally.Drain(commit) }
