package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares JSON, indented, with a file of testdata.
func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var got bytes.Buffer
	require.NoError(t, json.Indent(&got, body, "", "  "))
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, got.Bytes(), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}

// TestStatusJSON holds the shape of a status, which is stable.
func TestStatusJSON(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]slo.Status{
		"healthy": webtest.Healthy(), "burning": webtest.Burning(), "exhausted": webtest.Exhausted(),
		"unmeasured": webtest.Unmeasured(), "tiers": webtest.Tiers(), "silent": webtest.Silent(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := get(serve(t, webtest.NewSource(status)), "/api/v1/slos/"+status.Definition.SLO.Name)
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			golden(t, "status-"+name+".json", w.Body.Bytes())
		})
	}
}

func TestCountsOfTheAPIAreThoseOfTheEngine(t *testing.T) {
	t.Parallel()
	status := webtest.Exhausted()
	w := get(serve(t, webtest.NewSource(status)), "/api/v1/slos/search-works")
	var got struct {
		Objectives []struct {
			Good, Bad, Unknown, Total int64
			Target                    json.Number
			SLI                       float64
			Budget                    struct {
				Total          float64
				Spent          int64
				RemainingRatio float64 `json:"remaining_ratio"`
			}
		}
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	o, want := got.Objectives[0], status.Objectives[0]
	require.Equal(t, want.Counts, slo.Counts{Good: o.Good, Bad: o.Bad, Unknown: o.Unknown})
	require.Equal(t, want.Counts.Total(), o.Total)
	require.Equal(t, json.Number("0.9995"), o.Target)
	require.InDelta(t, float64(o.Good)/float64(o.Total), o.SLI, 1e-15)
	require.Equal(t, want.Budget.Spent, o.Budget.Spent)
	require.InDelta(t, want.Budget.RemainingRatio, o.Budget.RemainingRatio, 0)
	require.Less(t, o.Budget.RemainingRatio, -1.0, "the ratio is signed and not clamped")
}

type listed struct {
	SLOs  []struct{ Name string }
	Total int
	Next  *string
}

func list(t *testing.T, handler http.Handler, target string) listed {
	t.Helper()
	w := get(handler, target)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	var out listed
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
	return out
}

func TestTheListIsFiltered(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource(webtest.Healthy(), webtest.Burning(), webtest.Exhausted(), webtest.Unmeasured()))
	for query, want := range map[string][]string{
		"":                                 {"checkout-fast", "invoice-works", "payment-works", "search-works"},
		"?state=burning":                   {"payment-works"},
		"?state=exhausted":                 {"search-works"},
		"?state=unmeasured":                {"invoice-works"},
		"?state=ok":                        {"checkout-fast"},
		"?service=billing":                 {"invoice-works"},
		"?service=bill":                    {},
		"?q=WORKS":                         {"invoice-works", "payment-works", "search-works"},
		"?q=billing":                       {"invoice-works"},
		"?q=answers+within":                {"checkout-fast"},
		"?q=works&state=ok":                {},
		"?after=invoice-works":             {"payment-works", "search-works"},
		"?limit=1&after=checkout":          {"checkout-fast"},
		"?limit=4":                         {"checkout-fast", "invoice-works", "payment-works", "search-works"},
		"?q=works&state=burning&limit=100": {"payment-works"},
	} {
		names := []string{}
		for _, s := range list(t, handler, "/api/v1/slos"+query).SLOs {
			names = append(names, s.Name)
		}
		require.Equal(t, want, names, query)
	}
}

func TestTheListIsReadPageByPage(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource(webtest.Many(1000)...))
	first := list(t, handler, "/api/v1/slos")
	require.Len(t, first.SLOs, 100)
	var names []string
	after := ""
	for pages := 1; ; pages++ {
		got := list(t, handler, "/api/v1/slos?limit=300&after="+after)
		require.Equal(t, 1000, got.Total)
		for _, s := range got.SLOs {
			names = append(names, s.Name)
		}
		if got.Next == nil {
			require.Equal(t, 4, pages)
			break
		}
		after = *got.Next
	}
	require.Len(t, names, 1000)
	for i, name := range names {
		require.Equal(t, fmt.Sprintf("objective-%05d", i), name)
	}
	require.Nil(t, list(t, handler, "/api/v1/slos?limit=1000").Next)
}

