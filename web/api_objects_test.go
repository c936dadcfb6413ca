package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

// objects is a source of two objects, of which one is used.
func objects() *webtest.Source {
	source := webtest.NewSource()
	policy, fast := slo.ObjectRef{Kind: slo.KindAlertPolicy, Name: "page"}, slo.ObjectRef{Kind: slo.KindSLI, Name: "fast"}
	at := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	source.Others = []slo.Object{
		{ObjectRef: policy, Document: []byte("kind: AlertPolicy # as written\n"), Origin: "slos/page.yaml", Revision: 2, AppliedAt: at},
		{ObjectRef: fast, Document: []byte("kind: SLI\n"), Revision: 1, AppliedAt: at},
		{ObjectRef: slo.ObjectRef{Kind: slo.KindSLI, Name: "unused"}, Revision: 1, AppliedAt: at},
	}
	source.UsedBy = map[slo.ObjectRef][]slo.ObjectRef{fast: {{Kind: slo.KindSLO, Name: "checkout"}}}
	return source
}

const (
	pageJSON = `"kind":"AlertPolicy","name":"page","revision":2,"origin":"slos/page.yaml","applied_at":"2026-03-14T15:00:00Z",
		"used_by":[],"used_by_total":0`
	fastJSON = `"kind":"SLI","name":"fast","revision":1,"origin":"","applied_at":"2026-03-14T15:00:00Z",
		"used_by":[{"kind":"SLO","name":"checkout"}],"used_by_total":1`
	unusedJSON = `"kind":"SLI","name":"unused","revision":1,"origin":"","applied_at":"2026-03-14T15:00:00Z","used_by":[],"used_by_total":0`
)

func TestObjectsAreListed(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"objects":[],"total":0,"next":null}`, get(serve(t, webtest.NewSource()), "/api/v1/objects").Body.String())
	handler := serve(t, objects())
	for query, want := range map[string]string{
		"":                                `{"objects":[{` + pageJSON + `},{` + fastJSON + `},{` + unusedJSON + `}],"total":3,"next":null}`,
		"?kind=SLI":                       `{"objects":[{` + fastJSON + `},{` + unusedJSON + `}],"total":2,"next":null}`,
		"?kind=DataSource":                `{"objects":[],"total":0,"next":null}`,
		"?limit=1":                        `{"objects":[{` + pageJSON + `}],"total":3,"next":"AlertPolicy/page"}`,
		"?limit=1&after=AlertPolicy/page": `{"objects":[{` + fastJSON + `}],"total":3,"next":"SLI/fast"}`,
		"?limit=1&after=SLI/fast":         `{"objects":[{` + unusedJSON + `}],"total":3,"next":null}`,
		"?kind=SLI&limit=1":               `{"objects":[{` + fastJSON + `}],"total":2,"next":"SLI/fast"}`,
	} {
		w := get(handler, "/api/v1/objects"+query)
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		require.JSONEq(t, want, w.Body.String(), query)
	}
}

func TestAnObjectIsShownWithItsDocument(t *testing.T) {
	t.Parallel()
	source := objects()
	handler := serve(t, source)
	w := get(handler, "/api/v1/objects/AlertPolicy/page")
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{`+pageJSON+`,"document":"kind: AlertPolicy # as written\n"}`, w.Body.String())

	fast := source.Others[1].ObjectRef
	for i := range 250 {
		source.UsedBy[fast] = append(source.UsedBy[fast], slo.ObjectRef{Kind: slo.KindSLO, Name: fmt.Sprint("slo-", i)})
	}
	var got struct {
		UsedBy []slo.ObjectRef `json:"used_by"`
		Total  int             `json:"used_by_total"`
	}
	require.NoError(t, json.Unmarshal(get(handler, "/api/v1/objects/SLI/fast").Body.Bytes(), &got))
	require.Len(t, got.UsedBy, 100)
	require.Equal(t, 251, got.Total)
}

func TestObjectsThatAreNotThereAreNotFound(t *testing.T) {
	t.Parallel()
	handler := serve(t, objects())
	for target, want := range map[string]string{
		"/api/v1/objects/SLI/none": "SLI none", "/api/v1/objects/AlertPolicy/fast": "AlertPolicy fast",
		"/api/v1/objects/SLO/checkout": "/api/v1/slos", "/api/v1/objects/sli/fast": "is none of AlertCondition",
	} {
		require.Contains(t, requireProblem(t, get(handler, target), http.StatusNotFound).Detail, want)
		require.Contains(t, requireProblem(t, do(handler, request(http.MethodDelete, target, "")), http.StatusNotFound).Detail, want)
	}
}

func TestAnObjectIsDeletedUnlessItIsNeeded(t *testing.T) {
	t.Parallel()
	source := objects()
	handler := serve(t, source)
	p := requireProblem(t, do(handler, request(http.MethodDelete, "/api/v1/objects/SLI/fast", "")), http.StatusConflict)
	require.Contains(t, p.Detail, "SLO checkout")
	p = requireProblem(t, do(handler, request(http.MethodDelete, "/api/v1/objects/AlertPolicy/page", "")), http.StatusConflict)
	require.Contains(t, p.Detail, "slos/page.yaml")
	require.Empty(t, source.Deleted())
	w := do(handler, request(http.MethodDelete, "/api/v1/objects/SLI/unused", ""))
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Equal(t, []slo.ObjectRef{{Kind: slo.KindSLI, Name: "unused"}}, source.Deleted())
}
