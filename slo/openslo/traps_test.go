package openslo_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

var update = flag.Bool("update", false, "write the recorded verdicts anew")

// verdict is what reading and resolving a file comes to, a line each.
func verdict(file string, data []byte, mode openslo.Mode) string {
	var b strings.Builder
	say := func(what string, faults []slo.DocumentError) {
		for _, f := range faults {
			if f.Note {
				fmt.Fprintf(&b, "  note: %s\n", f.Error())
				continue
			}
			fmt.Fprintf(&b, "  %s: %s\n", what, f.Error())
		}
	}
	objects, warnings, err := openslo.Parse(file, data, mode)
	say("warning", warnings)
	if err != nil {
		say("fault", err.(slo.DocumentErrors)) //nolint:errorlint,forcetypeassert // It always is.
		return b.String()
	}
	for _, o := range objects {
		if o.Kind != slo.KindSLO {
			continue
		}
		_, warnings, err := openslo.Resolve(o, library(objects))
		say("warning", warnings)
		if err != nil {
			say("fault", err.(slo.DocumentErrors)) //nolint:errorlint,forcetypeassert // It always is.
		}
	}
	if !strings.Contains(b.String(), "fault:") && !strings.Contains(b.String(), "note:") {
		b.WriteString("  accepted\n")
	}
	return b.String()
}

// TestTraps reads the places where the specification, its SDK, its old JSON
// Schema and its examples disagree, in both modes. The names of the files say
// what they hold, with the number of the trap in docs/openslo.md. What is said
// of each is recorded; -update writes it anew, to be read in review.
func TestTraps(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "traps", "*.yaml"))
	require.NoError(t, err)
	traps := map[string]bool{}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		traps[name[:2]] = true
		t.Run(strings.ReplaceAll(name, "-", " "), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			got := "strict\n" + verdict("f.yaml", data, openslo.Strict) + "lenient\n" + verdict("f.yaml", data, openslo.Lenient)
			golden := strings.TrimSuffix(path, ".yaml") + ".verdict"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
	for n := 1; n <= 30; n++ {
		require.True(t, traps[fmt.Sprintf("%02d", n)], "trap %d has no file", n)
	}
}
