package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

func TestBucketsAreRows(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning())
	source.List[0].Objectives[0].CountedSince = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	first := slo.SliceOf(webtest.Now().Add(-time.Minute))
	source.Rows = []slo.Bucket{
		{Slice: first, Counts: slo.Counts{Good: 97, Bad: 2, Unknown: 1}},
		{Slice: first + 3, Counts: slo.Counts{Good: 1}},
	}
	w := get(serve(t, source), "/api/v1/slos/payment-works/buckets?objective=0&from=2026-03-14T15:08:21Z&to=2026-03-14T15:08:41Z")
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	series := source.List[0].Definition.SLO.Indicator.Series().ID
	require.JSONEq(t, `{"slo":"payment-works","objective":0,"series":"`+string(series)+`",
		"revision":`+strconv.Itoa(source.List[0].Definition.Revision)+`,"until":null,
		"revisions":[{"revision":`+strconv.Itoa(source.List[0].Definition.Revision)+`,"series":"`+string(series)+`","until":null}],
		"from":"2026-03-14T15:08:20Z","to":"2026-03-14T15:08:50Z",
		"counted_since":"2026-03-01T00:00:00Z","recount":null,"refused":null,"audit":null,
		"buckets":[{"start":"2026-03-14T15:08:20Z","end":"2026-03-14T15:08:30Z","good":97,"bad":2,"unknown":1,"total":100,
			"late":0,"repeats":0,"conflicts":0,"revisions":0,"revised_at":null,"audit":{"verdict":"not audited","at":null}}]}`, w.Body.String())
}

func TestBucketsOfBeforeAnEdit(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning())
	d := &source.List[0].Definition
	before := d.SLO
	before.Indicator.Total.Service = "payment-old"
	d.Revision = 5
	d.Earlier = []slo.EarlierRevision{{Revision: 3, Until: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC), SLO: before}}
	handler := serve(t, source)
	type answer struct {
		Series       slo.SeriesID
		Revision     int
		Until        *time.Time
		CountedSince *time.Time `json:"counted_since"`
		Revisions    []struct {
			Revision int
			Series   slo.SeriesID
			Until    *time.Time
		}
	}
	ask := func(query string) (got answer) {
		w := get(handler, "/api/v1/slos/payment-works/buckets"+query)
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		return got
	}
	now, then := ask(""), ask("?revision=3")
	require.Equal(t, now, ask("?revision=5"))
	require.Equal(t, d.SLO.SeriesOf(0).ID, now.Series)
	require.Nil(t, now.Until)
	require.Len(t, now.Revisions, 2)
	require.Equal(t, before.SeriesOf(0).ID, then.Series)
	require.Equal(t, 3, then.Revision)
	require.Equal(t, d.Earlier[0].Until, *then.Until)
	require.Nil(t, then.CountedSince)
	require.Equal(t, now.Revisions, then.Revisions)
	requireProblem(t, get(handler, "/api/v1/slos/payment-works/buckets?revision=4"), http.StatusBadRequest)
}

func TestABucketMayBeAMinute(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning())
	source.Rows = []slo.Bucket{{Slice: slo.SliceOf(webtest.Now().Truncate(time.Minute)), Minute: true, Counts: slo.Counts{Good: 9}}}
	at := source.Rows[0].Slice.Start()
	w := get(serve(t, source), "/api/v1/slos/payment-works/buckets?from="+at.Format(time.RFC3339)+"&to="+at.Add(time.Minute).Format(time.RFC3339))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	var got struct {
		Buckets []struct{ Start, End time.Time }
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	require.Len(t, got.Buckets, 1)
	require.Equal(t, time.Minute, got.Buckets[0].End.Sub(got.Buckets[0].Start))
}

func TestBucketsSayWhatBefellThem(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning())
	first := slo.SliceOf(webtest.Now().Add(-time.Hour))
	at := func(minute int) time.Time { return time.Date(2026, 3, 14, 15, minute, 0, 0, time.UTC) }
	source.Rows = []slo.Bucket{
		{Slice: first, Counts: slo.Counts{Good: 7}, Corrections: slo.Corrections{Late: 1, Repeats: 2, Conflicts: 3}, Revisions: 4, RevisedAt: at(1)},
		{Slice: first + 1, Revisions: 1, RevisedAt: at(7)},
		{Slice: first + 2},
		{Slice: first + 3},
	}
	settings := settings(t, source)
	found := &webtest.Counting{
		Verdicts: []slo.SliceVerdict{
			{From: first + 1, To: first + 3, Verdict: slo.AuditDiffers, At: at(6)},
			{From: first - 9, To: first + 2, Verdict: slo.AuditEqual, At: at(5)},
		},
		Found:    []slo.Audit{{At: at(6), From: first, To: first + 4, Buckets: 12, Differing: 1}, {At: at(5)}},
		TurnedIn: map[string]int64{slo.RefusedLate: 5},
		States:   map[string]slo.RecountState{"payment-works": {Series: "s", Since: at(3), Oldest: at(2), Running: true, Spans: 8}},
	}
	settings.Audits, settings.Recounts, settings.RefusedArrivals = found, found, found
	w := get(newServer(t, settings).Handler(), "/api/v1/slos/payment-works/buckets?from="+first.Start().Format(time.RFC3339)+"&to="+(first+4).Start().Format(time.RFC3339))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	var got struct {
		Refused        map[string]int64
		Recount, Audit map[string]any
		Buckets        []struct {
			Late, Repeats, Conflicts, Revisions int64
			RevisedAt                           *string `json:"revised_at"`
			Audit                               struct{ Verdict, At string }
		}
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	require.Equal(t, map[string]int64{"late": 5}, got.Refused)
	require.Equal(t, map[string]any{
		"series": "s", "through": "2026-03-14T15:03:00Z", "oldest": "2026-03-14T15:02:00Z", "running": true, "done": false, "spans": 8.0, "error": nil,
	}, got.Recount)
	require.Equal(t, map[string]any{
		"at": "2026-03-14T15:06:00Z", "from": "2026-03-14T14:09:20Z", "to": "2026-03-14T14:10:00Z", "slices": 12.0, "differences": 1.0,
	}, got.Audit)
	require.Equal(t, [4]int64{1, 2, 3, 4}, [4]int64{got.Buckets[0].Late, got.Buckets[0].Repeats, got.Buckets[0].Conflicts, got.Buckets[0].Revisions})
	require.Equal(t, "2026-03-14T15:01:00Z", *got.Buckets[0].RevisedAt)
	var verdicts []string
	for _, b := range got.Buckets {
		verdicts = append(verdicts, b.Audit.Verdict+" "+b.Audit.At)
	}
	require.Equal(t, []string{
		"equal 2026-03-14T15:05:00Z", "not audited ", "differs 2026-03-14T15:06:00Z", "not audited ",
	}, verdicts, "the newest audit counts, and what was corrected after it is not audited")

	found.Trouble = errTrouble
	requireProblem(t, get(newServer(t, settings).Handler(), "/api/v1/slos/payment-works/buckets"), http.StatusInternalServerError)
}

