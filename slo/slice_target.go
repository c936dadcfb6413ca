package slo

import (
	"fmt"
	"math/big"
	"strings"
)

// ParseSliceTarget reads the share of good events that makes a slice good, such
// as "0.95". Unlike that of a budget it may be 1: every event must be good then.
// It refuses what is not a number, lies outside (0, 1] or has more than nine
// decimals.
func ParseSliceTarget(text string) (Target, error) {
	text = strings.TrimSpace(text)
	r, err := readDecimal(text)
	if err != nil {
		return Target{}, fmt.Errorf("timeSliceTarget %w", err)
	}
	if r.Sign() <= 0 || r.Cmp(big.NewRat(1, 1)) > 0 {
		return Target{}, fmt.Errorf("timeSliceTarget %s must be above 0 and at most 1", text)
	}
	if !r.Denom().IsUint64() || maxTargetDenominator%r.Denom().Uint64() != 0 {
		return Target{}, fmt.Errorf("timeSliceTarget %s has more than nine decimals", text)
	}
	return Target{numerator: r.Num().Uint64(), denominator: r.Denom().Uint64()}, nil
}
