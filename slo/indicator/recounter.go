package indicator

import "github.com/slowburn-slo/slowburn/slo"

// Recounter judges records of the past against a set, and repeats what was said
// then of the items seen before.
type Recounter struct {
	set   *Set
	tally *Tally
	known recalled
}

// Recounter compiles a set for a recount. Series that cannot be judged count
// unknown events, as they do live.
func (c *Compiler) Recounter(set []slo.Series, limits Limits, repeats []slo.RepeatedItem) *Recounter {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := newBuilder(c, len(set))
	for _, series := range set {
		b.add(series)
	}
	return &Recounter{set: b.finish(), tally: NewTally(limits), known: recalled{repeats: repeats}}
}

// Judge counts a record; they come in their order.
func (r *Recounter) Judge(record slo.Record) error {
	return r.set.judge(record, r.tally, &r.known, nil)
}

// Drain moves the buckets and watermarks that were counted into a commit, and
// returns how many spans were judged. What does not depend on the set was
// counted when the records came.
func (r *Recounter) Drain(commit *slo.Commit) int64 {
	var all slo.Commit
	r.tally.Drain(&all)
	commit.Deltas, commit.Watermarks = all.Deltas, all.Watermarks
	spans := all.Repeats + all.Conflicts
	for _, service := range all.Services {
		spans += service.Spans
	}
	return spans
}
