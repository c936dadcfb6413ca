package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

// drafting is a source that drafts, checks and previews one SLO.
func drafting() *webtest.Source {
	source := webtest.NewSource(webtest.Healthy(), webtest.Burning())
	source.Moving = webtest.Busy()
	source.Seen = []slo.Service{{Name: "checkout"}, {Name: `"><script>alert(1)</script>`}}
	source.Drafted = slo.DraftSLO(webtest.Busy()[1], slo.Counts{Good: 9998, Bad: 2})
	source.Checked = []slo.SLO{source.Drafted}
	source.Document = []byte("kind: SLO # <as text>")
	source.Previewed = webtest.Previewed()
	return source
}

// typedForm is the draft as a browser sends it, with changes.
func typedForm(changes map[string]string) url.Values {
	form := url.Values{
		"mode": {"form"}, "name": {"checkout-post-checkout"}, "title": {"Checking out works"}, "service": {"checkout"},
		"condition": {"span.kind == SPAN_KIND_SERVER"}, "good": {"span.status.code != STATUS_CODE_ERROR"},
		"max_duration": {"250ms"}, "target": {"99.9"}, "window": {"28d"},
	}
	for key, value := range changes {
		form.Set(key, value)
	}
	return form
}

func postForm(target string, form url.Values) *http.Request {
	r := request(http.MethodPost, target, form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestADraftIsShownWithWhatItWouldHaveCounted(t *testing.T) {
	t.Parallel()
	w := get(serve(t, drafting()), "/create?service=checkout&operation=POST+%2Fcheckout&kind=server")
	require.NotContains(t, w.Body.String(), "<script>alert")
	document := page(t, w, http.StatusOK)
	require.Equal(t, "checkout-post-checkout", document.Find("input[name=name]").AttrOr("value", ""))
	require.Equal(t, "99.95", document.Find("input[name=target]").AttrOr("value", ""))
	require.Equal(t, "1.5s", document.Find("input[name=max_duration]").AttrOr("value", ""))
	require.Contains(t, document.Find("input[name=condition]").AttrOr("value", ""), `span.name == "POST /checkout"`)
	preview := text(document.Find("#preview"))
	require.Contains(t, preview, "99.900 % to 99.920 % 99 900 of 100 000")
	require.Contains(t, preview, "the newest 1 200 000 spans, which arrived within 3h")
	require.Contains(t, preview, `<b>POST</b> "/checkout"`)
	require.Equal(t, 4, document.Find(".samples tbody tr").Length())
}

func TestWhatWasTypedIsApplied(t *testing.T) {
	t.Parallel()
	source := drafting()
	w := do(serve(t, source), postForm("/create", typedForm(nil)))
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body.String())
	require.Equal(t, "/slos/checkout-post-checkout", w.Header().Get("Location"))
	require.Equal(t, string(source.Document), string(source.Got()))

	w = do(serve(t, source), postForm("/create", url.Values{"mode": {"text"}, "text": {"kind: SLO # as typed"}}))
	require.Equal(t, http.StatusSeeOther, w.Code)
	require.Equal(t, "kind: SLO # as typed", string(source.Got()), "text is applied as it is")
}

func TestFaultsStandBesideTheirFields(t *testing.T) {
	t.Parallel()
	source := drafting()
	handler := serve(t, source)
	w := do(handler, postForm("/create", typedForm(map[string]string{"name": "", "target": "100", "window": "soon", "max_duration": "-1s"})))
	document := page(t, w, http.StatusUnprocessableEntity)
	for field, want := range map[string]string{
		"name": "is required", "target": "below 100", "window": "28d", "max_duration": "300ms",
	} {
		input := document.Find("input[name=" + field + "]")
		require.Equal(t, "true", input.AttrOr("aria-invalid", ""), field)
		require.Contains(t, document.Find("#"+input.AttrOr("aria-describedby", "")).Text(), want)
	}
	require.Equal(t, "soon", document.Find("input[name=window]").AttrOr("value", ""), "what was typed stays")
	require.Nil(t, source.Got(), "nothing was applied")

	source.ApplyError = slo.DocumentErrors{
		{Field: "spec.indicator.spec.ratioMetric.total.metricSource.spec.condition", Line: 12, Reason: "span.knd is not known"},
		{Field: "spec.other", Line: 3, Reason: "is wrong"},
	}
	document = page(t, do(handler, postForm("/create", typedForm(nil))), http.StatusUnprocessableEntity)
	require.Contains(t, document.Find("#h-condition").Text(), "span.knd is not known")
	require.Contains(t, document.Find(".faults").Text(), "is wrong")
	document = page(t, do(handler, postForm("/create", url.Values{"mode": {"text"}, "text": {"x"}})), http.StatusUnprocessableEntity)
	require.Contains(t, text(document.Find(".faults")), "line 12")
	require.Equal(t, "x", document.Find("textarea").Text())
}

func TestAFormBecomesTextAndBack(t *testing.T) {
	t.Parallel()
	source := drafting()
	handler := serve(t, source)
	document := page(t, do(handler, postForm("/create/text", typedForm(nil))), http.StatusOK)
	require.Equal(t, "kind: SLO # <as text>", document.Find("textarea").Text())
	document = page(t, do(handler, postForm("/create/form", url.Values{"mode": {"text"}, "text": {"x"}})), http.StatusOK)
	require.Equal(t, source.Drafted.Name, document.Find("input[name=name]").AttrOr("value", ""))

	source.Checked = []slo.SLO{source.Drafted, source.Drafted}
	document = page(t, do(handler, postForm("/create/form", url.Values{"mode": {"text"}, "text": {"x"}})), http.StatusOK)
	require.Contains(t, document.Find(".form .hint").Text(), "several documents")
	require.Equal(t, 1, document.Find("textarea").Length(), "it stays text")
}

func TestThePreviewIsAPartForHTMXAndAPageForOthers(t *testing.T) {
	t.Parallel()
	handler := serve(t, drafting())
	r := postForm("/create/preview", typedForm(nil))
	r.Header.Set("HX-Request", "true")
	w := do(handler, r)
	require.Equal(t, http.StatusOK, w.Code)
	require.True(t, strings.HasPrefix(strings.TrimSpace(w.Body.String()), `<section class="panel preview" id="preview"`), w.Body.String())
	require.Equal(t, 1, page(t, do(handler, postForm("/create/preview", typedForm(nil))), http.StatusOK).Find("#preview .tile").Eq(0).Length())

	wrong := postForm("/create/preview", typedForm(map[string]string{"target": "x"}))
	wrong.Header.Set("HX-Request", "true")
	require.Contains(t, do(handler, wrong).Body.String(), "It cannot be previewed")
}

func TestAnExistingNameIsPointedOut(t *testing.T) {
	t.Parallel()
	source := drafting()
	source.Checked[0].Name = "payment-works"
	handler := serve(t, source)
	part := postForm("/create/preview", typedForm(nil))
	part.Header.Set("HX-Request", "true")
	require.Contains(t, do(handler, part).Body.String(), "exists: applying replaces it")
	edited := page(t, do(handler, postForm("/create/preview", typedForm(map[string]string{"edit": "payment-works"}))), http.StatusOK)
	require.Zero(t, edited.Find("#preview .notice").Length(), "that is the one that is edited")
	require.Equal(t, "Edit payment-works", edited.Find("h1").Text())
}

func TestNamesThatCannotBeUsedAreRefusedAndNothingTypedIsLost(t *testing.T) {
	t.Parallel()
	source := drafting()
	handler := serve(t, source)
	source.Checked[0].Name = "checkout-fast"
	document := page(t, do(handler, postForm("/create", typedForm(nil))), http.StatusUnprocessableEntity)
	require.Contains(t, document.Find("#h-name").Text(), "comes from the file slos/checkout.yaml")

	source.Checked[0].Name = "renamed"
	document = page(t, do(handler, postForm("/create", typedForm(map[string]string{"edit": "payment-works"}))), http.StatusUnprocessableEntity)
	require.Contains(t, document.Find("#h-name").Text(), "is that of payment-works")

	source.Checked[0].Name = "fine"
	source.ApplyError = nil
	source.Trouble = nil
	failing := drafting()
	failing.Refuses = errTrouble
	document = page(t, do(serve(t, failing), postForm("/create", typedForm(nil))), http.StatusInternalServerError)
	require.Equal(t, "28d", document.Find("input[name=window]").AttrOr("value", ""))
	require.Contains(t, document.Find(".faults").Text(), "It was not applied")
	require.NotContains(t, document.Text(), "secret-detail")
}

func TestEditingBeginsWithTheDocumentAsItWasWritten(t *testing.T) {
	t.Parallel()
	document := page(t, get(serve(t, drafting()), "/create?edit=payment-works"), http.StatusOK)
	require.Contains(t, document.Find("textarea").Text(), "name: payment-works")
	require.Equal(t, "payment-works", document.Find("input[name=edit]").AttrOr("value", ""))
}

func TestServicesAreListedWithWhatTheyDo(t *testing.T) {
	t.Parallel()
	source := drafting()
	source.Seen = append(source.Seen, slo.Service{Name: "caller"})
	handler := serve(t, source)
	w := get(handler, "/services")
	require.NotContains(t, w.Body.String(), "<script>alert")
	rows := page(t, w, http.StatusOK).Find("#live tbody tr")
	require.Equal(t, 6, rows.Length())
	require.Contains(t, text(rows.Eq(1)), "payment server 2/s 11.94 % 42 ms 180 ms 1.25 s")
	require.Contains(t, rows.Text(), "calls only")
	link := rows.Eq(0).Find("a").First().AttrOr("href", "")
	w = get(handler, link)
	require.NotContains(t, w.Body.String(), "<script>alert")
	hostile := page(t, w, http.StatusOK)
	require.Equal(t, `"><script>alert(1)</script>`, hostile.Find("h1").Text())
	page(t, get(handler, hostile.Find("td a.button").First().AttrOr("href", "")), http.StatusOK)
	require.Equal(t, 1, page(t, get(handler, "/services?q=PAYM"), http.StatusOK).Find("#live tbody tr").Length())
}

func TestWarningsStandInThePreview(t *testing.T) {
	t.Parallel()
	source := drafting()
	source.Warned = slo.DocumentWarnings{{Line: 7, Field: "spec.objectives[0].op", Reason: "has no effect"}}
	document := page(t, do(serve(t, source), postForm("/create/preview", url.Values{"mode": {"text"}, "text": {"x"}})), http.StatusOK)
	require.Contains(t, text(document.Find("#preview .faults")), "line 7 : spec.objectives[0].op has no effect")
}

func TestADocumentWithoutAnSLOIsNoneForThisPage(t *testing.T) {
	t.Parallel()
	source := drafting()
	source.Checked = nil
	for _, target := range []string{"/create", "/create/preview", "/create/form"} {
		document := page(t, do(serve(t, source), postForm(target, url.Values{"mode": {"text"}, "text": {"kind: SLI"}})), http.StatusUnprocessableEntity)
		require.Contains(t, document.Find(".faults").Text(), "holds no SLO")
	}
}
