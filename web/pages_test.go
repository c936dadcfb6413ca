package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

func TestTheListShowsTheWorstFirst(t *testing.T) {
	t.Parallel()
	document := page(t, get(serve(t, webtest.NewSource(webtest.All()...)), "/slos"), http.StatusOK)
	rows := document.Find("#live tbody tr")
	require.Equal(t, 8, rows.Length(), "seven SLOs, one of them with two objectives")
	var states []string
	rows.Find(".state").Each(func(_ int, s *goquery.Selection) { states = append(states, text(s)) })
	require.Equal(t, []string{"Exhausted", "Exhausted", "Burning", "Unmeasured", "OK", "OK", "OK", "OK"}, states)
	require.Equal(t, 8, rows.Find(".state svg").Length(), "a state is never colour alone")

	burning := rows.FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.Contains(s.Text(), "Payments succeed") })
	require.Equal(t, "/slos/payment-works", burning.Find("a").First().AttrOr("href", ""))
	require.Contains(t, text(burning), "99.994 %", "the achieved share")
	require.Contains(t, text(burning), "94.0 %", "the budget left")
	require.Contains(t, text(burning), "39.88×", "the burn rate of the last hour")
	require.Contains(t, text(burning), "99.9 % over 28d")
	require.Equal(t, []string{"page · fast", "page · 1h", "page · 6h"}, burning.Find(".badge").Map(func(_ int, s *goquery.Selection) string { return text(s) }))
	require.Equal(t, "94.05%", burning.Find(".meter-left").AttrOr("width", ""))

	require.Equal(t, "−346.4 %", text(rows.Eq(1).Find(".budget-text")))
	require.Equal(t, "100.00%", rows.Eq(1).Find(".meter-debt").AttrOr("width", ""))
	require.Equal(t, "–", text(rows.Eq(3).Find(".budget-text")), "without events there is no number")
	require.Zero(t, rows.Eq(3).Find(".meter-left, .meter-debt").Length())
	require.Equal(t, []string{"2", "1", "1", "4"}, document.Find(".tile-number").Map(func(_ int, s *goquery.Selection) string { return text(s) }))
}

func TestHostileNamesAreText(t *testing.T) {
	t.Parallel()
	hostile := webtest.Hostile()
	definition := hostile.Definition.SLO
	source := webtest.NewSource(hostile, webtest.Long())
	source.Outside = map[string]int64{definition.Name: 1}
	source.Seen = []slo.Service{{Name: definition.Name, Spans: 1}}
	handler := serve(t, source)

	w := get(handler, "/slos?q="+url.QueryEscape(definition.DisplayName))
	raw := w.Body.String()
	document := page(t, w, http.StatusOK)
	require.NotContains(t, raw, "<script>alert")
	require.NotContains(t, raw, "<img src=x")
	require.Equal(t, definition.DisplayName, document.Find("#live tbody a").Text())
	require.Contains(t, document.Find("#live tbody .sub").First().Text(), definition.Service)
	require.Equal(t, definition.DisplayName, document.Find("input[type=search]").AttrOr("value", ""))

	link := document.Find("#live tbody a").AttrOr("href", "")
	w = get(handler, link)
	raw = w.Body.String()
	document = page(t, w, http.StatusOK)
	require.NotContains(t, raw, "<script>alert")
	require.NotContains(t, raw, "<img src=x")
	require.Equal(t, definition.DisplayName, document.Find("h1").Text())
	require.Contains(t, document.Find("pre").Text(), definition.Name)
	require.Equal(t, definition.DisplayName+" · Slowburn", document.Find("title").Text())

	missing := get(handler, "/slos/"+url.PathEscape("<script>alert(1)"))
	require.NotContains(t, missing.Body.String(), "<script>alert")
	page(t, missing, http.StatusNotFound)

	api := get(handler, "/api/v1/slos").Body.String()
	require.NotContains(t, api, "<script>", "JSON escapes markup too")

	source = webtest.NewSource()
	source.Seen = []slo.Service{{Name: "<script>alert(1)</script>", Spans: 1}}
	empty := get(serve(t, source), "/")
	require.NotContains(t, empty.Body.String(), "<script>alert")
}

func TestAThousandRowsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource(webtest.Many(1000)...))
	seen := map[string]bool{}
	target, pages := "/slos", 0
	for target != "" {
		document := page(t, get(handler, target), http.StatusOK)
		pages++
		document.Find("#live tbody a").Each(func(_ int, s *goquery.Selection) { seen[s.AttrOr("href", "")] = true })
		require.Contains(t, document.Find("caption").Text(), "of 1000 objectives")
		require.Equal(t, pages > 1, document.Find("a[rel=prev]").Length() == 1)
		target = document.Find("a[rel=next]").AttrOr("href", "")
	}
	require.Equal(t, 10, pages)
	require.Len(t, seen, 1000)
	require.Equal(t, 100, page(t, get(handler, "/slos?page=99"), http.StatusOK).Find("#live tbody tr").Length(), "beyond the end is the last page")
}

func TestTheListIsSearched(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource(webtest.All()...))
	document := page(t, get(handler, "/slos?q=WORKS&state=burning"), http.StatusOK)
	require.Equal(t, "Payments succeed", document.Find("#live tbody a").Text())
	require.Equal(t, "burning", document.Find("input[name=state]").AttrOr("value", ""), "a search keeps the state")
	selected := document.Find(".tile[aria-current]")
	require.Equal(t, 1, selected.Length())
	require.Equal(t, "/slos?q=WORKS", selected.AttrOr("href", ""), "the selected state is left by its own tile")
	require.Equal(t, "/slos?q=WORKS&state=exhausted", document.Find(".tile").First().AttrOr("href", ""))

	none := page(t, get(handler, "/slos?q=nothing-like-this"), http.StatusOK)
	require.Contains(t, text(none.Find("#live")), "No objective matches “nothing-like-this”.")
	require.Zero(t, none.Find(".start").Length(), "no match is not the empty page")
}

func TestRefusedItemsAreShown(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Healthy())
	require.Zero(t, page(t, get(serve(t, source), "/slos"), http.StatusOK).Find(".notice").Length())

	source.Outside = map[string]int64{"late": 12340, "future": 5, "no_end_time": 1, "some_other": 2, "none": 0}
	notice := text(page(t, get(serve(t, source), "/slos"), http.StatusOK).Find(".notice"))
	require.Contains(t, notice, "12 348 items refused:")
	for _, reason := range []string{"12 340 late", "5 from the future", "1 without an end time", "2 some other"} {
		require.Contains(t, notice, reason)
	}
	require.NotContains(t, notice, "none")
}

func TestRefusedFilesOfSLOsAreShown(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Healthy())
	var faults slo.DocumentErrors
	for i := range 12 {
		faults = append(faults, slo.DocumentError{
			File: "slos/<b>.yaml", Line: i + 1, Object: "SLO x", Field: "spec.service", Reason: "is required",
		})
	}
	source.Refusal = faults
	document := page(t, get(serve(t, source), "/slos"), http.StatusOK)
	notice := text(document.Find(".notice"))
	require.Contains(t, notice, "Files of SLOs are refused; what was in force before stays.")
	require.Contains(t, notice, "slos/<b>.yaml, line 10 : SLO x: spec.service : is required")
	require.NotContains(t, notice, "line 11")
	require.Contains(t, notice, "and 2 more")

	source.Refusal = errTrouble
	require.Contains(t, text(page(t, get(serve(t, source), "/slos"), http.StatusOK).Find(".notice")), errTrouble.Error())
}

func TestASilentServiceDoesNotLookFresh(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource(webtest.Silent()))
	require.Contains(t, text(page(t, get(handler, "/slos"), http.StatusOK).Find("#live tbody")), "last event 11m ago")
	require.Contains(t, text(page(t, get(handler, "/slos/mail-works"), http.StatusOK).Find(".tile")), "last event 11m ago")
	body := get(handler, "/api/v1/slos/mail-works").Body.String()
	require.Contains(t, body, `"silent":true`)
	require.Contains(t, body, `"last_event":"2026-03-14T14:58:24Z"`)
}

