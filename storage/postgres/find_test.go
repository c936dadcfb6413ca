package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/storage/postgres"
)

func TestASecondProcessFindsTheServerThatRuns(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	_, running, err := postgres.FindServer(t.Context(), dir)
	require.NoError(t, err)
	require.False(t, running, "there is none yet")

	server := startServer(t, dir)
	url, running, err := postgres.FindServer(t.Context(), dir)
	require.NoError(t, err)
	require.True(t, running)
	require.Equal(t, server.URL(), url)

	stopServer(t, server)
	_, running, err = postgres.FindServer(t.Context(), dir)
	require.NoError(t, err)
	require.False(t, running, "it was stopped")

	_, _, err = postgres.FindServer(t.Context(), dir+" missing")
	require.ErrorContains(t, err, "find the data folder")
}
