package convert_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/convert"
)

// FuzzSloth feeds arbitrary files: what is accepted gives OpenSLO v1, what is
// refused is explained.
func FuzzSloth(f *testing.F) {
	seed(f, "sloth.yaml", "sloth-kubernetes.yaml")
	f.Add([]byte(slothHead + "- {name: \"a\\x07\\u2028\", objective: 9, " + events + ", labels: {a: \"\\0\"}}"))
	fuzz(f, convert.Sloth)
}

// FuzzPyrra is FuzzSloth for Pyrra.
func FuzzPyrra(f *testing.F) {
	seed(f, "pyrra.yaml")
	f.Add([]byte(pyrraHead + "spec: {target: '9', window: 1h1m, " + ratio + "}"))
	fuzz(f, convert.Pyrra)
}

func seed(f *testing.F, names ...string) {
	f.Helper()
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("\ufeff{\"version\": \"prometheus/v1\"}"))
}

func fuzz(f *testing.F, conversion converter) {
	f.Helper()
	f.Fuzz(func(t *testing.T, data []byte) {
		out, notes, err := conversion("f.yaml", data)
		for _, note := range notes {
			require.Contains(t, note, "f.yaml")
		}
		if err == nil {
			requireOpenSLO(t, out)
			return
		}
		var faults slo.DocumentErrors
		require.ErrorAs(t, err, &faults)
		require.NotEmpty(t, faults)
		for _, fault := range faults {
			require.NotEmpty(t, fault.Reason)
		}
	})
}
