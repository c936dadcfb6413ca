package slo

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// maxDecimalDigits bounds a Decimal on either side of its point.
const maxDecimalDigits = 18

// maxDecimalText bounds the text of a number that is read.
const maxDecimalText = 32

// Decimal is an exact number as people write it: "0.25", "-3", "1500". It is
// kept as text without an exponent, leading or trailing zeros, so that equal
// numbers are equal. The empty Decimal stands for none, and counts as 0.
type Decimal string

// ParseDecimal reads a number such as "2", "0.50", "-1.5e3" or ".5". It refuses
// what is no number, infinities, and more than 18 digits on either side of the
// point: "1.50e1" is 15.
func ParseDecimal(text string) (Decimal, error) {
	text = strings.TrimSpace(text)
	r, err := readDecimal(text)
	if err != nil {
		return "", err
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(maxDecimalDigits), nil)
	if new(big.Int).Mod(limit, r.Denom()).Sign() != 0 || new(big.Int).Quo(r.Num(), r.Denom()).CmpAbs(limit) >= 0 {
		return "", fmt.Errorf("%s has more than %d digits before or after its point", text, maxDecimalDigits)
	}
	return decimalOf(r), nil
}

// readDecimal reads a decimal without a bound on its digits, but for the length
// of the text: an arbitrary-precision number whose exponent has a few digits is
// a lot of work. Its error begins with the text.
func readDecimal(text string) (*big.Rat, error) {
	// ParseFloat tells a number from other text in time that its length bounds;
	// what is out of the range of floats is a number, too.
	_, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || strings.Trim(text, "+-.0123456789eE") != "" {
		return nil, fmt.Errorf("%q is not a decimal number", text)
	}
	if len(text) > maxDecimalText {
		return nil, fmt.Errorf("%q... is too long: write a number in at most %d characters, this one has %d", text[:maxDecimalText], maxDecimalText, len(text))
	}
	if _, exponent, _ := strings.Cut(strings.ToLower(text), "e"); len(exponent) > 3 {
		return nil, fmt.Errorf("%q has too long an exponent: write its digits", text)
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("%q is not a decimal number", text)
	}
	return r, nil
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

// Float is the nearest float.
func (d Decimal) Float() float64 {
	f, _ := d.Rat().Float64()
	return f
}
