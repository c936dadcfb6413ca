//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// message is the part of an Alertmanager webhook that this test reads.
type message struct {
	Version string `json:"version"`
	Status  string `json:"status"`
	Alerts  []struct {
		Status      string            `json:"status"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"alerts"`
	Slowburn struct {
		Episode string `json:"episode"`
		Tier    string `json:"tier"`
		Counts  struct {
			Good, Bad int64
		} `json:"counts"`
	} `json:"slowburn"`
}

// TestAnOutagePagesThroughTheFastTierAndResolves plays one hour of steady
// history, a total outage and a recovery in real time under the default policy,
// and kills the program while the episode fires.
func TestAnOutagePagesThroughTheFastTierAndResolves(t *testing.T) {
	t.Parallel()
	received := make(chan message, 64)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m message
		if err := json.NewDecoder(r.Body).Decode(&m); err == nil {
			received <- m
		}
	}))
	t.Cleanup(receiver.Close)
	alerting := filepath.Join(folder(t), "alertmanager.yml")
	require.NoError(t, os.WriteFile(alerting, fmt.Appendf(nil,
		"route:\n  receiver: oncall\nreceivers:\n  - name: oncall\n    webhook_configs:\n      - url: %s/hook\n", receiver.URL), 0o600))
	p := newPlatform(t, "--alerting", alerting)
	p.apply(document("pay", "pay", "0.999"))

	exporter := p.exporter("grpc")
	var good, bad int64
	send := func(end time.Time, g, b int) {
		require.NoError(t, exporter.ExportSpans(t.Context(), spans("pay", end, g, b)))
		good, bad = good+int64(g), bad+int64(b)
	}
	begin := time.Now()
	var history []sdktrace.ReadOnlySpan
	for at := begin.Add(-time.Hour); at.Before(begin); at = at.Add(time.Second) {
		history = append(history, spans("pay", at, 2, 0)...)
		good += 2
	}
	for len(history) > 0 {
		n := min(500, len(history))
		require.NoError(t, exporter.ExportSpans(t.Context(), history[:n]))
		history = history[n:]
	}
	p.counts("pay", good, bad)

	// The outage: ten failures a second until the page of the fast tier.
	outage := time.Now()
	fast := playUntil(t, received, 90*time.Second, func() { send(time.Now(), 0, 10) }, func(m message) bool {
		return m.Status == "firing" && m.Slowburn.Tier == "fast"
	})
	t.Logf("first failure to webhook of the fast tier: %.1f s", time.Since(outage).Seconds())
	require.Equal(t, "4", fast.Version)
	require.Equal(t, "page", fast.Alerts[0].Labels["severity"])
	require.Equal(t, "pay", fast.Alerts[0].Labels["slo"])
	require.NotEmpty(t, fast.Alerts[0].Annotations["summary"])
	require.Positive(t, fast.Slowburn.Counts.Bad)
	o, _ := p.objective("pay")
	require.NotEmpty(t, o.Firing)

	// A kill in the middle: the episode goes on under its identity.
	p.kill()
	p.start()
	exporter = p.exporter("grpc")

	// Recovery: the fast tier resolves after five quiet minutes.
	resolved := playUntil(t, received, 9*time.Minute, func() { send(time.Now(), 20, 0) }, func(m message) bool {
		return m.Status == "resolved" && m.Slowburn.Tier == "fast"
	})
	require.Equal(t, fast.Slowburn.Episode, resolved.Slowburn.Episode)
	require.Equal(t, "resolved", resolved.Alerts[0].Status)
	p.counts("pay", good, bad)
}

// playUntil sends once a second until a message comes that is wanted.
func playUntil(t *testing.T, received <-chan message, limit time.Duration, send func(), wanted func(message) bool) message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case m := <-received:
			if wanted(m) {
				return m
			}
		case <-ticker.C:
			send()
		case <-ctx.Done():
			require.FailNow(t, "the message did not come", "within %s", limit)
		}
	}
}
