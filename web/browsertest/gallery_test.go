//go:build browser

package browsertest_test

import (
	"net"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

// lagging is a source whose objectives go stale when it is told so.
type lagging struct {
	*webtest.Source
	stale atomic.Bool
}

func (l *lagging) Statuses() []slo.Status {
	if l.stale.Load() {
		return []slo.Status{webtest.Stale(webtest.Healthy(), 1)}
	}
	return l.Source.Statuses()
}

// serveFixtures serves the pages and the gallery on fixtures.
func serveFixtures(t *testing.T) (*lagging, string) {
	t.Helper()
	source := &lagging{Source: webtest.NewSource(webtest.Healthy())}
	server, err := web.New(web.Settings{
		Statuses: source, Definitions: source, Objects: source, Drafts: source, Traffic: source.Moving, Ledger: source, Episodes: source, Health: source,
		Development: true, Now: webtest.Now,
	})
	require.NoError(t, err)
	running := httptest.NewUnstartedServer(server.Handler())
	running.Listener, err = net.Listen("tcp", freePort(t))
	require.NoError(t, err)
	running.Start()
	t.Cleanup(running.Close)
	t.Cleanup(running.CloseClientConnections)
	return source, running.Listener.Addr().String()
}

// TestTheGallery looks at the states that a tour does not come to: verdicts
// that are stale, counts that differ, a recount, refusals.
func TestTheGallery(t *testing.T) {
	_, address := serveFixtures(t)
	b := open(t, address)
	for _, name := range []string{
		"settings-trouble", "settings", "settings-unknown", "slo-stale", "slo-recounting", "overview-stale", "slos-stale", "failure-stale",
	} {
		for _, l := range looks() {
			b.wear(t, l)
			b.do(t, chromedp.Navigate("http://"+address+"/-/gallery/"+name), chromedp.WaitVisible(chromedp.CSS("h1")))
			b.check(t, name, l)
		}
	}
}

// TestAResetIsMarkedInTheCharts looks at the mark in every look: within the chart,
// label and all, and in none of the burn rates, which a reset leaves alone.
func TestAResetIsMarkedInTheCharts(t *testing.T) {
	_, address := serveFixtures(t)
	b := open(t, address)
	const marks = `[...document.querySelectorAll(".chart-mark")].map((m) => m.closest("figure").dataset.chart + ":" + m.textContent).join()`
	for _, l := range looks() {
		b.wear(t, l)
		b.do(t, chromedp.Navigate("http://"+address+"/-/gallery/slo-excluded"), chromedp.WaitVisible(chromedp.CSS("h1")))
		b.until(t, 30*time.Second, `document.getElementById("charts").dataset.drawn > 3 && `+marks+` === "budget:budget reset,sli:,events:"`)
		require.True(t, ask[bool](t, b, `(() => {
			const line = document.querySelector(".chart-mark"), words = document.createRange();
			words.selectNodeContents(line);
			const text = words.getBoundingClientRect(), chart = line.parentNode.getBoundingClientRect();
			return text.width > 40 && text.left >= chart.left && text.right <= chart.right && text.top >= chart.top && text.bottom <= chart.bottom;
		})()`), "the label is within the chart")
		b.check(t, "slo-excluded", l)
	}
	b.do(t, chromedp.Navigate("http://"+address+"/-/gallery/slo-burning"), chromedp.WaitVisible(chromedp.CSS("h1")))
	b.until(t, 30*time.Second, `document.getElementById("charts").dataset.drawn > 3 && `+marks+` === ""`)
}

// TestAPageThatIsOpenSaysThatItWentStale, and that it is not any more.
func TestAPageThatIsOpenSaysThatItWentStale(t *testing.T) {
	source, address := serveFixtures(t)
	b := open(t, address)
	b.do(t, chromedp.Navigate("http://"+address+"/slos"))
	b.until(t, 30*time.Second, `document.getElementById("pulse").dataset.state === "live" && !document.querySelector(".alarm")`)
	ask[bool](t, b, "window.stayed = true")
	source.stale.Store(true)
	b.until(t, 10*time.Second, `document.querySelector(".alarm-stale") !== null && window.stayed`)
	source.stale.Store(false)
	b.until(t, 10*time.Second, `document.querySelector(".alarm") === null && window.stayed`)
}
