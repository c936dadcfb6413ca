package shop_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/examples/shop"
)

func console(t *testing.T) (http.Handler, *shop.Shop) {
	t.Helper()
	s, err := shop.New(shop.Settings{Exporter: &memory{}, Rate: 1, Seed: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.Background())) })
	c, err := shop.NewConsole(s, "http://127.0.0.1:8080")
	require.NoError(t, err)
	return c.Handler(), s
}

func post(handler http.Handler, path, contentType, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func show(handler http.Handler) string {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Body.String()
}

func TestWebhooksAreShownAsText(t *testing.T) {
	t.Parallel()
	handler, _ := console(t)
	require.Contains(t, show(handler), "None yet")
	hook := `{"status":"firing","alerts":[{"labels":{"slo":"<script>alert(1)</script>","severity":"page","tier":"fast"},` +
		`"annotations":{"summary":"<img src=x onerror=alert(1)>"}}]}`
	require.Equal(t, http.StatusOK, post(handler, "/webhook", "application/json", hook).Code)
	page := show(handler)
	require.Contains(t, page, "page · fast")
	require.Contains(t, page, "&lt;script&gt;")
	require.NotContains(t, page, "<script>")
	require.NotContains(t, page, "<img")
	require.Equal(t, http.StatusBadRequest, post(handler, "/webhook", "application/json", "nonsense").Code)
	require.Equal(t, http.StatusBadRequest, post(handler, "/webhook", "application/json", strings.Repeat("x", 2<<20)).Code)
	for range 300 {
		post(handler, "/webhook", "application/json", hook)
	}
	require.Equal(t, 200, strings.Count(show(handler), "<article"))
}

func TestOrdersAreCarriedOut(t *testing.T) {
	t.Parallel()
	handler, s := console(t)
	w := post(handler, "/break", "application/json", `{"service":"payments","errors":0.2}`)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Contains(t, w.Body.String(), `"payments":{"errors":0.2}`)
	require.Contains(t, show(handler), "20 % errors")
	require.Equal(t, http.StatusBadRequest, post(handler, "/break", "application/json", `{"service":"payments","errors":20}`).Code)
	require.Equal(t, http.StatusBadRequest, post(handler, "/break", "application/json", `{`).Code)
	require.Equal(t, http.StatusOK, post(handler, "/heal", "application/json", `{}`).Code)

	form := url.Values{"service": {"cart"}, "what": {"outage"}}.Encode()
	require.Equal(t, http.StatusSeeOther, post(handler, "/break", "application/x-www-form-urlencoded", form).Code)
	require.True(t, s.Faults().Of("cart", noon()).Outage)
	foreign := post(handler, "/heal", "application/x-www-form-urlencoded", "service=cart", "Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, foreign.Code, "a page of another origin changes nothing")
}
