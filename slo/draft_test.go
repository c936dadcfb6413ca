package slo_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
)

func TestADraftedTargetIsMetByWhatWasSeen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(0, 1<<40).Draw(t, "total")
		c := slo.Counts{Bad: rapid.Int64Range(0, total/5+1).Draw(t, "bad")}
		c.Good = max(total-c.Bad, 0)
		target := slo.DraftTarget(c)
		budget := slo.BudgetOf(target, c)
		if c.Bad > 0 && c.Bad*10 < c.Total()*4 {
			require.Greater(t, budget.RemainingRatio, 0.0, "%+v of %+v", target.String(), c)
		}
		require.Less(t, target.Float(), 0.99951)
	})
}

func TestDraftTargets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		counts slo.Counts
		want   string
	}{
		"nothing seen":        {slo.Counts{}, "0.99"},
		"few events":          {slo.Counts{Good: 500}, "0.99"},
		"all good":            {slo.Counts{Good: 100_000}, "0.999"},
		"hardly any bad":      {slo.Counts{Good: 99_980, Bad: 20}, "0.9995"},
		"a few bad":           {slo.Counts{Good: 99_900, Bad: 100}, "0.995"},
		"many bad":            {slo.Counts{Good: 90, Bad: 10}, "0.5"},
		"nearly all bad":      {slo.Counts{Good: 1, Bad: 99}, "0.1"},
		"unknown are not bad": {slo.Counts{Good: 5000, Unknown: 5000}, "0.999"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, slo.DraftTarget(c.counts).String())
		})
	}
}

func TestDraftsHaveRoundLimitsAndPlainNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operation slo.Operation
		p99       time.Duration
		slo       string
		limit     time.Duration
	}{
		"an operation":        {slo.Operation{Service: "shop", Name: "GET /cart/{id}", Kind: slo.ServerSpan}, 190 * time.Millisecond, "shop-get-cart-id", 250 * time.Millisecond},
		"a whole service":     {slo.Operation{Service: "shop", Kind: slo.ServerSpan}, 84 * time.Millisecond, "shop", 150 * time.Millisecond},
		"no traffic":          {slo.Operation{Service: "shop"}, 0, "shop", time.Second},
		"microseconds":        {slo.Operation{Service: "s", Kind: slo.ConsumerSpan}, 40 * time.Microsecond, "s", 50 * time.Microsecond},
		"minutes":             {slo.Operation{Service: "s", Kind: slo.ConsumerSpan}, 3 * time.Minute, "s", 250 * time.Second},
		"nothing but symbols": {slo.Operation{Service: "<>", Kind: slo.ServerSpan}, time.Second, "objective", 1500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := slo.DraftSLO(slo.Traffic{Operation: c.operation, P99: c.p99}, slo.Counts{})
			require.Equal(t, c.slo, got.Name)
			require.Equal(t, c.limit, got.Indicator.Good.MaxDuration)
			require.LessOrEqual(t, len([]rune(got.DisplayName)), 63)
		})
	}
}
