package slo

import (
	"math/big"
	"math/bits"
)

// fraction is a share to compare with, or a weight to multiply by: num/den.
type fraction struct{ num, den uint64 }

// fractionOf is a fraction of 64 bits above and below; false if r does not fit.
func fractionOf(r *big.Rat) (fraction, bool) {
	if r.Sign() < 0 || !r.Num().IsUint64() || !r.Denom().IsUint64() {
		return fraction{}, false
	}
	return fraction{num: r.Num().Uint64(), den: r.Denom().Uint64()}, true
}

// compare is how part/total compares with the fraction: -1, 0 or 1, by
// cross-multiplication in 128 bits, without rounding. 3 of 1000 against 1/1000
// is 1. Total MUST be above 0, and part not below it.
func (f fraction) compare(part, total int64) int {
	h1, l1 := bits.Mul64(uint64(part), f.den)
	h2, l2 := bits.Mul64(uint64(total), f.num)
	switch {
	case h1 != h2 && h1 < h2, h1 == h2 && l1 < l2:
		return -1
	case h1 == h2 && l1 == l2:
		return 0
	default:
		return 1
	}
}

// reachedBy reports part/total >= num/den. No events reach nothing.
func (f fraction) reachedBy(part, total int64) bool {
	return total > 0 && part >= 0 && f.compare(part, total) >= 0
}

// of is n * num/den rounded down, at most limit.
func (f fraction) of(n, limit uint64) uint64 {
	high, low := bits.Mul64(n, f.num)
	if high >= f.den {
		return limit
	}
	quotient, _ := bits.Div64(high, low, f.den)
	return min(quotient, limit)
}