func TestQueriesThatMeanNothingAreRefused(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource(webtest.Healthy()))
	for _, target := range []string{
		"/api/v1/slos?limit=0", "/api/v1/slos?limit=1001", "/api/v1/slos?limit=-1", "/api/v1/slos?limit=ten", "/api/v1/slos?limit=1.5",
		"/api/v1/slos?state=fine", "/api/v1/objects?kind=SLO", "/api/v1/objects?after=SLI", "/api/v1/objects?limit=0", "/api/v1/objects/SLI/fast?x=1", "/api/v1/slos?sort=name", "/api/v1/slos?q=a&q=b",
		"/api/v1/slos/checkout-fast?x=1", "/api/v1/services?limit=1",
		"/api/v1/alerts?limit=0", "/api/v1/alerts?slo=x", "/api/v1/slos/checkout-fast/buckets?step=1m",
	} {
		requireProblem(t, get(handler, target), http.StatusBadRequest)
	}
	for _, target := range []string{"/?page=0", "/?page=x", "/?state=fine", "/?sort=name"} {
		page(t, get(handler, target), http.StatusBadRequest)
	}
}

func TestAnSLOThatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource())
	require.Contains(t, requireProblem(t, get(handler, "/api/v1/slos/gone"), http.StatusNotFound).Detail, "gone")
	requireProblem(t, get(handler, "/api/v1/slos/gone/buckets"), http.StatusNotFound)
	requireProblem(t, do(handler, request(http.MethodDelete, "/api/v1/slos/gone", "")), http.StatusNotFound)
	page(t, get(handler, "/slos/gone"), http.StatusNotFound)
}

func TestApplyRefusesAnEmptyBody(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource()
	for _, body := range []string{"", " \n\t"} {
		requireProblem(t, do(serve(t, source), request(http.MethodPost, "/api/v1/slos", body)), http.StatusBadRequest)
	}
	require.Nil(t, source.Got())
}

// brokenBody is a connection that breaks off.
type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("unexpected EOF") }
func (brokenBody) Close() error             { return nil }

func TestABodyThatBreaksOffIsTheClientsFault(t *testing.T) {
	t.Parallel()
	r := request(http.MethodPost, "/api/v1/slos", "")
	r.Body, r.ContentLength = brokenBody{}, 5
	requireProblem(t, do(serve(t, webtest.NewSource()), r), http.StatusBadRequest)
}

func TestFaultsOfDocumentsAreNamed(t *testing.T) {
	t.Parallel()
	faults := slo.DocumentErrors{
		{File: "request", Document: 2, Line: 12, Object: "SLO checkout-fast", Field: "spec.service", Reason: "is required"},
		{File: "request", Reason: "is not YAML"},
	}
	for name, fault := range map[string]error{
		"as they are": faults, "wrapped": fmt.Errorf("apply: %w", faults), "one alone": faults[0],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := webtest.NewSource()
			source.ApplyError = fault
			p := requireProblem(t, do(serve(t, source), request(http.MethodPost, "/api/v1/slos", "x")), http.StatusBadRequest)
			first := p.Errors[0]
			require.Equal(t, slo.DocumentError{
				File: first.File, Document: first.Document, Line: first.Line, Object: first.Object, Field: first.Field, Reason: first.Reason,
			}, faults[0])
			require.Contains(t, p.Detail, "nothing was applied")
		})
	}
}

func TestReadOnlySLOsAreRefused(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Healthy(), webtest.Burning())
	handler := serve(t, source)
	p := requireProblem(t, do(handler, request(http.MethodDelete, "/api/v1/slos/checkout-fast", "")), http.StatusConflict)
	require.Contains(t, p.Detail, "slos/checkout.yaml")
	source.ApplyError = fmt.Errorf("checkout-fast: %w", slo.ErrReadOnly)
	requireProblem(t, do(handler, request(http.MethodPost, "/api/v1/slos", "x")), http.StatusConflict)
	require.Empty(t, source.Deleted())
}

func TestDeleteEndsAnSLO(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning())
	w := do(serve(t, source), request(http.MethodDelete, "/api/v1/slos/payment-works", ""))
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Empty(t, w.Body.String())
	require.Equal(t, []slo.ObjectRef{{Kind: slo.KindSLO, Name: "payment-works"}}, source.Deleted())
}

