package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestAnAuditBeginsWhereItsHorizonDoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, step := range []struct {
		what    string
		horizon time.Duration
		counted slo.Offset
		since   slo.Offset
	}{
		{"nothing was counted yet", time.Hour, 0, 1},
		{"the same again", time.Hour, 100, 1},
		{"another horizon", 2 * time.Hour, 100, 101},
		{"the same again", 2 * time.Hour, 500, 101},
		{"back", time.Hour, 500, 501},
	} {
		since, err := markHorizon(dir, step.horizon, step.counted)
		require.NoError(t, err, step.what)
		require.Equal(t, step.since, since, step.what)
	}
	since, err := markHorizon(t.TempDir(), time.Hour, 70)
	require.NoError(t, err)
	require.Equal(t, slo.Offset(71), since, "a journal of a program that knew no horizon")

	require.NoError(t, os.WriteFile(filepath.Join(dir, horizonFile), []byte("{"), 0o600))
	_, err = markHorizon(dir, time.Hour, 70)
	require.ErrorContains(t, err, "is not what Slowburn wrote")
}
