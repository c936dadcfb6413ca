//go:build browser

package browsertest_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestTheTour walks the README's tour: services appear, an objective is
// created, something breaks, its budget burns, the page arrives, it heals and
// resolves. No page is loaded anew where it says that it is live.
func TestTheTour(t *testing.T) {
	w := newWorld(t)
	b := open(t, w.http, w.console)
	home := "http://" + w.http

	b.do(t, chromedp.Navigate(home+"/"))
	b.until(t, time.Minute, says("Nothing has arrived yet"))
	b.until(t, time.Minute, says("OTEL_EXPORTER_OTLP_ENDPOINT=http://"+w.grpc))
	b.check(t, "start", look{1536, 960, "light"})
	w.startDemo(t)
	b.until(t, time.Minute, says("Health by service"))
	b.until(t, time.Minute, says("inventory"))

	b.do(t, chromedp.Navigate(home+"/services"), chromedp.WaitVisible(chromedp.CSS(`a.button[href*="service=inventory"]`)),
		chromedp.Click(chromedp.CSS(`a.button[href*="service=inventory"]`)), chromedp.WaitVisible(chromedp.CSS("#draft")))
	b.until(t, time.Minute, says("What it would have counted")+" && document.querySelectorAll('.samples tbody tr').length > 0")
	b.do(t, chromedp.SetValue(chromedp.CSS(`input[name="target"]`), "101"), chromedp.Click(chromedp.CSS(`button[hx-post]`)))
	b.until(t, time.Minute, says("It cannot be previewed"))
	b.do(t, chromedp.SetValue(chromedp.CSS(`input[name="target"]`), "99"), chromedp.Click(chromedp.CSS("#draft .button-strong")))
	b.until(t, time.Minute, `location.pathname.startsWith("/slos/inventory") && document.getElementById("charts").dataset.drawn > 3`)

	b.do(t, chromedp.Navigate(home+"/slos/shop-payments-work"))
	b.until(t, time.Minute, `document.getElementById("charts").dataset.drawn === "9" && document.getElementById("pulse").dataset.state === "live"`)
	ask[bool](t, b, `window.stayed = document.querySelectorAll(".tile-number")[3].textContent; true`)
	run(t, "demo", "break", "payments", "--outage", "--listen", w.console)
	b.until(t, 3*time.Minute, `document.querySelector(".notice-firing") !== null && document.querySelector(".menu .count") !== null`)
	b.until(t, time.Minute, `window.stayed !== document.querySelectorAll(".tile-number")[3].textContent`)
	b.screenshot(t, "firing")
	b.do(t, chromedp.Navigate("http://"+w.console))
	b.until(t, time.Minute, `document.querySelector(".hook.firing") !== null`)
	b.do(t, chromedp.Navigate(home+"/alerts"))
	b.until(t, time.Minute, says("Payments succeed"))

	run(t, "demo", "heal", "--listen", w.console)
	w.everyPage(t, b) // The fast tier wants five quiet minutes: time to look around.
	w.restart(t, b)
	b.do(t, chromedp.Navigate("http://"+w.console))
	b.until(t, 8*time.Minute, `document.querySelector(".hook.resolved") !== null`)
	w.demo.stop(t)
}

// everyPage looks at all pages, wide and narrow, light and dark.
func (w *world) everyPage(t *testing.T, b *browser) {
	t.Helper()
	home := "http://" + w.http
	for name, address := range map[string]string{
		"overview": home + "/", "objectives": home + "/slos", "objective": home + "/slos/shop-payments-work", "several": home + "/slos/shop-catalog-fast?objective=1",
		"alerts": home + "/alerts", "services": home + "/services", "service": home + "/services/payments", "settings": home + "/settings",
		"create": home + "/create?service=cart&kind=server", "edit": home + "/create?edit=shop-mails-sent", "console": "http://" + w.console,
	} {
		for _, l := range looks() {
			b.wear(t, l)
			b.do(t, chromedp.Navigate(address), chromedp.WaitVisible(chromedp.CSS("h1")))
			if name == "objective" || name == "several" {
				b.until(t, time.Minute, `document.getElementById("charts").dataset.drawn > 3`)
			}
			b.check(t, name, l)
		}
	}
}

// restart stops the platform under an open page, and starts it again.
func (w *world) restart(t *testing.T, b *browser) {
	t.Helper()
	b.wear(t, looks()[0])
	b.do(t, chromedp.Navigate("http://"+w.http+"/slos"))
	b.until(t, time.Minute, `document.getElementById("pulse").dataset.state === "live"`)
	ask[bool](t, b, `window.same = true`)
	b.setOffline(true)
	w.platform.stop(t)
	b.until(t, time.Minute, `document.getElementById("pulse").dataset.state === "stale" && document.getElementById("pulse").innerText.includes("Not live")`)
	w.startPlatform(t)
	b.until(t, 2*time.Minute, `window.same === true && document.getElementById("pulse").dataset.state === "live"`)
	b.setOffline(false)
}
