package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

func TestResetsComeBackTheNewestFirst(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	none, err := store.Resets(t.Context(), time.Unix(0, 0))
	require.NoError(t, err)
	require.Empty(t, none)
	old := slo.Reset{SLO: "shop", At: noon, Reason: "a load test, 'planned'"}
	first := slo.Reset{SLO: "shop", At: noon.Add(time.Hour + time.Nanosecond), Reason: "x"}
	second := slo.Reset{SLO: "shop", Objective: 1, At: first.At, Reason: "x"}
	require.NoError(t, store.SaveResets(t.Context(), []slo.Reset{old}))
	require.NoError(t, store.SaveResets(t.Context(), []slo.Reset{second, first}))
	require.NoError(t, store.SaveResets(t.Context(), []slo.Reset{old}), "again changes nothing")
	got, err := store.Resets(t.Context(), time.Unix(0, 0))
	require.NoError(t, err)
	require.Equal(t, []slo.Reset{first, second, old}, got)
	got, err = store.Resets(t.Context(), noon.Add(time.Minute))
	require.NoError(t, err)
	require.Equal(t, []slo.Reset{first, second}, got)
}
