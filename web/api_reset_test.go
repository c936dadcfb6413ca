package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

const resetPath = "/api/v1/slos/payment-works/reset"

func TestABudgetIsBegunAnewWithAReason(t *testing.T) {
	t.Parallel()
	settings := settings(t, webtest.NewSource(webtest.Burning()))
	resets := &webtest.Resets{}
	settings.Resets = resets
	handler := newServer(t, settings).Handler()
	w := do(handler, request(http.MethodPost, resetPath, `{"reason":" a load test "}`))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.JSONEq(t, `{"slo":"payment-works","resets":[{"objective":0,"at":"2026-03-14T15:09:26Z","reason":"a load test"}]}`, w.Body.String())
	w = do(handler, request(http.MethodPost, resetPath, `{"reason":"x","objective":0}`))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.Len(t, resets.Made, 2)
}

func TestWhatCannotBeResetIsRefused(t *testing.T) {
	t.Parallel()
	settings := settings(t, webtest.NewSource(webtest.Burning()))
	requireProblem(t, do(newServer(t, settings).Handler(), request(http.MethodPost, resetPath, `{"reason":"x"}`)), http.StatusNotImplemented)
	resets := &webtest.Resets{}
	settings.Resets = resets
	handler := newServer(t, settings).Handler()
	for _, body := range []string{
		"", "{}", "[]", `{"reason":"  "}`, `{"reason":"x","objective":1}`, `{"reason":"x","objective":-1}`, `{"reason":"x","why":"y"}`,
		`{"reason":"a\nb"}`, "{\"reason\":\"a\u202eb\"}", "{\"reason\":\"a\u2800\"}", `{"reason":"` + strings.Repeat("x", slo.MaxResetReason+1) + `"}`,
	} {
		requireProblem(t, do(handler, request(http.MethodPost, resetPath, body)), http.StatusBadRequest)
	}
	requireProblem(t, do(handler, request(http.MethodPost, "/api/v1/slos/nobody/reset", `{"reason":"x"}`)), http.StatusNotFound)
	requireProblem(t, do(handler, request(http.MethodPost, resetPath+"?all=1", `{"reason":"x"}`)), http.StatusBadRequest)
	require.Empty(t, resets.Made)
	resets.Trouble = errTrouble
	requireProblem(t, do(handler, request(http.MethodPost, resetPath, `{"reason":"x"}`)), http.StatusInternalServerError)
}

func TestBothBudgetsAreInTheAPI(t *testing.T) {
	t.Parallel()
	handler := newServer(t, settings(t, webtest.NewSource(webtest.Maintained()))).Handler()
	w := get(handler, "/api/v1/slos/payment-works")
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	golden(t, "status-excluded.json", w.Body.Bytes())
}
