package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// report compares the buckets of a recount with those of a snapshot: every
// one that either has.
func (a *Auditor) report(r *recount, snapshot slo.Snapshot, unknown []slo.SeriesID) Report {
	report := Report{
		Audit: slo.Audit{
			Shard: a.settings.Shard, At: a.settings.Now(), From: r.from, To: r.to,
			Cursor: snapshot.Cursor, Through: snapshot.Cursor.Offset, Spans: r.spans, SealedThrough: r.released,
		},
		Repeats: r.taken, Unknown: unknown,
	}
	compared := map[slo.SeriesID]bool{}
	for _, s := range r.series {
		compared[s.id] = true
	}
	// What is left of the recount at the end the ledger does not have.
	left := maps.Clone(r.cells)
	for id, buckets := range snapshot.Buckets {
		if slices.Contains(unknown, id) {
			continue
		}
		compared[id] = true
		for _, b := range buckets {
			if b.Slice < r.from || b.Slice >= r.to {
				continue
			}
			key := cell{series: id, slice: b.Slice}
			report.add(key, b.Counts, left[key])
			delete(left, key)
		}
	}
	for key, counts := range left {
		report.add(key, slo.Counts{}, counts)
	}
	report.Series = slices.Sorted(maps.Keys(compared))
	slices.SortFunc(report.Differences, func(x, y slo.Difference) int {
		return cmp.Or(cmp.Compare(x.Slice, y.Slice), strings.Compare(string(x.Series), string(y.Series)))
	})
	report.Differences = report.Differences[:min(len(report.Differences), slo.MaxDifferences)]
	return report
}

// add compares one bucket.
func (r *Report) add(key cell, ledger, recount slo.Counts) {
	r.Buckets++
	if ledger == recount {
		return
	}
	r.Differing++
	r.Differences = append(r.Differences, slo.Difference{Series: key.series, Slice: key.slice, Ledger: ledger, Recount: recount})
}

// describe says a difference in a line.
func describe(d slo.Difference) string {
	return fmt.Sprintf("series %s at %s: ledger %s, recount %s", d.Series, d.Slice.Start().Format(time.RFC3339), words(d.Ledger), words(d.Recount))
}

func words(c slo.Counts) string {
	return fmt.Sprintf("%d good, %d bad, %d unknown", c.Good, c.Bad, c.Unknown)
}
