package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/examples"
	"github.com/slowburn-slo/slowburn/slo/indicator"
)

func TestTheObjectivesOfTheDemoAreSound(t *testing.T) {
	t.Parallel()
	documents, err := parseDocuments("shop.yaml", examples.ShopSLOs())
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(documents), 7)
	compiler, err := indicator.NewCompiler()
	require.NoError(t, err)
	for _, d := range documents {
		_, err := compiler.Check(d.SLO.Indicator)
		require.NoError(t, err, d.SLO.Name)
	}
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