func TestTheLastEventIsBesideTheMeasurement(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource(webtest.Silent(), webtest.Healthy(), webtest.Unmeasured()))
	rows := page(t, get(handler, "/slos"), http.StatusOK).Find("#live tbody tr")
	for name, want := range map[string]string{
		"mail-works":    "silent: last event 11m ago",
		"checkout-fast": "last event 2s ago",
		"invoice-works": "no event yet",
	} {
		state := text(page(t, get(handler, "/slos/"+name), http.StatusOK).Find(".tile").First())
		require.True(t, strings.HasSuffix(state, " "+want), state)
	}
	require.Equal(t, 1, rows.Find(".silent").Length(), "what never came has not fallen silent")
}

func TestTheFirstFileOfAllMayBeTheOneThatIsWrong(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource()
	source.Refusal = fmt.Errorf("read the first file: %w", slo.DocumentErrors{{File: "a.yaml", Reason: "is empty"}})
	document := page(t, get(serve(t, source), "/"), http.StatusOK)
	require.Equal(t, "a.yaml : is empty", text(document.Find(".faults li")))
	require.Equal(t, 1, document.Find(".start").Length())
}

func TestTheListHasOneWordingForBothWidths(t *testing.T) {
	t.Parallel()
	document := page(t, get(serve(t, webtest.NewSource(webtest.Healthy())), "/slos"), http.StatusOK)
	columns := document.Find("#live thead th").Map(func(_ int, s *goquery.Selection) string { return text(s) })
	labels := document.Find("#live tbody td").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("data-label", "") })
	require.Equal(t, columns[1:], labels)
}

func TestAStoreInTroubleDoesNotHideTheObjectives(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning())
	source.Trouble = errTrouble
	handler := serve(t, source)
	list := page(t, get(handler, "/slos"), http.StatusOK)
	require.Contains(t, text(list.Find(".notice")), "the ledger does not answer")
	require.Equal(t, 1, list.Find("#live tbody tr").Length())
	detail := page(t, get(handler, "/slos/payment-works"), http.StatusOK)
	require.Contains(t, text(detail.Find(".episodes")), "the store does not answer")
	require.NotContains(t, detail.Text(), "secret-detail")

	empty := webtest.NewSource()
	empty.Trouble = errTrouble
	page(t, get(serve(t, empty), "/slos"), http.StatusOK)
}

func TestTheDetailShowsTheEvidence(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning(), webtest.Healthy())
	document := page(t, get(serve(t, source), "/slos/payment-works"), http.StatusOK)
	tiles := strings.Join(document.Find(".tile").Map(func(_ int, s *goquery.Selection) string { return text(s) }), "\n")
	for _, want := range []string{
		"State Burning measured until 15:09:25 UTC last event 2s ago", "Target over 28d 99.9 %",
		"Achieved 99.994 % 24 196 260 good, 1440 bad of 24 197 700 events",
		"Budget left 94.0 % 1440 of 24 197 bad events spent 37m of 40m of total outage left",
		"Budget gone in 15h 50m if it goes on at the last hour’s 39.88×",
	} {
		require.Contains(t, tiles, want)
	}
	tables := document.Find(".tiers table")
	require.Equal(t, "fast page 100× 120× ▲ above in 2m 120× ▲ above in 10s firing "+
		"156 bad of 1300 events in the last 2m burn at 120x, 24 bad of 200 events in the last 10s to 20s at 120x. It fires when both reach 100x.", text(tables.Eq(0).Find("tbody tr").Eq(0)))
	require.Equal(t, 10, tables.Eq(1).Find("tbody tr").Length())
	require.Equal(t, "1h 39.88× 1440 36 100", text(tables.Eq(1).Find("tbody tr").Eq(4)))
	require.Equal(t, 3, document.Find(".episodes tbody tr").Length(), "the episodes of this SLO")
	require.Contains(t, document.Find("pre").Text(), "name: payment-works")
	require.Equal(t, 3+6, document.Find("[data-chart]").Length(), "budget, share, events, and one for each tier")
	require.Equal(t, "/create?edit=payment-works", document.Find(".source a").AttrOr("href", ""))
}

