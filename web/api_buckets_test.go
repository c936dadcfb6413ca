package web_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

func TestBucketsAreRows(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning())
	first := slo.SliceOf(webtest.Now().Add(-time.Minute))
	source.Rows = []slo.Bucket{
		{Slice: first, Counts: slo.Counts{Good: 97, Bad: 2, Unknown: 1}},
		{Slice: first + 3, Counts: slo.Counts{Good: 1}},
	}
	w := get(serve(t, source), "/api/v1/slos/payment-works/buckets?objective=0&from=2026-03-14T15:08:21Z&to=2026-03-14T15:08:41Z")
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	series := source.List[0].Definition.SLO.Indicator.Series().ID
	require.JSONEq(t, `{"slo":"payment-works","objective":0,"series":"`+string(series)+`",
		"from":"2026-03-14T15:08:20Z","to":"2026-03-14T15:08:50Z",
		"buckets":[{"start":"2026-03-14T15:08:20Z","end":"2026-03-14T15:08:30Z","good":97,"bad":2,"unknown":1}]}`, w.Body.String())
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
