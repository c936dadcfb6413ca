package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

// change is one of what Apply or Try says.
func change(kind slo.Kind, name string, effect slo.Effect, revision int) slo.ObjectChange {
	return slo.ObjectChange{
		ObjectRef: slo.ObjectRef{Kind: kind, Name: name}, Effect: effect, Revision: revision,
		AppliedAt: time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC),
	}
}

func TestApplyAnswersWithWhatCameIntoForce(t *testing.T) {
	t.Parallel()
	fresh, edited := change(slo.KindSLO, "fresh", slo.Created, 1), change(slo.KindSLO, "edited", slo.Changed, 7)
	object := change(slo.KindSLI, "fast", slo.Created, 1)
	follower := change(slo.KindSLO, "behind", slo.Changed, 3)
	follower.Follows = true
	for name, c := range map[string]struct {
		applied  slo.Applied
		status   int
		location string
		body     string
	}{
		"a new one is created": {
			slo.Applied{Changes: []slo.ObjectChange{fresh}},
			http.StatusCreated, "/api/v1/slos/fresh",
			`{"slos":[{"name":"fresh","revision":1,"applied_at":"2026-03-14T15:00:00Z"}],"objects":[],"followed":[],"warnings":[],
				"changes":[{"kind":"SLO","name":"fresh","effect":"created","follows":false,"series_change":false,"origin":""}]}`,
		},
		"an edit is not": {
			slo.Applied{Changes: []slo.ObjectChange{edited}},
			http.StatusOK, "",
			`{"slos":[{"name":"edited","revision":7,"applied_at":"2026-03-14T15:00:00Z"}],"objects":[],"followed":[],"warnings":[],
				"changes":[{"kind":"SLO","name":"edited","effect":"changed","follows":false,"series_change":false,"origin":""}]}`,
		},
		"several have no one place": {
			slo.Applied{Changes: []slo.ObjectChange{edited, fresh, object}},
			http.StatusCreated, "",
			`{"slos":[{"name":"edited","revision":7,"applied_at":"2026-03-14T15:00:00Z"},
				{"name":"fresh","revision":1,"applied_at":"2026-03-14T15:00:00Z"}],
				"objects":[{"kind":"SLI","name":"fast","revision":1}],"followed":[],"warnings":[],
				"changes":[{"kind":"SLO","name":"edited","effect":"changed","follows":false,"series_change":false,"origin":""},
					{"kind":"SLO","name":"fresh","effect":"created","follows":false,"series_change":false,"origin":""},
					{"kind":"SLI","name":"fast","effect":"created","follows":false,"series_change":null,"origin":""}]}`,
		},
		"an object has a place of its own": {
			slo.Applied{
				Changes: []slo.ObjectChange{object, follower},
				Warnings: slo.DocumentWarnings{
					{File: "request", Document: 1, Line: 3, Object: "SLI fast", Field: "spec.op", Reason: "has no effect"},
				},
			},
			http.StatusCreated, "/api/v1/objects/SLI/fast",
			`{"slos":[],"objects":[{"kind":"SLI","name":"fast","revision":1}],"followed":["behind"],
				"changes":[{"kind":"SLI","name":"fast","effect":"created","follows":false,"series_change":null,"origin":""},
					{"kind":"SLO","name":"behind","effect":"changed","follows":true,"series_change":false,"origin":""}],
				"warnings":[{"file":"request","document":1,"line":3,"object":"SLI fast","field":"spec.op","reason":"has no effect"}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := webtest.NewSource()
			source.Applied = c.applied
			w := do(serve(t, source), request(http.MethodPost, "/api/v1/slos", "kind: SLO\n---\nkind: SLI\n"))
			require.Equal(t, c.status, w.Code)
			require.Equal(t, c.location, w.Header().Get("Location"))
			require.JSONEq(t, c.body, w.Body.String())
			require.Equal(t, slo.Documents{File: "request", Data: []byte("kind: SLO\n---\nkind: SLI\n")}, source.GotDocuments(),
				"the documents arrive as they were sent")
		})
	}
}

func TestADryRunSaysWhatWouldChange(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource()
	fresh := change(slo.KindSLO, "fresh", slo.Created, 0)
	fresh.Recounts = true
	follower := change(slo.KindSLO, "behind", slo.Changed, 3)
	follower.Follows = true
	source.Applied = slo.Applied{
		Changes:  []slo.ObjectChange{fresh, change(slo.KindSLI, "fast", slo.Unchanged, 1), follower},
		Warnings: slo.DocumentWarnings{{File: "request", Reason: "is odd"}},
	}
	source.Refuses = errTrouble // Apply is not called.
	w := do(serve(t, source), request(http.MethodPost, "/api/v1/slos?dry_run=true&strict=true", "x"))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.JSONEq(t, `{"dry_run":true,"changes":[
		{"kind":"SLO","name":"fresh","effect":"created","follows":false,"series_change":true,"origin":""},
		{"kind":"SLI","name":"fast","effect":"unchanged","follows":false,"series_change":null,"origin":""},
		{"kind":"SLO","name":"behind","effect":"changed","follows":true,"series_change":false,"origin":""}],
		"warnings":[{"file":"request","document":0,"line":0,"object":"","field":"","reason":"is odd"}]}`, w.Body.String())
	require.Equal(t, slo.Documents{File: "request", Data: []byte("x"), Strict: true}, source.GotDocuments())

	w = do(serve(t, source), request(http.MethodPost, "/api/v1/slos?dry_run=true&of_files=true", "x"))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	require.True(t, source.GotDocuments().OfFiles)

	source.ApplyError = slo.DocumentErrors{{File: "request", Reason: "is wrong"}}
	p := requireProblem(t, do(serve(t, source), request(http.MethodPost, "/api/v1/slos?dry_run=true", "x")), http.StatusBadRequest)
	require.Equal(t, "is wrong", p.Errors[0].Reason)
}

func TestFlagsOfApplyAreTrueOrFalse(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource()
	handler := serve(t, source)
	for _, query := range []string{"?dry_run=yes", "?strict=1", "?strict=true&strict=true", "?dryrun=true", "?of_files=true"} {
		requireProblem(t, do(handler, request(http.MethodPost, "/api/v1/slos"+query, "x")), http.StatusBadRequest)
	}
	require.Nil(t, source.Got(), "a flag that is misspelled applies nothing")
	w := do(handler, request(http.MethodPost, "/api/v1/slos?strict=false&dry_run=false", "x"))
	require.Equal(t, http.StatusOK, w.Code)
}
