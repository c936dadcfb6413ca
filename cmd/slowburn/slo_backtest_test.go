package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

// counted10 is a ledger in which every slice has 100 events of which one in
// 1000 is bad, and half of them in an outage of ten minutes three hours ago.
type counted10 struct{ *webtest.Source }

func (counted10) Buckets(_ context.Context, _ slo.SeriesID, from, to slo.Slice) ([]slo.Bucket, error) {
	now := slo.SliceOf(time.Now())
	var all []slo.Bucket
	for s := max(from, now-3*8640); s < min(to, now); s++ {
		b := slo.Bucket{Slice: s, Counts: slo.Counts{Good: 100}}
		switch {
		case s >= now-1080 && s < now-1020:
			b.Counts = slo.Counts{Good: 50, Bad: 50}
		case s%50 == 0:
			b.Counts = slo.Counts{Good: 99, Bad: 1}
		}
		all = append(all, b)
	}
	return all, nil
}

func serveCounts(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../examples/slos/checkout.yaml")
	require.NoError(t, err)
	return serveCountsOf(t, string(text))
}

func serveCountsOf(t *testing.T, documents string) string {
	t.Helper()
	set := newCatalog(t)
	fromFile(t, set, "checkout.yaml", documents)
	source := inForceWithObjectives{inForce{webtest.NewSource(), set}}
	server := httptest.NewServer(apiOf(t, func(s *web.Settings) {
		s.Statuses, s.Definitions, s.Objects, s.Ledger = source, set, set, counted10{webtest.NewSource()}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// inForceWithObjectives has a status for each objective.
type inForceWithObjectives struct{ inForce }

func (f inForceWithObjectives) Status(name string) (slo.Status, error) {
	status, err := f.inForce.Status(name)
	if err == nil {
		status.Objectives = make([]slo.ObjectiveStatus, status.Definition.SLO.Evaluated())
		for i := range status.Objectives {
			status.Objectives[i].Index = i
		}
	}
	return status, err
}

func TestBacktestOverAServer(t *testing.T) {
	t.Parallel()
	server := serveCounts(t)
	ran := runSLO(t, "", "backtest", "--server", server, "--since", "3d", "--policy", "../../examples/policies/half-hour.yaml", "checkout-availability")
	require.Zero(t, ran.status, ran.stderr)
	require.Contains(t, ran.stdout, "1 incident found.")
	require.Regexp(t, `default +2\.33 +\S+ +1/1 `, ran.stdout)
	require.Regexp(t, `half-hour +2\.33 +0 +1/1 `, ran.stdout)
	require.Contains(t, ran.stdout, "Recommended: ")

	ran = runSLO(t, "", "backtest", "--server", server, "--since", "1d", "-o", "json", "checkout-availability")
	require.Zero(t, ran.status, ran.stderr)
	var report backtestOutput
	require.NoError(t, json.Unmarshal([]byte(ran.stdout), &report))
	require.Len(t, report.Policies, 1)
	require.Equal(t, "fast", report.Policies[0].Detections[0].Tier)
	require.InDelta(t, 30, *report.Policies[0].MedianSeconds, 30)
	require.NotEmpty(t, report.Policies[0].Objectives[0].Episodes[0].Because)

	ran = runSLO(t, "", "backtest", "--server", server, "nobody")
	require.Equal(t, 1, ran.status)
	require.Contains(t, ran.stderr, "nobody")
}

func TestBacktestOverFiles(t *testing.T) {
	t.Parallel()
	series := slo.Indicator{
		Total: slo.SpanSource{Service: "checkout", Condition: "span.kind == SPAN_KIND_SERVER"},
		Bad:   &slo.SpanSource{Condition: "span.status.code == STATUS_CODE_ERROR"},
	}.Series().ID
	type row struct {
		Start     time.Time `json:"start"`
		Good, Bad int64
	}
	answer := map[string]any{"series": series, "buckets": []row{}}
	var rows []row
	begin := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for i := range 8640 {
		one := row{Start: begin.Add(time.Duration(i) * slo.SliceLength), Good: 100}
		if i >= 4000 && i < 4060 {
			one.Good, one.Bad = 50, 50
		}
		rows = append(rows, one)
	}
	answer["buckets"] = rows
	data, err := json.Marshal(answer)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "buckets.json")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	call := func(more ...string) ran {
		args := append([]string{"backtest", "--openslo", "../../examples/slos/checkout.yaml", "--buckets", file}, more...)
		return runSLO(t, "", args...)
	}

	done := call("--incident", "2026-01-05T11:06:40Z/10m", "--incident", "2026-01-05T20:00:00Z/2026-01-05T21:00:00Z", "checkout-availability")
	require.Zero(t, done.status, done.stderr)
	require.Contains(t, done.stdout, "2 incidents given.")
	require.Contains(t, done.stdout, "1/2")
	require.Contains(t, done.stdout, "missed")

	done = call("--incident", "2026-01-05T11:06:40Z/10m", "--incident", "2026-01-06T20:00:00Z/1h", "checkout-availability")
	require.Zero(t, done.status, done.stderr)
	require.Contains(t, done.stdout, "The incident 2026-01-06T20:00:00Z to 2026-01-06T21:00:00Z begins outside of the data: it is not counted.")
	require.Contains(t, done.stdout, "1/1")
	require.NotContains(t, done.stdout, "missed")

	for fault, args := range map[string][]string{
		"by which no objective of checkout-fast counts": {"checkout-fast"},
		`no SLO has the name "other"`:                   {"other"},
		"it ends where it begins":                       {"--incident", "2026-01-05T11:06:40Z/0s", "checkout-availability"},
		"write FROM/TO":                                 {"--incident", "yesterday", "checkout-availability"},
		"is not a duration":                             {"--since", "soon", "checkout-availability"},
		"holds no AlertPolicy":                          {"--policy", "../../examples/slos/checkout.yaml", "checkout-availability"},
		"nowhere.yaml":                                  {"--policy", "nowhere.yaml", "checkout-availability"},
		"accepts 1 arg":                                 {},
	} {
		failed := call(args...)
		require.NotZero(t, failed.status, fault)
		require.Contains(t, failed.stderr, fault)
	}
}

func TestABacktestDoesNotJudgeMaintenance(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../examples/slos/checkout.yaml")
	require.NoError(t, err)
	begin := time.Now().UTC().Truncate(time.Minute).Add(-185 * time.Minute) // Around the outage of three hours ago.
	exclusions := fmt.Sprintf(`    slowburn.dev/exclusions: '[{start: "%s", duration: 20m, as: drop}]'`, begin.Format(slo.CalendarStart))
	server := serveCountsOf(t, strings.Replace(string(text), "    slowburn.dev/runbook:", exclusions+"\n    slowburn.dev/runbook:", 1))
	ran := runSLO(t, "", "backtest", "--server", server, "--since", "1d", "checkout-availability")
	require.Zero(t, ran.status, ran.stderr)
	require.Contains(t, ran.stdout, "0 incidents found.")
	require.Regexp(t, `default +0 +0 +0/0 `, ran.stdout)
}

func TestSLOTestSaysHowItEnded(t *testing.T) {
	t.Parallel()
	done := runSLO(t, "", "test", "../../examples/slo-tests/checkout.yaml", "../../examples/slo-tests/recorded.yaml")
	require.Zero(t, done.status, done.stdout+done.stderr)
	require.Contains(t, done.stdout, "expectations of 5 tests were met.")

	dir := folder(t, map[string]string{
		"failing.yaml": "openslo: " + abs(t, "../../examples/slos/checkout.yaml") + "\nslo: checkout-fast\n" +
			"scenario: [{for: 10m, rate: 1/s}]\nexpect: [{state: exhausted}]\n",
		"wrong.yaml": "expect: 1\n",
	})
	done = runSLO(t, "", "test", filepath.Join(dir, "failing.yaml"))
	require.Equal(t, 1, done.status)
	require.Contains(t, done.stdout, "FAILED")
	require.Empty(t, done.stderr)
	require.Equal(t, 1, runSLO(t, "", "test", "-o", "junit", filepath.Join(dir, "failing.yaml")).status)
	require.Equal(t, 2, runSLO(t, "", "test", filepath.Join(dir, "wrong.yaml")).status)
	require.Equal(t, 2, runSLO(t, "", "test").status)
	require.Equal(t, 2, runSLO(t, "", "test", "-o", "table", "x.yaml").status)
}

func abs(t *testing.T, path string) string {
	t.Helper()
	whole, err := filepath.Abs(path)
	require.NoError(t, err)
	return whole
}
