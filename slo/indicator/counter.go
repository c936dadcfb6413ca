package indicator

import "github.com/slowburn-slo/slowburn/slo"

// Counter judges records in their order against the set in force: a compiler,
// the set that it made last and a tally. It is not safe for concurrent use.
type Counter struct {
	compiler *Compiler
	set      *Set
	tally    *Tally
}

// NewCounter returns a counter with an empty set.
func NewCounter(c *Compiler, limits Limits) *Counter {
	return &Counter{compiler: c, set: &Set{}, tally: NewTally(limits)}
}

// Use judges the records from here on against a set. The set is in force even
// if there is an error, which names the series that can only count unknown
// events (see Compiler.Compile).
func (c *Counter) Use(set []slo.Series) error {
	compiled, err := c.compiler.Compile(set)
	c.set = compiled
	return err
}

// Judge counts the spans of a record (see Set.Judge).
func (c *Counter) Judge(r slo.Record) error { return c.set.Judge(r, c.tally) }

// Pending is the number of rows that wait to be drained (see Tally.Pending).
func (c *Counter) Pending() int { return c.tally.Pending() }

// Drain moves what was counted into a commit (see Tally.Drain).
func (c *Counter) Drain(commit *slo.Commit) { c.tally.Drain(commit) }
