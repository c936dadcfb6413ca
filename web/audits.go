package web

import (
	"context"
	"slices"

	"github.com/slowburn-slo/slowburn/slo"
)

// auditJSON sums up one audit: when the ledger was read, how many slices were
// compared, and how many of them differ from the journal.
type auditJSON struct {
	At          instant `json:"at"`
	From        instant `json:"from"`
	To          instant `json:"to"`
	Slices      int64   `json:"slices"`
	Differences int64   `json:"differences"`
}

// sliceVerdictJSON is what the audits say of one slice. At is null if none does.
type sliceVerdictJSON struct {
	Verdict slo.AuditVerdict `json:"verdict"`
	At      instant          `json:"at"`
}

// verdicts are what audits say of some slices, beginning with the first.
type verdicts struct {
	first slo.Slice
	list  []slo.SliceVerdict
	// newest is the place in the list of the newest verdict of each slice, 0 for
	// none: the list begins with one that says so.
	newest []int32
}

// newVerdicts lays the verdicts over the slices [from, to), the newest on top.
func newVerdicts(list []slo.SliceVerdict, from, to slo.Slice) verdicts {
	none := slo.SliceVerdict{Verdict: slo.NotAudited}
	v := verdicts{first: from, list: append([]slo.SliceVerdict{none}, list...), newest: make([]int32, max(to-from, 0))}
	slices.SortStableFunc(v.list[1:], func(a, b slo.SliceVerdict) int { return a.At.Compare(b.At) })
	for i, verdict := range v.list[1:] {
		for s := max(verdict.From, from); s < min(verdict.To, to); s++ {
			v.newest[s-from] = int32(i + 1)
		}
	}
	return v
}

// of is what they say of a bucket as it is now: one that was corrected since
// is not audited.
func (v verdicts) of(b slo.Bucket) slo.SliceVerdict {
	i := int(b.Slice - v.first)
	if i < 0 || i >= len(v.newest) {
		return v.list[0]
	}
	verdict := v.list[v.newest[i]]
	if b.RevisedAt.After(verdict.At) {
		return v.list[0]
	}
	return verdict
}

// verdicts asks for those of the slices [from, to); none while nothing audits.
func (s *Server) verdicts(ctx context.Context, series slo.SeriesID, from, to slo.Slice) (verdicts, error) {
	if s.settings.Audits == nil {
		return newVerdicts(nil, 0, 0), nil
	}
	list, err := s.settings.Audits.AuditVerdicts(ctx, series, from, to)
	return newVerdicts(list, from, to), err
}

// newestAudit is nil if there was none.
func (s *Server) newestAudit(ctx context.Context) (*auditJSON, error) {
	if s.settings.Audits == nil {
		return nil, nil //nolint:nilnil // Null in the answer is what it means.
	}
	audits, err := s.settings.Audits.LatestAudits(ctx, 1)
	if err != nil || len(audits) == 0 {
		return nil, err
	}
	a := audits[0]
	return &auditJSON{
		At: instant(a.At), From: instant(a.From.Start()), To: instant(a.To.Start()), Slices: a.Buckets, Differences: a.Differing,
	}, nil
}

// unsettled are those of the audits that found a difference which no newer one
// of the same slices has found gone, the newest first.
func unsettled(audits []slo.Audit) []slo.Audit {
	newestFirst := slices.Clone(audits)
	slices.SortStableFunc(newestFirst, func(a, b slo.Audit) int { return b.At.Compare(a.At) })
	var open []slo.Audit
	for i, a := range newestFirst {
		settled := slices.ContainsFunc(newestFirst[:i], func(newer slo.Audit) bool { return comparedAgain(newer, a) })
		if a.Differing > 0 && !settled {
			open = append(open, a)
		}
	}
	return open
}

// comparedAgain reports whether an audit compared all that differed in one
// before it. What it finds different itself stands in its own list.
func comparedAgain(newer, older slo.Audit) bool {
	if newer.Shard != older.Shard {
		return false
	}
	if older.Differing > int64(len(older.Differences)) { // Not all of them are kept.
		return newer.From <= older.From && newer.To >= older.To
	}
	for _, d := range older.Differences {
		if d.Slice < newer.From || d.Slice >= newer.To || !slices.Contains(newer.Series, d.Series) {
			return false
		}
	}
	return true
}
