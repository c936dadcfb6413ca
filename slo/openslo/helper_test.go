package openslo_test

import (
	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/openslo"
)

// tester is a test, or a check of rapid.
type tester interface {
	require.TestingT
	Helper()
}

// parse reads a file that is right.
func parse(t tester, file string, mode openslo.Mode) ([]openslo.Object, slo.DocumentWarnings) {
	t.Helper()
	objects, warnings, err := openslo.Parse("f.yaml", []byte(file), mode)
	require.NoError(t, err, file)
	return objects, warnings
}

// library finds the objects of a file.
func library(objects []openslo.Object) func(slo.ObjectRef) (openslo.Object, bool) {
	byRef := map[slo.ObjectRef]openslo.Object{}
	for _, o := range objects {
		byRef[o.ObjectRef] = o
	}
	return func(ref slo.ObjectRef) (openslo.Object, bool) {
		o, found := byRef[ref]
		return o, found
	}
}

// the first SLO of the objects.
func firstSLO(t tester, objects []openslo.Object) openslo.Object {
	t.Helper()
	for _, o := range objects {
		if o.Kind == slo.KindSLO {
			return o
		}
	}
	require.Fail(t, "no SLO")
	return openslo.Object{}
}

// resolved reads a file that is right, and resolves its first SLO with the rest.
func resolved(t tester, file string, mode openslo.Mode) (slo.SLO, slo.DocumentWarnings) {
	t.Helper()
	objects, warnings := parse(t, file, mode)
	definition, more, err := openslo.Resolve(firstSLO(t, objects), library(objects))
	require.NoError(t, err, file)
	return definition, append(warnings, more...)
}

// unresolved reads a file that is right, whose first SLO cannot be resolved.
func unresolved(t tester, file string, mode openslo.Mode) slo.DocumentErrors {
	t.Helper()
	objects, _ := parse(t, file, mode)
	definition, _, err := openslo.Resolve(firstSLO(t, objects), library(objects))
	require.Zero(t, definition)
	var faults slo.DocumentErrors
	require.ErrorAs(t, err, &faults)
	require.NotEmpty(t, faults)
	return faults
}
