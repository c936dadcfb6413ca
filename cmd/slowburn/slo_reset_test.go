package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

func TestAResetSaysWhatItDid(t *testing.T) {
	t.Parallel()
	made := &webtest.Resets{}
	source := webtest.NewSource(webtest.Burning())
	server := httptest.NewServer(apiOf(t, func(s *web.Settings) { s.Statuses, s.Resets = source, made }))
	t.Cleanup(server.Close)
	got := runSLO(t, "", "reset", "payment-works", "--server", server.URL, "--reason", "a load test")
	require.Equal(t, ran{status: 0, stdout: "payment-works objective 0: reset at 2026-03-14T15:09:26Z, its budget begins with the next whole minute\n"}, got)
	require.Equal(t, []slo.Reset{{SLO: "payment-works", At: webtest.Now(), Reason: "a load test"}}, made.Made)
	got = runSLO(t, "", "reset", "payment-works", "--server", server.URL, "--reason", "x", "--objective", "0", "-o", "json")
	require.Zero(t, got.status)
	require.Contains(t, got.stdout, `"reason": "x"`)

	for want, args := range map[string][]string{
		"--reason is required":     {"reset", "payment-works", "--server", server.URL},
		"accepts 1 arg(s)":         {"reset", "--server", server.URL, "--reason", "x"},
		"objective 7 is not":       {"reset", "payment-works", "--server", server.URL, "--reason", "x", "--objective", "7"},
		`expected text or json`:    {"reset", "payment-works", "--server", server.URL, "--reason", "x", "-o", "yaml"},
		`"nobody": no such SLO`:    {"reset", "nobody", "--server", server.URL, "--reason", "x"},
		`one line without control`: {"reset", "payment-works", "--server", server.URL, "--reason", "a\tb"},
	} {
		got := runSLO(t, "", args...)
		require.NotZero(t, got.status)
		require.Contains(t, got.stderr, want)
	}
}

func TestARuleThatCannotBeIsAFaultOfItsDocument(t *testing.T) {
	t.Parallel()
	const document = `apiVersion: openslo/v1
kind: SLO
metadata:
  name: a
  annotations:
    slowburn.dev/exclusions: |
      - {start: "2026-01-03 22:00", duration: 1h, as: drop}
      - {start: "2026-01-03 22:00", duration: 1h, as: drop, rrule: "FREQ=MINUTELY"}
spec:
  service: shop
  indicator:
    metadata: {name: i}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Spans, spec: {condition: 'true'}}}
        total: {metricSource: {type: Spans, spec: {condition: 'true'}}}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
`
	got := runSLO(t, document, "validate", "-")
	require.NotZero(t, got.status)
	text := got.stdout + got.stderr
	require.Contains(t, text, "slowburn.dev/exclusions[1].rrule")
	require.Contains(t, text, "FREQ must be YEARLY")
	require.Contains(t, text, ":8:", "the line of the item")

	set := newCatalog(t)
	_, err := set.Try(t.Context(), slo.Documents{File: "request", Data: []byte(document)})
	require.ErrorContains(t, err, "request:8: document 1: SLO a: metadata.annotations.slowburn.dev/exclusions[1].rrule: FREQ must be YEARLY")
	sound := strings.Replace(document, "MINUTELY", "WEEKLY;BYDAY=SA", 1)
	_, err = set.Apply(t.Context(), slo.Documents{File: "request", Data: []byte(sound)})
	require.NoError(t, err)
	definition, _ := set.Definition("a")
	require.Len(t, definition.SLO.Exclusions, 2)
}
