package slo

import (
	"fmt"
	"math/big"
	"strings"
)

// maxTargetDenominator bounds the precision of a target to nine decimals, so
// that every comparison fits into 128 bits.
const maxTargetDenominator = 1_000_000_000

// Target is the share of events that must be good, an exact fraction in
// [0, 1): 0.999 is 999/1000. The zero value is the target 0.
type Target struct {
	numerator, denominator uint64
}

// ParseTarget reads a decimal such as "0.999" or, with percent set, "99.9".
// It refuses what is not a number, lies outside [0, 1) or has more than nine
// decimals of a ratio.
func ParseTarget(text string, percent bool) (Target, error) {
	field, limit := "target", "1"
	if percent {
		field, limit = "targetPercent", "100"
	}
	text = strings.TrimSpace(text)
	r, err := readDecimal(text)
	if err != nil {
		return Target{}, fmt.Errorf("%s %w", field, err)
	}
	if percent {
		r.Quo(r, big.NewRat(100, 1))
	}
	if r.Sign() < 0 || r.Cmp(big.NewRat(1, 1)) >= 0 {
		return Target{}, fmt.Errorf("%s %s must be at least 0 and below %s: a budget must remain", field, text, limit)
	}
	if !r.Denom().IsUint64() || maxTargetDenominator%r.Denom().Uint64() != 0 {
		return Target{}, fmt.Errorf("%s %s has more than nine decimals", field, text)
	}
	return Target{numerator: r.Num().Uint64(), denominator: r.Denom().Uint64()}, nil
}

func (t Target) fraction() (numerator, denominator uint64) {
	if t.denominator == 0 {
		return 0, 1
	}
	return t.numerator, t.denominator
}

// budget is the share of events that may be bad, 1 - target, as a fraction:
// 0.999 leaves 1/1000.
func (t Target) budget() (numerator, denominator uint64) {
	n, d := t.fraction()
	return d - n, d
}

// budgetRat is budget as a fraction of any size, which is the caller's.
func (t Target) budgetRat() *big.Rat {
	n, d := t.budget()
	return new(big.Rat).SetFrac(new(big.Int).SetUint64(n), new(big.Int).SetUint64(d))
}

// BurnRate is bad / total / (1 - target), for display: 12 of 1000 events bad
// burn a budget of 0.1 % at 12. It reports false without events.
func (t Target) BurnRate(c Counts) (float64, bool) { return burnRate(t, c), c.Total() > 0 }

// Float is the target for display: 0.999.
func (t Target) Float() float64 {
	n, d := t.fraction()
	return float64(n) / float64(d)
}

// String is the exact decimal: "0.999".
func (t Target) String() string {
	n, d := t.fraction()
	s := new(big.Rat).SetFrac(new(big.Int).SetUint64(n), new(big.Int).SetUint64(d)).FloatString(9)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Percent is the exact percentage without its sign: "99.9".
func (t Target) Percent() string {
	n, d := t.fraction()
	r := new(big.Rat).SetFrac(new(big.Int).SetUint64(n), new(big.Int).SetUint64(d))
	s := r.Mul(r, big.NewRat(100, 1)).FloatString(7)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
