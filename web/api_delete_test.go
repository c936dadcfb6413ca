package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

func TestManyAreDeletedInOneRequest(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Healthy(), webtest.Burning(), webtest.Exhausted())
	w := do(serve(t, source), request(http.MethodPost, "/api/v1/delete",
		`{"objects": [{"kind": "SLO", "name": "payment-works"}, {"kind": "SLO", "name": "gone"}, {"kind": "SLO", "name": "search-works"}]}`))
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{"objects": [
		{"kind": "SLO", "name": "payment-works", "deleted": true},
		{"kind": "SLO", "name": "gone", "deleted": false, "error": "\"gone\": no such SLO"},
		{"kind": "SLO", "name": "search-works", "deleted": true}
	]}`, w.Body.String())
	require.Equal(t, []slo.ObjectRef{{Kind: slo.KindSLO, Name: "payment-works"}, {Kind: slo.KindSLO, Name: "search-works"}}, source.Deleted())
}

func TestARequestToDeleteThatIsWrongDeletesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ target, body, detail string }{
		"no body":             {"/api/v1/delete", "", `send {"objects": [{"kind": "SLO", "name": "..."}]}`},
		"nothing named":       {"/api/v1/delete", `{"objects": []}`, "nothing is named"},
		"an unknown field":    {"/api/v1/delete", `{"slos": ["payment-works"]}`, "unknown field"},
		"an unknown kind":     {"/api/v1/delete", `{"objects": [{"kind": "SLO", "name": "payment-works"}, {"kind": "slo", "name": "a"}]}`, `objects[1]: kind "slo" is none of SLO, AlertCondition`},
		"an unknown question": {"/api/v1/delete?force=true", `{"objects": [{"kind": "SLO", "name": "payment-works"}]}`, "force"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := webtest.NewSource(webtest.Burning())
			p := requireProblem(t, do(serve(t, source), request(http.MethodPost, c.target, c.body)), http.StatusBadRequest)
			require.Contains(t, p.Detail, c.detail)
			require.Empty(t, source.Deleted())
		})
	}
}

func TestDeletingManyWithoutADatabaseIsOurFault(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning())
	source.Trouble = errTrouble
	requireProblem(t, do(serve(t, source), request(http.MethodPost, "/api/v1/delete", `{"objects": [{"kind": "SLO", "name": "payment-works"}]}`)), http.StatusInternalServerError)
}
