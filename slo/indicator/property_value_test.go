package indicator_test

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/slowburn-slo/slowburn/slo"
)

// naiveValue judges an event by its value, in fractions.
func naiveValue(v slo.Value, s span) slo.Counts {
	n, isFloat, known := naiveNumber(v.Of, s)
	if v.Raw != "" {
		return naiveShare(v.Raw, n, known)
	}
	if !known {
		return slo.Counts{Unknown: 1}
	}
	limit := v.Threshold.Limit.Rat()
	if isFloat && written(n, v.Threshold.Limit) {
		n = limit
	}
	holds := map[slo.Operator]bool{
		slo.LTE: n.Cmp(limit) <= 0, slo.GTE: n.Cmp(limit) >= 0, slo.LT: n.Cmp(limit) < 0, slo.GT: n.Cmp(limit) > 0,
	}
	if holds[v.Threshold.Op] {
		return slo.Counts{Good: 1}
	}
	return slo.Counts{Bad: 1}
}

// written reports whether a float is written as a limit with decimals is: 0.1
// is, though the float is a little more.
func written(n *big.Rat, limit slo.Decimal) bool {
	f, _ := n.Float64()
	return strings.Contains(string(limit), ".") && strconv.FormatFloat(f, 'f', -1, 64) == string(limit)
}

func naiveShare(kind slo.RawType, n *big.Rat, known bool) slo.Counts {
	if !known || n.Sign() < 0 || n.Cmp(big.NewRat(1, 1)) > 0 {
		return slo.Counts{Unknown: 1e9}
	}
	v, _ := n.Float64()
	units := int64(0)
	for half := int64(1 << 30); half > 0; half /= 2 { // The most units that v*1e9+0.5 holds.
		if float64(units+half)-0.5 <= v*1e9 {
			units += half
		}
	}
	if kind == slo.RawFailure {
		return slo.Counts{Good: 1e9 - units, Bad: units}
	}
	return slo.Counts{Good: units, Bad: 1e9 - units}
}

// naiveNumber says by hand what each expression gives.
func naiveNumber(of string, s span) (n *big.Rat, isFloat, known bool) {
	if of == "duration" {
		return big.NewRat(int64(s.took), int64(time.Second)), false, !s.noStart && s.took >= 0
	}
	switch v := s.attributes["v"].(type) {
	case int64:
		if of == `span.attributes["v"] / 2` {
			v /= 2
		}
		return new(big.Rat).SetInt64(v), false, true
	case float64:
		if of == `span.attributes["v"] / 2` {
			v /= 2
		}
		switch {
		case math.IsNaN(v):
			return nil, true, false
		case math.IsInf(v, 0): // Beyond all limits, as the greatest floats are.
			v = math.Copysign(math.MaxFloat64, v)
		}
		return new(big.Rat).SetFloat64(v), true, true
	default:
		return nil, false, false
	}
}

func drawValue(t *rapid.T) *slo.Value {
	of := []string{`span.attributes["v"]`, `span.attributes["v"] / 2`}
	if rapid.Bool().Draw(t, "raw") {
		return &slo.Value{
			Of: rapid.SampledFrom(of).Draw(t, "value"), Raw: rapid.SampledFrom([]slo.RawType{slo.RawSuccess, slo.RawFailure}).Draw(t, "type"),
		}
	}
	return &slo.Value{
		Of: rapid.SampledFrom(append(of, "duration")).Draw(t, "value"),
		Threshold: slo.Threshold{
			Op: rapid.SampledFrom([]slo.Operator{slo.LTE, slo.GTE, slo.LT, slo.GT}).Draw(t, "operator"),
			Limit: rapid.SampledFrom([]slo.Decimal{
				"0", "0.5", "-0.5", "1", "2", "0.1", "9007199254740993", "-9007199254740993", "9007199254740992.5", "999999999999999999",
				"-999999999999999999", "0.3", "0.000000001", "0.0000000015", "0.300000001", "0.100000000000000001",
			}).Draw(t, "limit"),
		},
	}
}

func drawNumber(t *rapid.T) any {
	return rapid.OneOf(
		rapid.SampledFrom([]any{
			nil, "1", true, int64(0), int64(1), int64(2), int64(-1), int64(9007199254740992), int64(9007199254740993), int64(math.MinInt64),
			0.5, 0.1, 1.0, math.Nextafter(1, 2), math.Nextafter(0, -1), -0.5, math.NaN(), 0.5e-9, 1.5e-9, 9007199254740992.0,
			-9007199254740992.0, math.Nextafter(1<<53, math.MaxFloat64), 1e18, -1e18, 1e19, math.Copysign(0, -1), math.Inf(1), math.Inf(-1),
		}),
		rapid.Map(rapid.Float64Range(0, 1), func(f float64) any { return f }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }),
	).Draw(t, "number")
}
