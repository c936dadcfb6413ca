package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxBucketRange is the longest range of one answer: 267 840 rows at most.
const maxBucketRange = 31 * 24 * time.Hour

// bucketsJSON is what an objective counted, slice by slice, or minute by minute
// where that is all that is kept. From and to are those asked for, widened to
// whole slices; slices without events have no row.
type bucketsJSON struct {
	SLO       string       `json:"slo"`
	Objective int          `json:"objective"`
	Series    slo.SeriesID `json:"series"`
	// Revision is the newest that counted by the series, Until when the next
	// came into force; null for the one of now.
	Revision int     `json:"revision"`
	Until    instant `json:"until"`
	// Revisions are the series that the budget is spliced of, newest first.
	Revisions []seriesRevisionJSON `json:"revisions"`
	From      instant              `json:"from"`
	To        instant              `json:"to"`
	// CountedSince is from when on every accepted event was counted; null if
	// that is not known.
	CountedSince instant `json:"counted_since"`
	// Recount is null if there was none since the start.
	Recount *recountJSON `json:"recount"`
	// Refused counts the items that arrived in the range, of whatever series,
	// and were refused, by reason; null if that is not kept.
	Refused map[string]int64 `json:"refused"`
	// Audit is the newest audit of all, null if there was none.
	Audit   *auditJSON   `json:"audit"`
	Buckets []bucketJSON `json:"buckets"`
}

// seriesRevisionJSON is a series of the objective: events before Until are of it,
// but for those that are of the one behind it.
type seriesRevisionJSON struct {
	Revision int          `json:"revision"`
	Series   slo.SeriesID `json:"series"`
	Until    instant      `json:"until"`
}

type bucketJSON struct {
	Start instant `json:"start"`
	End   instant `json:"end"`
	countsJSON
	// Late are those of the events that arrived more than two minutes after the
	// end of the slice. Repeats and conflicts were not counted: they had been
	// seen before, with the same or with other content.
	Late      int64 `json:"late"`
	Repeats   int64 `json:"repeats"`
	Conflicts int64 `json:"conflicts"`
	// Revisions is how often the slice was corrected after it had ended,
	// RevisedAt when last; null if never.
	Revisions int64            `json:"revisions"`
	RevisedAt instant          `json:"revised_at"`
	Audit     sliceVerdictJSON `json:"audit"`
}

func (s *Server) getBuckets(c *gin.Context) {
	out, err := s.buckets(c.Request, c.Param("name"))
	if err != nil {
		s.fail(c.Writer, c.Request, err)
		return
	}
	s.answer(c, http.StatusOK, out)
}

func (s *Server) buckets(r *http.Request, name string) (bucketsJSON, error) {
	if err := knownQuery(r, "objective", "revision", "from", "to"); err != nil {
		return bucketsJSON{}, err
	}
	status, err := s.settings.Statuses.Status(name)
	if err != nil {
		return bucketsJSON{}, err
	}
	objective, err := objectiveOf(status, r.URL.Query().Get("objective"))
	if err != nil {
		return bucketsJSON{}, err
	}
	if objective.Composite {
		return bucketsJSON{}, refuse(http.StatusBadRequest, "objective %d is the composite of all others and has no buckets of its own: ask for those of a member", objective.Index)
	}
	from, to, err := rangeOf(r.URL.Query(), objective)
	if err != nil {
		return bucketsJSON{}, err
	}
	revisions := status.Definition.SeriesRevisions(objective.Index)
	one, err := revisionOf(revisions, r.URL.Query().Get("revision"))
	if err != nil {
		return bucketsJSON{}, err
	}
	series := one.Series
	buckets, err := s.settings.Ledger.Buckets(r.Context(), series, from, to)
	if err != nil {
		return bucketsJSON{}, err
	}
	out := bucketsJSON{
		SLO: name, Objective: objective.Index, Series: series, From: instant(from.Start()), To: instant(to.Start()),
		Revision: one.Revision, Until: instant(one.Until), Buckets: make([]bucketJSON, len(buckets)),
	}
	if one.Until.IsZero() {
		out.CountedSince, out.Recount = instant(objective.CountedSince), s.recountOf(name)
	}
	for _, each := range revisions {
		out.Revisions = append(out.Revisions, seriesRevisionJSON{Revision: each.Revision, Series: each.Series, Until: instant(each.Until)})
	}
	verdicts, err := s.verdicts(r.Context(), series, from, to)
	if err != nil {
		return bucketsJSON{}, err
	}
	for i, b := range buckets {
		out.Buckets[i] = newBucket(b, verdicts.of(b))
	}
	if out.Audit, err = s.newestAudit(r.Context()); err != nil {
		return bucketsJSON{}, err
	}
	if s.settings.RefusedArrivals != nil {
		out.Refused, err = s.settings.RefusedArrivals.RefusedBetween(r.Context(), from.Start(), to.Start())
	}
	return out, err
}

