// Package deploy_test loads and checks each file that Slowburn is deployed
// with, and what the documentation says of them.
package deploy_test

import (
	"os"
	"os/exec"
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
func flagsOf(t *testing.T, command ...string) map[string]bool {
	t.Helper()
	args := append([]string{"run", "-tags=remove_all_sd,grpcnotrace", "../cmd/slowburn"}, command...)
	help, err := exec.CommandContext(t.Context(), "go", append(args, "--help")...).Output()
	require.NoError(t, err)
	flags := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^ +(?:-\w, |    )--([a-z-]+)`).FindAllStringSubmatch(string(help), -1) {
		flags[match[1]] = true
	}
	require.True(t, flags["help"], "%v: no flags found in its help", command)
	return flags
}

// TestEverythingThatIsSetExists asks the program for its flags, once, and looks
// for what the files here and the documentation say of them.
func TestEverythingThatIsSetExists(t *testing.T) {
	t.Parallel()
	flags := map[string]map[string]bool{"serve": flagsOf(t, "serve")}
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
}

// requireVariable refuses a variable of ours that sets no flag; those of others
// pass.
func requireVariable(t *testing.T, flags map[string]bool, variable string) {
	t.Helper()
	if name, ours := strings.CutPrefix(variable, "SLOWBURN_"); ours {
		require.True(t, flags[strings.ToLower(strings.ReplaceAll(name, "_", "-"))], "%s sets no flag of slowburn serve", variable)
	}
}

// requirePinned refuses the name of an image without a version, and one that
// names a host: whoever builds decides where images come from.
func requirePinned(t *testing.T, image string) {
	t.Helper()
	require.Regexp(t, `^[a-z0-9-]+:[a-z0-9.-]+$`, image, "name and version, no host")
	require.NotContains(t, image, ":latest")
}
