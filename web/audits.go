package web

import (
	"context"
	"slices"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/view"
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
	if verdict.Verdict == slo.NotAudited || b.RevisedAt.After(verdict.At) {
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

// sum counts the verdicts of all slices.
func (v verdicts) sum() view.Compared {
	var out view.Compared
	for _, i := range v.newest {
		switch verdict := v.list[i]; verdict.Verdict {
		case slo.AuditEqual:
			out.Equal++
		case slo.AuditDiffers:
			out.Differing++
		case slo.NotAudited:
			continue
		}
		if at := v.list[i].At; at.After(out.At) {
			out.At = at
		}
	}
	return out
}
