package deploy_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unit reads the settings of a unit by section and name; a name given twice
// keeps both values.
func unit(t *testing.T, path string) map[string][]string {
	t.Helper()
	settings := map[string][]string{}
	section := ""
	for line := range strings.Lines(read(t, path)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		name, value, found := strings.Cut(line, "=")
		require.True(t, found, "%s: %q is no setting", path, line)
		settings[section+"."+name] = append(settings[section+"."+name], value)
	}
	return settings
}

func TestTheServiceRunsInASandbox(t *testing.T) {
	t.Parallel()
	u := unit(t, "systemd/slowburn.service")
	for name, want := range map[string]string{
		"User": "slowburn", "StateDirectory": "slowburn", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "",
		"ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "PrivateUsers": "yes",
		"ProtectKernelTunables": "yes", "ProtectKernelModules": "yes", "ProtectControlGroups": "yes", "ProtectProc": "invisible",
		"MemoryDenyWriteExecute": "yes", "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "RestrictNamespaces": "yes",
		"SystemCallArchitectures": "native", "KillMode": "mixed", "Restart": "on-failure", "RestartPreventExitStatus": "2",
	} {
		require.Equal(t, []string{want}, u["Service."+name], name)
	}
	require.Contains(t, u["Service.SystemCallFilter"], "@system-service")
	require.NotEmpty(t, u["Service.LimitNOFILE"])
	require.NotEmpty(t, u["Service.TimeoutStopSec"])
	require.NotContains(t, u, "Service.ProcSubset", "the memory limiter reads /proc/meminfo")
	require.Contains(t, read(t, "systemd/sysusers.conf"), "u "+u["Service.User"][0]+" ")
}

func TestTheServiceStartsWithTheExampleConfiguration(t *testing.T) {
	t.Parallel()
	u := unit(t, "systemd/slowburn.service")
	command := strings.Fields(u["Service.ExecStart"][0])
	require.Equal(t, "serve", command[1])
	// ProtectSystem=strict leaves it nothing else to write to.
	require.Contains(t, read(t, "examples/slowburn.yaml"), "\ndata-dir: /var/lib/"+u["Service.StateDirectory"][0]+"\n")
}

// TestSystemdTakesTheUnit asks systemd itself, where it is installed.
func TestSystemdTakesTheUnit(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	help, err := exec.CommandContext(t.Context(), analyze, "--help").Output()
	if err != nil || !strings.Contains(string(help), "--offline") {
		t.Skip("this systemd-analyze is too old to judge a unit that is not installed")
	}
	// It also complains that the binary is not installed, which does not matter here.
	out, _ := exec.CommandContext(t.Context(), analyze, "verify", "systemd/slowburn.service").CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "slowburn.service") {
			require.Contains(t, line, "/usr/local/bin/slowburn is not executable", "systemd-analyze verify")
		}
	}
	out, err = exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=20", "systemd/slowburn.service").CombinedOutput()
	require.NoError(t, err, "its exposure is above 2.0:\n%s", out)
}
