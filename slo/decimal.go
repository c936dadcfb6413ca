package slo

import (
	"fmt"
	"math/big"
	"strings"
)

// maxDecimalDigits bounds a Decimal on either side of its point.
const maxDecimalDigits = 18

// Decimal is an exact number as people write it: "0.25", "-3", "1500". It is
// kept as text without an exponent, leading or trailing zeros, so that equal
// numbers are equal. The empty Decimal stands for none, and counts as 0.
type Decimal string

// ParseDecimal reads a number such as "2", "0.50", "-1.5e3" or ".5". It refuses
// what is no number, infinities, and more than 18 digits on either side of the
// point: "1.50e1" is 15.
func ParseDecimal(text string) (Decimal, error) {
	text = strings.TrimSpace(text)
	if !plainDecimal(text) {
		return "", fmt.Errorf("%q is not a decimal number", text)
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", fmt.Errorf("%q is not a decimal number", text)
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(maxDecimalDigits), nil)
	if new(big.Int).Mod(limit, r.Denom()).Sign() != 0 || new(big.Int).Quo(r.Num(), r.Denom()).CmpAbs(limit) >= 0 {
		return "", fmt.Errorf("%s has more than %d digits before or after its point", text, maxDecimalDigits)
	}
	return decimalOf(r), nil
}

// decimalOf writes a fraction whose denominator divides a power of ten.
func decimalOf(r *big.Rat) Decimal {
	s := r.FloatString(maxDecimalDigits)
	s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	if s == "-0" || s == "" {
		s = "0"
	}
	return Decimal(s)
}

// Rat is the number as a fraction, which is the caller's.
func (d Decimal) Rat() *big.Rat {
	if r, ok := new(big.Rat).SetString(string(d)); ok {
		return r
	}
	return new(big.Rat)
}

// Float is the nearest float, for display and for comparing with floats.
func (d Decimal) Float() float64 {
	f, _ := d.Rat().Float64()
	return f
}
