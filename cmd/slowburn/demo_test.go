package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/examples"
	"github.com/slowburn-slo/slowburn/slo"
)

func TestTheObjectivesOfTheDemoAreSound(t *testing.T) {
	t.Parallel()
	set := newCatalog(t)
	found, warnings, err := set.Check(slo.Documents{File: "shop.yaml", Data: examples.ShopSLOs(), Strict: true})
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.GreaterOrEqual(t, len(found), 7)
	_, err = readAlerting("../../examples/alerting/demo.yml")
	require.NoError(t, err)
}

func TestSharesAreReadInBothWays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"": 0, "20%": 0.2, "0.2": 0.2, "100 %": 1, "0%": 0} {
		got, err := parseShare(text)
		require.NoError(t, err, text)
		require.InDelta(t, want, got, 1e-12)
	}
	for _, text := range []string{"20", "-1%", "101%", "x", "NaN", "%"} {
		_, err := parseShare(text)
		require.Error(t, err, text)
	}
}
