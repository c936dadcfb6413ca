package audit

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// one is what an event counts in a series.
func one(series slo.Indicator) int64 {
	if series.Value == nil || series.Value.Raw == "" {
		return 1
	}
	return slo.RawUnit
}

// valued is what an event counts as by its value. Numbers are compared as
// fractions; only a float that is written as a limit with decimals is equal to
// it, though it is seldom what is written.
func valued(conditions Conditions, v slo.Value, it item) slo.Counts {
	if v.Raw != "" {
		return shared(conditions, v, it)
	}
	limit, known := fraction(string(v.Threshold.Limit))
	number, isFloat := measure(conditions, v, it)
	if !known || number == nil || v.Threshold.Op == "" {
		return slo.Counts{Unknown: 1}
	}
	order := number.Cmp(limit)
	if isFloat && !limit.IsInt() && asWritten(number).Cmp(limit) == 0 {
		order = 0
	}
	var holds bool
	switch v.Threshold.Op {
	case slo.LTE:
		holds = order <= 0
	case slo.GTE:
		holds = order >= 0
	case slo.LT:
		holds = order < 0
	case slo.GT:
		holds = order > 0
	default:
		return slo.Counts{Unknown: 1}
	}
	if holds {
		return slo.Counts{Good: 1}
	}
	return slo.Counts{Bad: 1}
}

// asWritten is the shortest decimal that a float is read from: 0.1 for the
// float that is a little more.
func asWritten(float *big.Rat) *big.Rat {
	f, _ := float.Float64()
	written, _ := new(big.Rat).SetString(strconv.FormatFloat(f, 'f', -1, 64))
	return written
}

// shared divides an event by its value. A product that lies half way between two
// units belongs to the upper one.
func shared(conditions Conditions, v slo.Value, it item) slo.Counts {
	share, _ := measure(conditions, v, it)
	sound := v.Threshold == slo.Threshold{} && strings.TrimSpace(v.Of) != slo.DurationValue
	if !sound || share == nil || share.Sign() < 0 || share.Cmp(big.NewRat(1, 1)) > 0 {
		return slo.Counts{Unknown: slo.RawUnit}
	}
	f, _ := share.Float64()
	whole, rest := math.Modf(f * slo.RawUnit)
	if rest >= 0.5 {
		whole++
	}
	part, other := int64(whole), slo.RawUnit-int64(whole)
	switch v.Raw {
	case slo.RawSuccess:
		return slo.Counts{Good: part, Bad: other}
	case slo.RawFailure:
		return slo.Counts{Good: other, Bad: part}
	}
	return slo.Counts{Unknown: slo.RawUnit}
}

// measure is the number that a span has; nil if it has none. The infinities
// stand for themselves by a number that lies beyond all limits.
func measure(conditions Conditions, v slo.Value, it item) (number *big.Rat, isFloat bool) {
	of := strings.TrimSpace(v.Of)
	switch of {
	case "":
		return nil, false
	case slo.DurationValue:
		start, end := it.span.StartTimestamp(), it.span.EndTimestamp()
		if start == 0 || start > end {
			return nil, false
		}
		took := new(big.Int).SetUint64(uint64(end - start))
		return new(big.Rat).SetFrac(took, big.NewInt(int64(time.Second))), false
	}
	found, known := conditions.Value(of, it.resource, it.scope, it.span)
	if !known {
		return nil, false
	}
	switch n := found.(type) {
	case int64:
		return new(big.Rat).SetInt64(n), false
	case float64:
		switch {
		case math.IsNaN(n):
			return nil, true
		case math.IsInf(n, 1):
			return new(big.Rat).SetFloat64(math.MaxFloat64), true
		case math.IsInf(n, -1):
			return new(big.Rat).SetFloat64(-math.MaxFloat64), true
		}
		return new(big.Rat).SetFloat64(n), true
	}
	return nil, false
}

// fraction is the number of a limit. None counts as 0.
func fraction(limit string) (r *big.Rat, known bool) {
	if limit == "" {
		return new(big.Rat), true
	}
	d, err := slo.ParseDecimal(limit)
	if err != nil {
		return nil, false
	}
	return d.Rat(), true
}
