package openslo_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// FuzzParse holds what is true of any input, in both modes: no panic; faults
// that name the file; documents whose text alone reads to the same object; a
// canonical form that stays as it is; and resolving with the file as library.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example(f)))
	f.Add([]byte("- " + named("a") + "\n- " + named("b") + "\n---\n" + named("c")))
	f.Add([]byte("[" + jsonNamed("a") + "," + jsonNamed("b") + "]"))
	f.Add([]byte(strings.Replace(example(f), "condition: 'span.kind == SPAN_KIND_SERVER'", `condition: "a\n  b\n\n"`, 1)))
	f.Add([]byte("- &a {x: *a, <<: *a, ? [y] : !!binary z}\n...\n%TAG ! x\n--- |\n a\n"))
	for _, one := range []string{aDataSource, aService, anSLI, aRaw, anSLO, aThreshold, aPolicy, aCondition, aTarget, compositeOf("Occurrences", "{target: 0.9, indicatorRef: y}")} {
		f.Add([]byte(one))
	}
	f.Add([]byte(merging))
	for _, pattern := range []string{"*.yaml", "*.canonical", "traps/*.yaml"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		require.NoError(f, err)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, mode := range []openslo.Mode{openslo.Strict, openslo.Lenient} {
			checkAnyInput(t, data, mode)
		}
	})
}

func checkAnyInput(t *testing.T, data []byte, mode openslo.Mode) {
	t.Helper()
	objects, warnings, err := openslo.Parse("the file", data, mode)
	checkPlaces(t, warnings, data)
	if err != nil {
		require.Nil(t, objects)
		var faults slo.DocumentErrors
		require.ErrorAs(t, err, &faults)
		require.NotEmpty(t, faults)
		checkPlaces(t, faults, data)
		_, err := openslo.Canonical("the file", data, mode)
		require.Equal(t, faults, err)
		checkAssembly(t, data, mode)
		return
	}
	for _, o := range objects {
		again, _, err := openslo.Parse("the file", o.Source, mode)
		require.NoError(t, err, "of %q", o.Source)
		require.Len(t, again, 1)
		require.Equal(t, o.ObjectRef, again[0].ObjectRef)
		require.Equal(t, o.Content(), again[0].Content())
		require.Equal(t, o.References, again[0].References)
		_, warnings, err := openslo.Resolve(o, library(objects))
		checkPlaces(t, warnings, data)
		if err != nil {
			var faults slo.DocumentErrors
			require.ErrorAs(t, err, &faults)
			checkPlaces(t, faults, data)
		}
	}
	canonical, err := openslo.Canonical("the file", data, mode)
	if err != nil {
		return // Comments may stand where they cannot be kept.
	}
	twice, err := openslo.Canonical("the file", canonical, mode)
	require.NoError(t, err, "of %q", canonical)
	require.Equal(t, string(canonical), string(twice))
}

// checkAssembly looks for further faults in a file that has some.
func checkAssembly(t *testing.T, data []byte, mode openslo.Mode) {
	t.Helper()
	objects, _, err := openslo.Read("the file", data, mode)
	require.Error(t, err)
	require.True(t, slices.ContainsFunc(objects, func(o openslo.Object) bool { return o.Broken }))
	for _, o := range objects {
		require.True(t, o.Broken || o.Kind != "" && o.Name != "")
		if o.Kind != slo.KindSLO {
			continue
		}
		_, _, err := openslo.Assemble(o, library(objects))
		if o.Broken {
			require.Error(t, err)
		}
		if faults, ok := errors.AsType[slo.DocumentErrors](err); ok {
			checkPlaces(t, faults, data)
		}
	}
}

// checkPlaces checks where faults are.
func checkPlaces(t *testing.T, faults []slo.DocumentError, data []byte) {
	t.Helper()
	lines := 2 // The last line, and the one behind it, where a missing value stands.
	for _, r := range string(data) {
		if strings.ContainsRune("\r\n\u0085\u2028\u2029", r) { // YAML's line breaks.
			lines++
		}
	}
	for _, fault := range faults {
		require.Equal(t, "the file", fault.File)
		require.NotEmpty(t, fault.Reason)
		require.GreaterOrEqual(t, fault.Line, 0)
		require.LessOrEqual(t, fault.Line, lines)
	}
}