// TestBucketRanges asks for ranges around a window from 2026-02-14T15:00:00Z to
// 2026-03-14T15:09:24Z.
func TestBucketRanges(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning())
	long := webtest.Healthy()
	long.Objectives[0].From = webtest.Now().Add(-90 * 24 * time.Hour)
	wide := webtest.NewSource(long)
	for name, c := range map[string]struct {
		source   *webtest.Source
		slo      string
		query    url.Values
		from, to string
	}{
		"nothing asked is the window, with its open slice": {
			source, "payment-works", url.Values{}, "2026-02-14T15:00:00Z", "2026-03-14T15:09:30Z",
		},
		"a window that is too long begins later": {
			wide, "checkout-fast", url.Values{}, "2026-02-11T15:09:30Z", "2026-03-14T15:09:30Z",
		},
		"edges are widened to whole slices": {
			source, "payment-works",
			url.Values{"from": {"2026-03-14T15:00:09.9Z"}, "to": {"2026-03-14T15:00:10.1Z"}},
			"2026-03-14T15:00:00Z", "2026-03-14T15:00:20Z",
		},
		"edges on the grid stay": {
			source, "payment-works",
			url.Values{"from": {"2026-03-14T15:00:10Z"}, "to": {"2026-03-14T15:00:20Z"}},
			"2026-03-14T15:00:10Z", "2026-03-14T15:00:20Z",
		},
		"seconds and offsets are understood": {
			source, "payment-works",
			url.Values{"from": {"1773500400"}, "to": {"2026-03-14T16:01:00+01:00"}},
			"2026-03-14T15:00:00Z", "2026-03-14T15:01:00Z",
		},
		"the longest range": {
			source, "payment-works",
			url.Values{"from": {"2026-01-01T00:00:00Z"}, "to": {"2026-02-01T00:00:00Z"}},
			"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := get(serve(t, c.source), "/api/v1/slos/"+c.slo+"/buckets?"+c.query.Encode())
			require.Equal(t, http.StatusOK, w.Code, w.Body.String())
			from, to := c.source.Asked()
			require.Equal(t, c.from, from.Start().Format(time.RFC3339))
			require.Equal(t, c.to, to.Start().Format(time.RFC3339))
		})
	}
}

func TestBucketRangesThatMeanNothingAreRefused(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource(webtest.Tiers()))
	for name, query := range map[string]url.Values{
		"from is no time":         {"from": {"yesterday"}},
		"to is no time":           {"to": {"2026-03-14"}},
		"from is negative":        {"from": {"-1"}},
		"from is before 1970":     {"from": {"1969-12-31T23:59:59Z"}},
		"to is beyond 9999":       {"to": {"999999999999"}},
		"to overflows":            {"to": {"9223372036854775807"}},
		"to is the last instant":  {"to": {"9999-12-31T23:59:59Z"}},
		"to overflows 64 bits":    {"to": {"92233720368547758070"}},
		"from equals to":          {"from": {"1773500400"}, "to": {"1773500400"}},
		"from is after to":        {"from": {"1773500500"}, "to": {"1773500400"}},
		"from is after the end":   {"from": {"2026-04-01T00:00:00Z"}},
		"the range is too long":   {"from": {"2026-01-01T00:00:00Z"}, "to": {"2026-02-01T00:00:01Z"}},
		"the objective is none":   {"objective": {"2"}},
		"the objective is below":  {"objective": {"-1"}},
		"the objective is a name": {"objective": {"strict"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireProblem(t, get(handler, "/api/v1/slos/batch-done/buckets?"+query.Encode()), http.StatusBadRequest)
		})
	}
	require.Equal(t, http.StatusOK, get(handler, "/api/v1/slos/batch-done/buckets?objective=1").Code)
}
