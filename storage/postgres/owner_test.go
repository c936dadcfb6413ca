package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/storage/postgres"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

func TestADatabaseBelongsToOneJournal(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	require.NoError(t, store.Own(t.Context(), "journal a"))
	require.NoError(t, store.Own(t.Context(), "journal a"), "a second start finds its own")
	err := store.Own(t.Context(), "journal b")
	require.ErrorIs(t, err, postgres.ErrForeign)
	require.ErrorContains(t, err, "journal a")
	require.NoError(t, store.Own(t.Context(), "journal a"), "the refusal changed nothing")
}
