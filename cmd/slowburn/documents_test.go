package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/catalog"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

// memory is a store and a journal that forget nothing while the test runs.
type memory struct{ change slo.Change }

func (m *memory) Definitions(context.Context) ([]slo.Definition, error) {
	return m.change.Definitions, nil
}

func (m *memory) Objects(context.Context) ([]slo.Object, error) { return m.change.Objects, nil }

func (m *memory) SaveDefinitions(_ context.Context, change slo.Change, at time.Time) (slo.Change, error) {
	for i := range change.Definitions {
		change.Definitions[i].Revision++
		change.Definitions[i].AppliedAt = at
	}
	return change, nil
}

func (m *memory) Append(context.Context, slo.Record) (slo.Offset, error) { return 1, nil }

// newCatalog gives a catalog of the real language and compiler.
func newCatalog(t *testing.T) *catalog.Catalog {
	t.Helper()
	compiler, err := indicator.NewCompiler()
	require.NoError(t, err)
	m := &memory{}
	set, err := catalog.New(catalog.Settings{Store: m, Language: language{}, Compiler: compiler, Journal: m})
	require.NoError(t, err)
	return set
}
