//go:build e2e

package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	shared = `apiVersion: openslo/v1
kind: SLI
metadata: {name: works}
spec:
  ratioMetric:
    counter: true
    total: {metricSource: {metricSourceRef: spans, spec: {service: pay}}}
    good: {metricSource: {metricSourceRef: spans, spec: {condition: 'span.status.code != STATUS_CODE_ERROR'}}}
---
apiVersion: openslo/v1
kind: DataSource
metadata: {name: spans}
spec: {type: Spans, connectionDetails: {password: s3cret}}
`
	referring = `apiVersion: openslo/v1
kind: SLO
metadata: {name: pay}
spec:
  service: pay
  indicatorRef: works
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.9}]
`
)

// TestAnObjectiveFollowsWhatItRefersTo lets an SLO of the API rest on objects
// of a folder, which change, and survive a kill.
func TestAnObjectiveFollowsWhatItRefersTo(t *testing.T) {
	t.Parallel()
	slos := folder(t)
	file := filepath.Join(slos, "shared.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write(shared)
	p := newPlatform(t, "--slos", slos)
	p.apply(referring)
	// The budget takes what lies in a slice before that of an edit from what was
	// measured then: the spans and the edit must meet in one.
	p.eventually(20*time.Second, "a slice that has just begun", func() (bool, string) {
		return time.Now().Unix()%int64(slo.SliceLength/time.Second) == 0, ""
	})
	require.NoError(t, p.exporter("http").ExportSpans(t.Context(), spans("pay", time.Now(), 9, 1)))
	p.counts("pay", 9, 1)

	// Counted the other way round, the journal gives the same spans again.
	write(strings.Replace(shared, "good:", "bad:", 1))
	p.eventually(20*time.Second, "the next revision", func() (bool, string) {
		_, body := p.get("/api/v1/slos/pay")
		return strings.Contains(body, `"revision":2`), body
	})
	p.counts("pay", 1, 9)

	// Without the file nothing changes, and the log says who needs it.
	require.NoError(t, os.Remove(file))
	p.eventually(20*time.Second, "the refusal in the log", func() (bool, string) {
		return strings.Contains(p.log.String(), "SLO pay: spec.indicatorRef: refers to SLI works, which "+file+" holds no more"), ""
	})
	write(strings.Replace(shared, "good:", "bad:", 1))
	p.kill()
	p.start()
	p.counts("pay", 1, 9)
	status, body := p.get("/api/v1/objects/DataSource/spans")
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, `"revision":1`)
	require.Contains(t, body, `{"kind":"SLO","name":"pay"}`)
	require.Contains(t, body, "[hidden]")
	require.NotContains(t, body+p.log.String(), "s3cret")
}
