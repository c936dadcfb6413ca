package slo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestSliceTargets(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"1": "1", "1.0": "1", "0.95": "0.95", ".5": "0.5", "0.000000001": "0.000000001"} {
		got, err := slo.ParseSliceTarget(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.String())
	}
	for _, text := range []string{"0", "-0.5", "1.000000001", "0.0000000001", "x", "1e-9999", ".inf", ""} {
		_, err := slo.ParseSliceTarget(text)
		require.Error(t, err, text)
	}
}
