package indicator_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
)

// TestEveryOperatorIsExact compares numbers with limits around them by
// fractions: the number itself, its neighbours, and any other.
func TestEveryOperatorIsExact(t *testing.T) {
	t.Parallel()
	shared := compiler(t)
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Custom(drawNumber), rapid.Map(rapid.Float64(), func(f float64) any { return f }),
			rapid.Map(rapid.Float64Range(-1e18, 1e18), func(f float64) any { return math.Trunc(f) })).Draw(t, "any number")
		s := with(number)
		s.attributes["v"] = number
		var indicators []slo.Indicator
		for _, op := range []slo.Operator{slo.LTE, slo.GTE, slo.LT, slo.GT} {
			indicators = append(indicators, slo.Indicator{Value: &slo.Value{
				Of: `span.attributes["v"]`, Threshold: slo.Threshold{Op: op, Limit: drawLimit(t, number)},
			}})
		}
		set, err := shared.Compile(seriesOf(indicators...))
		require.NoError(t, err)
		commit := drained(t, set, record(t, traces(s)))
		for _, i := range indicators {
			require.Equal(t, naiveValue(*i.Value, s), total(commit, i.Series().ID), "%v %s %s", number, i.Value.Threshold.Op, i.Value.Threshold.Limit)
		}
	})
}

// drawLimit draws a limit at or near a number, as far as one can be written.
func drawLimit(t *rapid.T, number any) slo.Decimal {
	exact := new(big.Rat)
	switch n := number.(type) {
	case int64:
		exact.SetInt64(n)
	case float64:
		if !math.IsNaN(n) && !math.IsInf(n, 0) {
			exact.SetFloat64(n)
		}
	}
	near := rapid.SampledFrom([]*big.Rat{
		{}, big.NewRat(1, 1), big.NewRat(-1, 1), big.NewRat(1, 2), big.NewRat(1, 1e18), big.NewRat(-1, 1e18), exact,
	}).Draw(t, "apart")
	digits := rapid.IntRange(0, 18).Draw(t, "decimals")
	limit, err := slo.ParseDecimal(new(big.Rat).Add(exact, near).FloatString(digits))
	if err != nil {
		return rapid.SampledFrom([]slo.Decimal{"999999999999999999", "-999999999999999999", "9007199254740993", "0"}).Draw(t, "far limit")
	}
	return limit
}

func TestFloatsMeetLimitsThatNoFloatIs(t *testing.T) {
	t.Parallel()
	good, bad := slo.Counts{Good: 1}, slo.Counts{Bad: 1}
	const odd = "9007199254740993" // 2^53 + 1, between two floats.
	for name, test := range map[string]struct {
		indicator slo.Indicator
		n         any
		want      slo.Counts
	}{
		"the float below a whole limit is less":        {valued(ofN, slo.LT, odd), 9007199254740992.0, good},
		"it is not at least the limit":                 {valued(ofN, slo.GTE, odd), 9007199254740992.0, bad},
		"the float above it is more":                   {valued(ofN, slo.GT, odd), 9007199254740994.0, good},
		"the same below zero":                          {valued(ofN, slo.LTE, "-"+odd), -9007199254740992.0, bad},
		"a float that rounds to a whole limit is more": {valued(ofN, slo.GT, "999999999999999999"), 1e18, good},
		"0.1 is at most 0.1":                           {valued(ofN, slo.LTE, "0.1"), 0.1, good},
		"0.1 is not above 0.1":                         {valued(ofN, slo.GT, "0.1"), 0.1, bad},
		"0.1 is above what no float is written like":   {valued(ofN, slo.GT, "0.100000000000000001"), 0.1, good},
		"0.1 + 0.2 is above 0.3":                       {valued(ofN, slo.GT, "0.3"), math.Nextafter(0.3, 1), good},
		"1e19 is above every limit":                    {valued(ofN, slo.GT, "999999999999999999"), 1e19, good},
		"the negative zero is zero":                    {valued(ofN, slo.GTE, "0"), math.Copysign(0, -1), good},
		"infinity is above every limit":                {valued(ofN, slo.GT, "999999999999999999"), math.Inf(1), good},
		"its negative is below":                        {valued(ofN, slo.LT, "-999999999999999999"), math.Inf(-1), good},
		"NaN is unknown":                               {valued(ofN, slo.LTE, odd), math.NaN(), slo.Counts{Unknown: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := drained(t, compile(t, test.indicator), record(t, traces(with(test.n))))
			require.Equal(t, test.want, total(c, test.indicator.Series().ID))
		})
	}
}
