package view

import (
	"slices"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxDifferences is how many differences the settings list.
const maxDifferences = 20

// AuditReport is what the audits found.
type AuditReport struct {
	// At is when the newest read the ledger; Slices were compared by it, by
	// reading Spans again.
	At            Moment
	Slices, Spans string
	// Differing is how many slices differ and have not been found equal since,
	// with their noun; empty for none.
	Differing   string
	Differences []DifferenceRow
	// More is how many of them are not listed, empty for none.
	More string
	// Unknown reports that the store did not answer; the rest is as it was then.
	Unknown bool
}

// DifferenceRow is one slice that was counted otherwise.
type DifferenceRow struct {
	// Name is an SLO that rests on it, or the series if none does any more; Link
	// is empty then.
	Name, Link string
	// Slice is when the slice begins, FoundAt when the audit read it.
	Slice, FoundAt Moment
	// Shown is what the ledger has, Again what the journal gave.
	Shown, Again string
}

// NewAuditReport describes audits, the newest first. The statuses are those in
// force, to name what differs.
func NewAuditReport(base Base, audits []slo.Audit, statuses []slo.Status) AuditReport {
	report := AuditReport{At: Moment{Text: "never", Ago: "never"}, Slices: Count(0), Spans: Count(0)}
	if len(audits) > 0 {
		newest := audits[0]
		report.At, report.Slices, report.Spans = NewMoment(newest.At, base.Now), Count(newest.Buckets), Count(newest.Spans)
	}
	var differing int64
	for _, a := range Unsettled(audits) {
		differing += a.Differing
		for _, d := range a.Differences[:min(len(a.Differences), maxDifferences-len(report.Differences))] {
			row := DifferenceRow{
				Name: string(d.Series), Slice: NewMoment(d.Slice.Start(), base.Now), FoundAt: NewMoment(a.At, base.Now),
				Shown: countsText(d.Ledger), Again: countsText(d.Recount),
			}
			if name, found := restingOn(d.Series, statuses); found {
				row.Name, row.Link = name, sloLink(name, 0)
			}
			report.Differences = append(report.Differences, row)
		}
	}
	if differing > 0 {
		report.Differing = plural(differing, "slice")
	}
	if more := differing - int64(len(report.Differences)); more > 0 {
		report.More = Count(more)
	}
	return report
}

// restingOn is the first SLO that counts a series.
func restingOn(series slo.SeriesID, statuses []slo.Status) (string, bool) {
	for i := range statuses {
		counted := statuses[i].Definition.SLO.Series()
		if slices.ContainsFunc(counted, func(s slo.Series) bool { return s.ID == series }) {
			return statuses[i].Definition.SLO.Name, true
		}
	}
	return "", false
}

func countsText(c slo.Counts) string {
	text := Count(c.Good) + " good, " + Count(c.Bad) + " bad"
	if c.Unknown > 0 {
		text += ", " + Count(c.Unknown) + " unknown"
	}
	return text
}

// Unsettled are those of the audits that found a difference which no newer one
// of the same slices has found gone, the newest first.
func Unsettled(audits []slo.Audit) []slo.Audit {
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
