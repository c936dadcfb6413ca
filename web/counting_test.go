package web_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

// alarmsOf are those that a page shows.
func alarmsOf(document *goquery.Document) []string {
	return document.Find(".alarm").Map(func(_ int, s *goquery.Selection) string { return text(s) })
}

func TestEveryPageSaysWhatMustNotBeReliedOn(t *testing.T) {
	t.Parallel()
	source := drafting()
	source.List = []slo.Status{webtest.Silent(), webtest.Stale(webtest.Burning(), 4)}
	settings := settings(t, source)
	settings.Audits = &webtest.Counting{Found: webtest.Differing()}
	handler := newServer(t, settings).Handler()
	differs := "Counts differ from the journal, found 15:00:26 UTC : counted again, 3 slices of ten seconds came out otherwise than shown. Which?"
	stale := "1 of 2 objectives is stale since 15:05:26 UTC : verdicts are of then; nothing fires or resolves meanwhile."
	for target, status := range map[string]int{
		"/": http.StatusOK, "/slos": http.StatusOK, "/slos/mail-works": http.StatusOK, "/alerts": http.StatusOK, "/services": http.StatusOK,
		"/services/checkout": http.StatusOK, "/settings": http.StatusOK, "/create": http.StatusOK, "/nowhere": http.StatusNotFound,
	} {
		require.Equal(t, []string{differs, stale}, alarmsOf(page(t, get(handler, target), status)), target)
	}
	require.Equal(t, []string{differs, strings.Replace(stale, "1 of 2 objectives is stale", "Stale", 1)},
		alarmsOf(page(t, get(handler, "/slos/payment-works"), http.StatusOK)), "a page of one objective speaks of that")
	for _, target := range []string{"/", "/slos", "/slos/payment-works", "/settings"} {
		requireFragmentOf(t, handler, target)
	}
	calm := newServer(t, web.Settings{
		Statuses: webtest.NewSource(webtest.Healthy()), Definitions: source, Objects: source, Drafts: source, Traffic: source.Moving, Ledger: source,
		Episodes: source, Health: source, Now: webtest.Now, Audits: &webtest.Counting{Found: webtest.Agreeing()},
	}).Handler()
	require.Empty(t, alarmsOf(page(t, get(calm, "/"), http.StatusOK)))
}

// changing gives statuses that change while a page listens.
type changing struct {
	*webtest.Source
	stale atomic.Bool
}

func (c *changing) Statuses() []slo.Status {
	if c.stale.Load() {
		return []slo.Status{webtest.Stale(webtest.Healthy(), 1)}
	}
	return c.Source.Statuses()
}

// TestAPageHearsThatItWentStale though nothing is judged any more.
func TestAPageHearsThatItWentStale(t *testing.T) {
	t.Parallel()
	source := &changing{Source: webtest.NewSource(webtest.Healthy())}
	settings := settings(t, source.Source)
	settings.Statuses = source
	server := httptest.NewServer(newServer(t, settings).Handler())
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/live", http.NoBody)
	require.NoError(t, err)
	answer, err := server.Client().Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	lines := bufio.NewScanner(answer.Body)
	next := func() string {
		for lines.Scan() {
			if line := lines.Text(); line != "" && line != "data:" {
				return line
			}
		}
		return "the stream ended"
	}
	require.Equal(t, "event: beat", next())
	source.stale.Store(true)
	require.Equal(t, "event: verdict", next())
	require.Equal(t, "event: beat", next(), "once is enough")
	source.stale.Store(false)
	require.Equal(t, "event: verdict", next())
}

