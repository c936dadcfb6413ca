//go:build e2e

package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheDatabaseMayDie kills PostgreSQL itself: ingest goes on, and every span
// is counted once the program has started it again.
func TestTheDatabaseMayDie(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.apply(document("pay", "pay", "0.999"))
	exporter := p.exporter("grpc")
	require.NoError(t, exporter.ExportSpans(t.Context(), spans("pay", time.Now(), 100, 1)))
	p.counts("pay", 100, 1)

	pid := p.postmaster()
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	for range 20 {
		require.NoError(t, exporter.ExportSpans(t.Context(), spans("pay", time.Now(), 10, 1)), "OK does not wait for the database")
	}
	p.eventually(60*time.Second, "another server", func() (bool, string) {
		status, body := p.get("/readyz")
		return status == http.StatusOK && p.postmaster() != pid, body
	})
	p.counts("pay", 300, 21)

	// Both at once: the program finds its data again.
	require.NoError(t, syscall.Kill(p.postmaster(), syscall.SIGKILL))
	p.kill()
	p.start()
	p.counts("pay", 300, 21)
}

func (p *platform) postmaster() int {
	data, err := os.ReadFile(filepath.Join(p.dataDir, "postgres", "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(data), "\n")
	pid, _ := strconv.Atoi(first)
	return pid
}

// TestAFolderOfObjectivesIsWatched edits files while the program runs.
func TestAFolderOfObjectivesIsWatched(t *testing.T) {
	t.Parallel()
	slos := folder(t)
	file := filepath.Join(slos, "pay.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write(document("pay", "pay", "0.999"))
	p := newPlatform(t, "--slos", slos)
	require.NoError(t, p.exporter("http").ExportSpans(t.Context(), spans("pay", time.Now(), 9, 1)))
	p.counts("pay", 9, 1)

	// Read-only in the API.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "http://"+p.http+"/api/v1/slos/pay", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusConflict, res.StatusCode)

	// A new target keeps the counts.
	write(document("pay", "pay", "0.5"))
	p.eventually(20*time.Second, "the new target", func() (bool, string) {
		_, body := p.get("/api/v1/slos/pay")
		return strings.Contains(body, `"target":0.5`), body
	})
	require.Equal(t, int64(5), int64(p.counts("pay", 9, 1).Budget.Total))

	// A mistake changes nothing; removing the file archives the objective.
	write(document("pay", "pay", "7"))
	p.eventually(20*time.Second, "the refusal in the log", func() (bool, string) {
		return strings.Contains(p.log.String(), "spec.objectives[0].target"), ""
	})
	p.counts("pay", 9, 1)
	require.NoError(t, os.Remove(file))
	p.eventually(20*time.Second, "the archived objective", func() (bool, string) {
		status, body := p.get("/api/v1/slos/pay")
		return status == http.StatusNotFound, body
	})
}
