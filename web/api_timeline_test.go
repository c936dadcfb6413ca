package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/web/view"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

func TestTheTimelineHasAColumnForEachFigure(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource(webtest.Burning()))
	w := get(handler, "/api/v1/slos/payment-works/timeline?range=1h&points=4")
	require.Equal(t, http.StatusOK, w.Code)
	golden(t, "timeline-burning.json", w.Body.Bytes())

	chart := decode[view.Chart](t, get(handler, "/api/v1/slos/payment-works/timeline?range=28d&points=1000"))
	require.InDelta(t, 0.9405, *chart.Budget[len(chart.Budget)-1], 1e-4, "it ends at the figure of the tile")
	for _, tier := range chart.Tiers {
		require.Len(t, tier.LongRates, len(chart.Start))
		require.Len(t, tier.ShortRates, len(chart.Start))
	}
	require.Nil(t, chart.Tiers[0].LongRates[0], "two minutes cannot be told at steps of an hour")
	require.Len(t, chart.Episodes, 3)

	gaps := decode[view.Chart](t, get(serve(t, webtest.NewSource(webtest.Gappy())), "/api/v1/slos/stock-fresh/timeline?range=28d"))
	require.Len(t, gaps.Unmeasured, 2)
	empty := decode[view.Chart](t, get(handler, "/api/v1/slos/payment-works/timeline?from=1&to=2"))
	require.Empty(t, empty.Start)
	require.NotNil(t, empty.Start, "an empty column is a list, not null")
}

func FuzzRanges(f *testing.F) {
	for _, seed := range []string{"range=6h", "from=1&to=2", "from=2026-03-14T00:00:00Z", "points=5&objective=0", "range=x&from=", "to=-1", "from=9e9"} {
		f.Add(seed)
	}
	source := webtest.NewSource(webtest.Unmeasured())
	f.Fuzz(func(t *testing.T, query string) {
		handler := serve(t, source)
		r := request(http.MethodGet, "/api/v1/slos/invoice-works/timeline", "")
		r.URL.RawQuery = query
		code := do(handler, r).Code
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, code, query)
	})
}