func TestTheDetailSaysWhatItsCountsRestOn(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning())
	newest := slo.SliceOf(webtest.Now())
	settings := settings(t, source)
	counting := &webtest.Counting{
		Befell: slo.Corrections{Late: 12_345, Repeats: 1, Conflicts: 2},
		Verdicts: []slo.SliceVerdict{
			{From: newest - 100, To: newest - 60, Verdict: slo.AuditEqual, At: webtest.Now().Add(-time.Minute)},
			{From: newest - 70, To: newest - 59, Verdict: slo.AuditDiffers, At: webtest.Now().Add(-time.Hour)},
		},
		States: map[string]slo.RecountState{"payment-works": {
			Since: webtest.Now().Add(-time.Hour), Oldest: webtest.Now().Add(-2 * time.Hour), Running: true,
		}},
	}
	settings.Audits, settings.Corrections, settings.Recounts = counting, counting, counting
	handler := newServer(t, settings).Handler()
	show := func() (evidence []string, notices string) {
		document := page(t, get(handler, "/slos/payment-works"), http.StatusOK)
		evidence = document.Find(".evidence div").Map(func(_ int, s *goquery.Selection) string { return text(s) })
		return evidence, text(document.Find(".notice:not(.notice-firing)"))
	}
	evidence, notices := show()
	require.Equal(t, []string{
		"Counted since 2026-02-14 13:09:26 UTC",
		"Came late 12 345 events put where they belong, more than 2m after",
		"Came again 1 repeat the same once more: not counted",
		"Came again, changed 2 conflicts same identity, other content: the first was counted",
		"Audited 1 slice of 41 came out otherwise of ten seconds each, counted again from the journal, last at 15:08:26 UTC",
	}, evidence)
	require.Equal(t, "Being recounted: complete from 14:09:26 UTC on; the journal reaches back to 13:09:26 UTC .", notices)

	source.List[0].Objectives[0].CountedSince = webtest.Now().Add(-time.Hour)
	counting.States = map[string]slo.RecountState{"payment-works": {Since: webtest.Now().Add(-time.Hour), Err: "segment 3 is damaged"}}
	evidence, notices = show()
	require.Equal(t, "Counted since 14:09:26 UTC the window began before: what came until then is not in it", evidence[0])
	require.Contains(t, notices, "The recount ended early: segment 3 is damaged. Counted whole from 14:09:26 UTC on; slowburn recount payment-works begins it again.")

	counting.States = map[string]slo.RecountState{"payment-works": {Done: true}}
	_, notices = show()
	require.Empty(t, notices)

	counting.Trouble = errTrouble
	require.Equal(t, 1, page(t, get(newServer(t, settings).Handler(), "/slos/payment-works"), http.StatusOK).Find(".evidence div").Length(),
		"what the store does not tell is left out")
	requireFragmentOf(t, handler, "/slos/payment-works")
}

// counted counts the questions.
type counted struct {
	*webtest.Counting
	asked atomic.Int64
}

func (c *counted) LatestAudits(ctx context.Context, n int) ([]slo.Audit, error) {
	c.asked.Add(1)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.Counting.LatestAudits(ctx, n)
}

func TestPagesDoNotAskTheStoreEachSecond(t *testing.T) {
	t.Parallel()
	settings := settings(t, webtest.NewSource(webtest.Healthy()))
	now := webtest.Now()
	settings.Now = func() time.Time { return now }
	audits := &counted{Counting: &webtest.Counting{Found: webtest.Differing()}}
	settings.Audits = audits
	handler := newServer(t, settings).Handler()
	left, cancel := context.WithCancel(t.Context())
	cancel()
	do(handler, request(http.MethodGet, "/", "").WithContext(left))
	for range 5 {
		require.Len(t, alarmsOf(page(t, get(handler, "/"), http.StatusOK)), 1, "a reader that left does not spoil the answer for others")
	}
	require.Equal(t, int64(1), audits.asked.Load())

	now = now.Add(10 * time.Second)
	audits.Trouble = errTrouble
	for range 5 {
		require.Len(t, alarmsOf(page(t, get(handler, "/"), http.StatusOK)), 1, "a difference is not gone because the store is")
	}
	require.Equal(t, int64(2), audits.asked.Load(), "trouble is kept, too")
	require.Contains(t, text(page(t, get(handler, "/settings"), http.StatusOK).Find("#audit")), "What the newest audit found is not known")
}

func TestTheSettingsSayWhatWasRefusedAndWhatToDo(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Healthy())
	source.Outside = map[string]int64{"late": 7}
	settings := settings(t, source)
	counting := &webtest.Counting{Turned: webtest.RefusedItems()}
	settings.Refusals = counting
	handler := newServer(t, settings).Handler()
	require.Equal(t, "/settings#refused", page(t, get(handler, "/slos"), http.StatusOK).Find(".notice a").AttrOr("href", ""))
	document := page(t, get(handler, "/settings"), http.StatusOK)
	rows := document.Find("#refused tbody tr")
	require.Equal(t, len(counting.Turned), rows.Length())
	require.Equal(t, "checkout logs 12 345 of a kind that is not taken Do not send logs here: take Slowburn out of the sender’s logs pipeline.", text(rows.First()))
	require.Zero(t, document.Find(".notice:contains(refused)").Length(), "the table says it already")

	counting.Trouble = errTrouble
	require.Contains(t, text(page(t, get(handler, "/settings"), http.StatusOK).Find("#refused")), "What was refused is not known")
}
