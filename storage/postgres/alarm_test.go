package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/storage/postgres/postgrestest"
)

func TestAlarmsAreToldWithoutALeadAndStayOpenUntilResolved(t *testing.T) {
	t.Parallel()
	store := postgrestest.Store(t)
	save(t, store, "an episode", slo.Firing, "a")
	raised := []slo.Notification{
		notification("alarm", slo.Firing, "a"), notification("alarm", slo.Firing, "b"), notification("other", slo.Firing, "a"),
	}
	for range 2 { // A repeat changes nothing.
		require.NoError(t, store.Tell(t.Context(), raised))
	}
	require.Len(t, claim(t, store, noon.Add(lease), 10), 4)
	open, err := store.OpenAlarms(t.Context())
	require.NoError(t, err)
	require.Equal(t, ids(raised), ids(open))
	require.Equal(t, raised[0].Payload, open[0].Payload)
	require.NoError(t, store.Tell(t.Context(), []slo.Notification{
		notification("alarm", slo.Resolved, "a"), notification("alarm", slo.Resolved, "b"),
	}))
	open, err = store.OpenAlarms(t.Context())
	require.NoError(t, err)
	require.Equal(t, ids(raised[2:]), ids(open))
}
