package ledger

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxRefusals bounds the entries of one commit: names come from outside.
const maxRefusals = 1000

// refused adds what a refusals record says.
func (s *session) refused(r slo.Record) error {
	list, err := slo.DecodeRefusals(r.Payload)
	if err != nil {
		return fmt.Errorf("read the refusals of record %d of shard %q: %w", r.Offset, s.settings.Shard, err)
	}
	for _, refusal := range list {
		s.note(refusal)
	}
	return nil
}

// note counts a refusal in the commit.
func (s *session) note(r slo.Refusal) {
	if s.commit.Refused == nil {
		s.commit.Refused = map[string]int64{}
	}
	s.commit.Refused[r.Reason] += r.Items
	if s.refusals == nil {
		s.refusals = map[slo.Refusal]int64{}
	}
	key := slo.Refusal{Signal: r.Signal, Reason: r.Reason, Service: r.Service}
	if _, known := s.refusals[key]; !known && len(s.refusals) >= maxRefusals {
		key.Service = slo.OtherNames
	}
	s.refusals[key] += r.Items
}

// listRefusals are the refusals of the commit in order, those of the judge
// included, which has no names for them.
func (s *session) listRefusals() []slo.Refusal {
	noted := map[string]int64{}
	var list []slo.Refusal
	for r, items := range s.refusals {
		r.Items = items
		list = append(list, r)
		noted[r.Reason] += items
	}
	for reason, items := range s.commit.Refused {
		if judged := items - noted[reason]; judged > 0 {
			list = append(list, slo.Refusal{Signal: "traces", Reason: reason, Items: judged})
		}
	}
	slices.SortFunc(list, func(a, b slo.Refusal) int {
		return cmp.Or(cmp.Compare(a.Signal, b.Signal), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Service, b.Service))
	})
	return sumRefusals(list)
}

// sumRefusals joins neighbours that differ only in their number.
func sumRefusals(sorted []slo.Refusal) []slo.Refusal {
	joined := sorted[:0]
	for _, r := range sorted {
		if n := len(joined); n > 0 && joined[n-1].Signal == r.Signal && joined[n-1].Reason == r.Reason && joined[n-1].Service == r.Service {
			joined[n-1].Items += r.Items
			continue
		}
		joined = append(joined, r)
	}
	return joined
}