func TestTheDetailSaysWhyATierIsLeftOut(t *testing.T) {
	t.Parallel()
	document := page(t, get(serve(t, webtest.NewSource(webtest.Tiers())), "/slos/batch-done"), http.StatusOK)
	tabs := document.Find(".tab")
	require.Equal(t, []string{"OK relaxed, 80 %", "OK strict, 95 %"}, tabs.Map(func(_ int, s *goquery.Selection) string { return text(s) }))
	out := document.Find(".tiers .verdict-out")
	require.Equal(t, 2, out.Length())
	require.Contains(t, text(out.First()), "left out it can never fire: its factor 13.44 is above 5")

	second := page(t, get(serve(t, webtest.NewSource(webtest.Tiers())), tabs.Last().AttrOr("href", "")), http.StatusOK)
	require.Contains(t, text(second.Find(".tile").Eq(1)), "95 %")
	requireFragmentOf(t, serve(t, webtest.NewSource(webtest.Tiers())), tabs.Last().AttrOr("href", ""))
}

// requireFragmentOf checks that the live part of a page, fetched alone, is the
// one that the page has.
func requireFragmentOf(t *testing.T, handler http.Handler, target string) {
	t.Helper()
	whole := page(t, get(handler, target), http.StatusOK).Find("#live")
	require.Equal(t, 1, whole.Length(), target)
	address := whole.AttrOr("hx-get", "")
	require.NotEmpty(t, address, target)
	w := get(handler, address)
	require.Equal(t, http.StatusOK, w.Code, address)
	alone, err := goquery.NewDocumentFromReader(w.Body)
	require.NoError(t, err)
	want, err := goquery.OuterHtml(whole)
	require.NoError(t, err)
	got, err := goquery.OuterHtml(alone.Find("#live"))
	require.NoError(t, err)
	require.Equal(t, want, got, target)
	require.Zero(t, alone.Find("header, h1 ~ header, footer").Length(), "it is no whole page")
}

func TestTheLivePartOfEveryPageCanBeFetchedAlone(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.All()...)
	source.Moving, source.Seen = webtest.Busy(), []slo.Service{{Name: "checkout", LastSeen: webtest.Now()}}
	handler := serve(t, source)
	for _, target := range []string{
		"/", "/slos", "/slos?q=pay&sort=-burn&page=1", "/slos/payment-works", "/slos/payment-works?range=6h", "/alerts", "/alerts?slo=payment-works",
		"/services", "/services?range=5m&q=c", "/services/checkout", "/settings", "/slos/payment-works?from=1773400000&to=1773490000",
	} {
		requireFragmentOf(t, handler, target)
	}
	requireFragmentOf(t, serve(t, webtest.NewSource()), "/")
}

func TestNonsenseInAnAddressIsRefused(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.All()...)
	handler := serve(t, source)
	for _, target := range []string{
		"/?x=1", "/slos?sort=colour", "/slos?page=0", "/slos?state=fine", "/slos/payment-works?objective=7", "/slos/payment-works?range=2h",
		"/slos/payment-works?from=x", "/slos/payment-works?range=1h&from=1", "/slos/payment-works?from=200&to=100", "/alerts?range=1y",
		"/services?range=2d", "/create?kind=client", "/fragments/slos?sort=colour",
	} {
		page(t, get(handler, target), http.StatusBadRequest)
	}
	page(t, get(handler, "/services/nobody"), http.StatusNotFound)
	page(t, get(handler, "/create?edit=nobody"), http.StatusNotFound)
	page(t, get(handler, "/create?edit=checkout-fast"), http.StatusConflict)
	requireProblem(t, get(handler, "/api/v1/slos/payment-works/timeline?points=0"), http.StatusBadRequest)
}

func TestStaticFilesAreKeptForEver(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource(webtest.Healthy()))
	document := page(t, get(handler, "/"), http.StatusOK)
	kinds := map[string]bool{}
	document.Find("link[href], script[src], img[src]").Each(func(_ int, s *goquery.Selection) {
		target := s.AttrOr("href", s.AttrOr("src", ""))
		w := get(handler, target)
		require.Equal(t, http.StatusOK, w.Code, target)
		require.Regexp(t, `^/static/\w+/[\w.-]+\.[0-9a-f]{10}\.\w+$`, target)
		require.Equal(t, "private, max-age=31536000, immutable", w.Header().Get("Cache-Control"))
		require.NotEmpty(t, w.Body.Bytes())
		kinds[w.Header().Get("Content-Type")] = true
	})
	require.Equal(t, map[string]bool{"text/css; charset=utf-8": true, "text/javascript; charset=utf-8": true, "image/svg+xml": true}, kinds)
}
