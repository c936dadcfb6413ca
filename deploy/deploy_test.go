// Package deploy_test loads and checks each file that Slowburn is deployed
// with, and what the documentation says of them.
package deploy_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

// flagsOf are the flags that the program itself lists for a command.
func flagsOf(t *testing.T, program string, command ...string) map[string]bool {
	t.Helper()
	help, err := exec.CommandContext(t.Context(), program, append(command, "--help")...).Output()
	require.NoError(t, err)
	flags := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z-]+)`).FindAllStringSubmatch(string(help), -1) {
		flags[match[1]] = true
	}
	require.True(t, flags["help"], "%v: no flags found in its help", command)
	return flags
}

// commands builds the program and asks it for the flags of its commands; those
// of subcommands are added to their command's.
func commands(t *testing.T) map[string]map[string]bool {
	t.Helper()
	program := filepath.Join(t.TempDir(), "slowburn")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-tags=remove_all_sd,grpcnotrace", "-o", program, "../cmd/slowburn").CombinedOutput()
	require.NoError(t, err, string(out))
	all := map[string]map[string]bool{
		"version": flagsOf(t, program, "version"), "serve": flagsOf(t, program, "serve"), "demo": flagsOf(t, program, "demo"),
		"audit": flagsOf(t, program, "audit"), "recount": flagsOf(t, program, "recount"), "slo": flagsOf(t, program, "slo"),
	}
	for _, command := range []string{"validate", "fmt", "apply", "diff", "get", "delete", "reset", "test", "backtest", "import", "export"} {
		maps.Copy(all["slo"], flagsOf(t, program, "slo", command))
	}
	for _, command := range []string{"break", "heal", "status"} {
		maps.Copy(all["demo"], flagsOf(t, program, "demo", command))
	}
	return all
}

// TestEverythingThatIsSetExists compares what the files here and the
// documentation say with the flags of the program, built once.
func TestEverythingThatIsSetExists(t *testing.T) {
	t.Parallel()
	flags := commands(t)
	t.Run("variables of the image and of compose", func(t *testing.T) {
		t.Parallel()
		for variable := range image(t)[1].environment(t) {
			requireVariable(t, flags["serve"], variable)
		}
		for variable := range composed(t).Services["slowburn"].Environment {
			requireVariable(t, flags["serve"], variable)
		}
	})
	t.Run("flags of the service", func(t *testing.T) {
		t.Parallel()
		requireFlags(t, flags, "slowburn "+strings.Join(unit(t, "systemd/slowburn.service")["Service.ExecStart"], "\n"))
	})
	for path, text := range pages(t) {
		t.Run("documentation "+path, func(t *testing.T) {
			t.Parallel()
			requireNames(t, flags, text)
			for _, block := range blocks(text, "sh") {
				requireFlags(t, flags, block)
			}
		})
	}
}

// requireVariable refuses a variable of ours that sets no flag; those of others
// pass.
func requireVariable(t *testing.T, flags map[string]bool, variable string) {
	t.Helper()
	if strings.HasPrefix(variable, "SLOWBURN_") {
		require.True(t, sets(flags, variable), "%s sets no flag of slowburn serve", variable)
	}
}

// sets reports whether a variable is that of a flag.
func sets(flags map[string]bool, variable string) bool {
	name, ours := strings.CutPrefix(variable, "SLOWBURN_")
	return ours && flags[strings.ToLower(strings.ReplaceAll(name, "_", "-"))]
}

// requirePinned refuses the name of an image without a version, and one that
// names a host: whoever builds decides where images come from.
func requirePinned(t *testing.T, image string) {
	t.Helper()
	require.Regexp(t, `^[a-z0-9-]+:[a-z0-9.-]+$`, image, "name and version, no host")
	require.NotContains(t, image, ":latest")
}
