package web_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/web/webtest"
)

// TestVerdictsAreTold listens as a page does.
func TestVerdictsAreTold(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Healthy())
	server := httptest.NewServer(serve(t, source))
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/live", http.NoBody)
	require.NoError(t, err)
	request.Header.Set("Accept-Encoding", "gzip")
	answer, err := server.Client().Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	require.Empty(t, answer.Header.Get("Content-Encoding"), "packed, it would arrive late")
	lines := bufio.NewScanner(answer.Body)
	next := func() string {
		for lines.Scan() {
			if line := lines.Text(); line != "" && line != "data:" {
				return line
			}
		}
		return "the stream ended"
	}
	require.Equal(t, "event: beat", next(), "the first comes at once")
	source.Judged()
	begin := time.Now()
	require.Equal(t, "event: verdict", next())
	require.Less(t, time.Since(begin), 4*time.Second, "it does not wait for the next beat")
	require.Equal(t, "event: beat", next(), "silence is told, too")
}
