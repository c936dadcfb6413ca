package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

const recountPath = "/api/v1/slos/payment-works/recount"

func TestARecountIsBegunAndFollowed(t *testing.T) {
	t.Parallel()
	settings := settings(t, webtest.NewSource(webtest.Burning()))
	counting := &webtest.Counting{}
	settings.Recounts = counting
	handler := newServer(t, settings).Handler()
	requireProblem(t, get(handler, recountPath), http.StatusNotFound)

	w := do(handler, request(http.MethodPost, recountPath, ""))
	require.Equal(t, http.StatusAccepted, w.Code, w.Body.String())
	require.JSONEq(t, `{"slo":"payment-works","series":"","through":"2026-03-14T15:09:26Z","oldest":"2026-03-13T15:09:26Z",
		"running":true,"done":false,"spans":0,"error":null}`, w.Body.String())

	counting.States["payment-works"] = slo.RecountState{Series: "s", Since: webtest.Now().Add(-time.Hour), Spans: 7, Err: "segment 3 is damaged"}
	w = get(handler, recountPath)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.JSONEq(t, `{"slo":"payment-works","series":"s","through":"2026-03-14T14:09:26Z","oldest":null,
		"running":false,"done":false,"spans":7,"error":"segment 3 is damaged"}`, w.Body.String())
}

func TestWhatCannotBeRecountedIsRefused(t *testing.T) {
	t.Parallel()
	settings := settings(t, webtest.NewSource(webtest.Burning()))
	requireProblem(t, do(newServer(t, settings).Handler(), request(http.MethodPost, recountPath, "")), http.StatusNotImplemented)

	settings.Recounts = &webtest.Counting{Trouble: errTrouble}
	handler := newServer(t, settings).Handler()
	requireProblem(t, do(handler, request(http.MethodPost, recountPath, "")), http.StatusInternalServerError)
	requireProblem(t, do(handler, request(http.MethodPost, "/api/v1/slos/nobody/recount", "")), http.StatusNotFound)
	requireProblem(t, get(handler, "/api/v1/slos/nobody/recount"), http.StatusNotFound)
	requireProblem(t, get(handler, recountPath+"?since=yesterday"), http.StatusBadRequest)
}