func newBucket(b slo.Bucket, verdict slo.SliceVerdict) bucketJSON {
	return bucketJSON{
		Start: instant(b.Slice.Start()), End: instant(b.End()), countsJSON: newCounts(b.Counts),
		Late: b.Late, Repeats: b.Repeats, Conflicts: b.Conflicts, Revisions: b.Revisions, RevisedAt: instant(b.RevisedAt),
		Audit: sliceVerdictJSON{Verdict: verdict.Verdict, At: instant(verdict.At)},
	}
}

// revisionOf finds the series of a revision, that of now if none is given.
func revisionOf(revisions []slo.SeriesRevision, text string) (slo.SeriesRevision, error) {
	if text == "" {
		return revisions[0], nil
	}
	known := make([]string, len(revisions))
	for i, one := range revisions {
		if known[i] = strconv.Itoa(one.Revision); known[i] == text {
			return one, nil
		}
	}
	return slo.SeriesRevision{}, refuse(http.StatusBadRequest,
		"revision %q is not one up to which the objective counted by a series of its own: those are %s", text, strings.Join(known, ", "))
}

// objectiveOf finds the objective by its index, the first if none is given.
func objectiveOf(status slo.Status, text string) (slo.ObjectiveStatus, error) {
	if text == "" {
		text = "0"
	}
	i, err := strconv.Atoi(text)
	if err != nil || i < 0 || i >= len(status.Objectives) {
		return slo.ObjectiveStatus{}, refuse(http.StatusBadRequest,
			"objective %q is not an index from 0 to %d", text, len(status.Objectives)-1)
	}
	return status.Objectives[i], nil
}

// rangeOf reads the slices [from, to) asked for. Without to they end with the
// objective's window, the open slice included; without from they begin with
// it, or as late as the longest range needs.
func rangeOf(query url.Values, o slo.ObjectiveStatus) (from, to slo.Slice, err error) {
	end, begin := o.To, o.From
	if text := query.Get("to"); text != "" {
		if end, err = instantOf("to", text); err != nil {
			return 0, 0, err
		}
		to = slo.SliceOf(end)
		if to.Start().Before(end) {
			to++
		}
	} else {
		to = slo.SliceOf(end) + 1
	}
	if text := query.Get("from"); text != "" {
		if begin, err = instantOf("from", text); err != nil {
			return 0, 0, err
		}
	} else if earliest := to.Start().Add(-maxBucketRange); begin.Before(earliest) {
		begin = earliest
	}
	from = slo.SliceOf(begin)
	if from >= to {
		return 0, 0, refuse(http.StatusBadRequest, "from %s is not before to %s",
			begin.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339))
	}
	if to.Start().Sub(from.Start()) > maxBucketRange {
		return 0, 0, refuse(http.StatusBadRequest, "from and to are more than %s apart: ask for less at a time",
			slo.FormatDuration(maxBucketRange))
	}
	return from, to, nil
}

// lastYear keeps widened ranges within the years that RFC 3339 can write.
const lastYear = 9998

// instantOf reads RFC 3339 or whole seconds since 1970, up to the year 9998.
func instantOf(name, text string) (time.Time, error) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		if t := time.Unix(seconds, 0); seconds >= 0 && t.UTC().Year() <= lastYear {
			return t, nil
		}
	} else if t, err := time.Parse(time.RFC3339, text); err == nil && t.Unix() >= 0 && t.UTC().Year() <= lastYear {
		return t, nil
	}
	return time.Time{}, refuse(http.StatusBadRequest,
		"%s %q is neither an RFC 3339 time, as in 2026-01-02T15:04:05Z, nor seconds since 1970", name, text)
}