func TestServicesAreListed(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource()
	require.JSONEq(t, `{"services":[]}`, get(serve(t, source), "/api/v1/services").Body.String())
	source.Seen = []slo.Service{
		{Name: "checkout", Spans: 12345, LastSeen: time.Date(2026, 3, 14, 16, 0, 0, 5e8, time.FixedZone("CET", 3600))},
		{Name: "silent"},
	}
	require.JSONEq(t, `{"services":[{"name":"checkout","spans":12345,"last_seen":"2026-03-14T15:00:00.5Z"},
		{"name":"silent","spans":0,"last_seen":null}]}`, get(serve(t, source), "/api/v1/services").Body.String())
}

func TestAlertsAreListed(t *testing.T) {
	t.Parallel()
	at := webtest.Now()
	source := webtest.NewSource()
	source.Closed = []slo.Episode{
		{ID: "3", SLO: "c", Tier: "fast", Severity: slo.Page, State: slo.Firing, PendingSince: at, FiredAt: at},
		{ID: "5", SLO: "e", Tier: "6h", Severity: slo.Page, State: slo.Firing, PendingSince: at, FiredAt: at},
		{ID: "2", SLO: "b", Objective: 1, Tier: "3d", Severity: slo.Ticket, State: slo.Pending, PendingSince: at},
		{ID: "1", SLO: "a", Tier: "1h", Severity: slo.Page, State: slo.Resolved, PendingSince: at.Add(-2e9), FiredAt: at.Add(-1e9), ResolvedAt: at},
		{ID: "4", SLO: "d", Tier: "6h", Severity: slo.Page, State: slo.Lapsed, PendingSince: at, ResolvedAt: at},
	}
	handler := serve(t, source)
	w := get(handler, "/api/v1/alerts")
	require.Equal(t, http.StatusOK, w.Code)
	golden(t, "alerts.json", w.Body.Bytes())
	require.Equal(t, 2, strings.Count(get(handler, "/api/v1/alerts?limit=2").Body.String(), `"id"`))
}

func TestHealth(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource()
	require.JSONEq(t, `{"status":"ok"}`, get(serve(t, source), "/healthz").Body.String())
	require.JSONEq(t, `{"status":"ready"}`, get(serve(t, source), "/readyz").Body.String())
	require.Equal(t, "metrics 1\n", get(serve(t, source), "/metrics").Body.String())
	source.NotReady = errTrouble
	requireProblem(t, get(serve(t, source), "/readyz"), http.StatusServiceUnavailable)
	require.Equal(t, http.StatusOK, get(serve(t, source), "/healthz").Code, "alive is not ready")
}

func TestTheSLOIsAsStaleAsItsStalestObjective(t *testing.T) {
	t.Parallel()
	type since struct {
		Stale   *string `json:"stale_since"`
		Counted *string `json:"counted_since"`
	}
	ask := func(change func(first, second *slo.ObjectiveStatus)) (whole since, each []since) {
		status := webtest.Tiers()
		change(&status.Objectives[0], &status.Objectives[1])
		var got struct {
			since
			Objectives []since
		}
		require.NoError(t, json.Unmarshal(get(serve(t, webtest.NewSource(status)), "/api/v1/slos/batch-done").Body.Bytes(), &got))
		return got.since, got.Objectives
	}
	early, late := "2026-03-14T15:00:00Z", "2026-03-14T15:05:00Z"
	at := func(text string) time.Time {
		instant, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return instant
	}
	whole, each := ask(func(first, second *slo.ObjectiveStatus) {
		first.CountedSince, second.CountedSince = at(early), at(late)
	})
	require.Equal(t, since{Counted: &late}, whole, "all were counted from the latest on")
	require.Equal(t, []since{{Counted: &early}, {Counted: &late}}, each)

	whole, each = ask(func(first, second *slo.ObjectiveStatus) {
		first.StaleSince, second.StaleSince, first.CountedSince = at(late), at(early), time.Time{}
	})
	require.Equal(t, since{Stale: &early}, whole, "since when one is counted is not known")
	require.Equal(t, &late, each[0].Stale)
}
