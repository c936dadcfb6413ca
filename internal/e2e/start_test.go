//go:build e2e

package e2e_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAJournalThatDoesNotBelongEndsTheProgram takes the journal away from its
// database. A part that cannot go on ends the whole, with its reason.
func TestAJournalThatDoesNotBelongEndsTheProgram(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.apply(document("pay", "pay", "0.999"))
	require.NoError(t, p.exporter("grpc").ExportSpans(t.Context(), spans("pay", time.Now(), 5, 0)))
	p.counts("pay", 5, 0)
	p.terminate()
	require.NoError(t, os.Rename(filepath.Join(p.dataDir, "journal"), filepath.Join(p.dataDir, "away")))
	refused := runRefused(t, []string{
		"serve", "--data-dir", p.dataDir, "--http", p.http, "--otlp-grpc", p.grpc, "--otlp-http", p.otlp,
	}, nil)
	require.Contains(t, refused, "belongs to another journal")

	// Neither is one whose last records are gone.
	away, err := filepath.Glob(filepath.Join(p.dataDir, "away", "*.journal"))
	require.NoError(t, err)
	require.Len(t, away, 1)
	whole, err := os.ReadFile(away[0])
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(filepath.Join(p.dataDir, "journal")))
	require.NoError(t, os.CopyFS(filepath.Join(p.dataDir, "journal"), os.DirFS(filepath.Join(p.dataDir, "away"))))
	require.NoError(t, os.Truncate(filepath.Join(p.dataDir, "journal", filepath.Base(away[0])), int64(len(whole)/2)))
	refused = runRefused(t, []string{
		"serve", "--data-dir", p.dataDir, "--http", p.http, "--otlp-grpc", p.grpc, "--otlp-http", p.otlp,
	}, nil)
	require.Contains(t, refused, "records that were acknowledged are missing")

	// Another data folder on the same database is refused, too.
	require.NoError(t, os.RemoveAll(filepath.Join(p.dataDir, "journal")))
	require.NoError(t, os.Rename(filepath.Join(p.dataDir, "away"), filepath.Join(p.dataDir, "journal")))
	p.start()
	other := runRefused(t, []string{
		"serve", "--data-dir", filepath.Join(folder(t), "data"), "--http", freePort(t), "--otlp-grpc", freePort(t), "--otlp-http", freePort(t),
		"--database-url", fmt.Sprintf("host=%s user=slowburn dbname=slowburn", filepath.Join(p.dataDir, "postgres")),
	}, nil)
	require.Contains(t, other, "belongs to another journal")
	p.counts("pay", 5, 0)
}

// runRefused runs the binary and returns the output of its refusal.
func runRefused(t *testing.T, args, env []string) string {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	cmd.Env = append(os.Environ(), env...)
	output := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = output, output
	require.NoError(t, cmd.Start())
	watchdog := time.AfterFunc(60*time.Second, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Positive(t, exit.ExitCode(), "%s", output)
	require.Contains(t, output.String(), "slowburn: ")
	return output.String()
}

// TestRefusalsToStartAreOneSentence starts the binary in ways that cannot work.
func TestRefusalsToStartAreOneSentence(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	dir := folder(t)
	blocked := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	alerting := filepath.Join(dir, "alerting.yml")
	require.NoError(t, os.WriteFile(alerting, []byte("route: {receiver: a, group_by: [slo]}\nreceivers: [{name: a}]\n"), 0o600))
	wrong := filepath.Join(dir, "slos")
	require.NoError(t, os.Mkdir(wrong, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(wrong, "a.yaml"), []byte(document("wrong", "pay", "2")), 0o600))
	settings := filepath.Join(dir, "slowburn.yaml")
	require.NoError(t, os.WriteFile(settings, []byte("data_dir: x\n"), 0o600))

	tests := map[string]struct {
		args []string
		env  []string
		want []string
	}{
		"a port in use": {
			args: []string{"--http", taken.Addr().String()}, want: []string{"--http", taken.Addr().String(), "in use"},
		},
		"an OTLP port in use": {
			args: []string{"--otlp-grpc", taken.Addr().String()}, want: []string{"--otlp-grpc", "in use"},
		},
		"a data folder that is a file": {
			args: []string{"--data-dir", blocked}, want: []string{"data folder", blocked, "--data-dir"},
		},
		"no PostgreSQL": {
			env: []string{"PATH=/nonexistent", "SLOWBURN_POSTGRES_BIN=/nonexistent"}, want: []string{"PostgreSQL"},
		},
		"a field of the alerting configuration that is not supported": {
			args: []string{"--alerting", alerting}, want: []string{"route.group_by", "alerting.yml"},
		},
		"a wrong objective in the folder": {
			args: []string{"--slos", wrong}, want: []string{"a.yaml", "spec.objectives[0].target"},
		},
		"an address beyond loopback without tokens and TLS": {
			args: []string{"--otlp-http", "0.0.0.0:0"}, want: []string{"--otlp-http", "--insecure"},
		},
		"an unknown key of the configuration file": {
			args: []string{"--config", settings}, want: []string{"slowburn.yaml:1", "data_dir"},
		},
		"an unknown flag": {args: []string{"--colour"}, want: []string{"--colour", "--help"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{
				"serve", "--data-dir", filepath.Join(folder(t), "data"),
				"--http", freePort(t), "--otlp-grpc", freePort(t), "--otlp-http", freePort(t),
			}, test.args...)
			output := runRefused(t, args, test.env)
			for _, want := range test.want {
				require.Contains(t, output, want)
			}
		})
	}
}
