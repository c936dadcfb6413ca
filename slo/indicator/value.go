package indicator

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// value is a compiled slo.Value.
type value struct {
	expression int // a place in Set.expressions, or one of the constants below
	raw        slo.RawType
	limit      limit
}

// What a value may have in place of an expression; broken is one of them, too.
const duration = -3 // how long the span took

// unitOf is how many units one event of an indicator counts.
func unitOf(i slo.Indicator) int64 {
	if i.Value != nil && i.Value.Raw != "" {
		return slo.RawUnit
	}
	return 1
}

// checkValue finds faults of a value apart from those of its expression. A
// threshold may be missing, as objectives have theirs of their own.
func checkValue(v slo.Value) error {
	of := strings.TrimSpace(v.Of)
	switch {
	case of == "":
		return fmt.Errorf(`the expression is empty: write one such as span.attributes["queue.length"], or %s`, slo.DurationValue)
	case v.Raw == "":
		return checkThreshold(v.Threshold)
	case v.Raw != slo.RawSuccess && v.Raw != slo.RawFailure:
		return fmt.Errorf("the raw type is %q: write %s or %s", v.Raw, slo.RawSuccess, slo.RawFailure)
	case v.Threshold != slo.Threshold{}:
		return errors.New("a raw value is itself the share of events, and has no threshold: leave out one of them")
	case of == slo.DurationValue:
		return errors.New("a duration is no share of events: compare it with a threshold, without a raw type")
	default:
		return nil
	}
}

func checkThreshold(t slo.Threshold) error {
	if t == (slo.Threshold{}) {
		return nil
	}
	if t.Op.Symbol() == "" {
		return fmt.Errorf("the operator of the threshold is %q: write lte, gte, lt or gt", t.Op)
	}
	if t.Limit == "" {
		return nil
	}
	if _, err := slo.ParseDecimal(string(t.Limit)); err != nil {
		return fmt.Errorf("the limit of the threshold: %w", err)
	}
	return nil
}

// limit is a threshold, made ready to be compared with each kind of number.
type limit struct {
	op          slo.Operator
	integer     bound[int64]
	nanoseconds bound[uint64]
	float       floatBound
}

func newLimit(t slo.Threshold) limit {
	exact := t.Limit.Rat()
	l := limit{op: t.Op, float: newFloatBound(t.Limit)}
	l.integer = newBound(exact, (*big.Int).IsInt64, (*big.Int).Int64)
	exact.Mul(exact, big.NewRat(1e9, 1)) // Of seconds.
	l.nanoseconds = newBound(exact, (*big.Int).IsUint64, (*big.Int).Uint64)
	return l
}

// bound is a fraction that whole numbers are compared with exactly: 2 and 3
// lie on either side of 2.5, whose floor is 2.
type bound[T int64 | uint64] struct {
	floor T
	// between says that the fraction lies above its floor.
	between bool
	// beyond is how every T compares with a fraction that none reaches, else 0.
	beyond int
}

func newBound[T int64 | uint64](r *big.Rat, fits func(*big.Int) bool, narrow func(*big.Int) T) bound[T] {
	floor, rest := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	if !fits(floor) {
		return bound[T]{beyond: -floor.Sign()}
	}
	return bound[T]{floor: narrow(floor), between: rest.Sign() != 0}
}

// compare is -1, 0 or 1, as cmp.Compare has it.
func (b bound[T]) compare(n T) int {
	switch {
	case b.beyond != 0:
		return b.beyond
	case n == b.floor && b.between:
		return -1
	default:
		return cmp.Compare(n, b.floor)
	}
}

// floatBound is a decimal that floats are compared with exactly: every other
// float lies on the same side of it as of the float that is nearest.
type floatBound struct {
	nearest float64
	// order is how the nearest itself compares with the decimal.
	order int
}

// newFloatBound takes the nearest float for a decimal with a fraction that is
// written like it: 0.1 is not above 0.1, though the float is, by 6e-18. A whole
// number is one that was counted, and is meant to the last digit.
func newFloatBound(d slo.Decimal) floatBound {
	b := floatBound{nearest: d.Float()}
	exact, written := d.Rat(), slo.Decimal(strconv.FormatFloat(b.nearest, 'f', -1, 64))
	if exact.IsInt() || written.Rat().Cmp(exact) != 0 {
		b.order = new(big.Rat).SetFloat64(b.nearest).Cmp(exact)
	}
	return b
}

// compare is -1, 0 or 1, as cmp.Compare has it.
func (b floatBound) compare(f float64) int {
	if f == b.nearest {
		return b.order
	}
	return cmp.Compare(f, b.nearest)
}

// valued judges an event by its value.
func (j *judge) valued(v *value) outcome {
	if v.raw != "" {
		return j.shared(v)
	}
	var comparison int
	if v.expression == duration {
		took, known := j.current.took()
		if !known {
			return undecided
		}
		comparison = v.limit.nanoseconds.compare(took)
	} else {
		switch n := j.number(v.expression); n.kind {
		case integer: // Exactly, where 2^53+1 as a float would pass for 2^53.
			comparison = v.limit.integer.compare(n.integer)
		case float:
			comparison = v.limit.float.compare(n.float)
		case notANumber:
			return undecided
		}
	}
	if v.limit.op.Holds(comparison) {
		return good
	}
	return bad
}

// shared judges an event whose value is a share, and keeps how many of its
// units are good. They are the product in floats, rounded half up: 0.97 is
// 970,000,000 of them.
func (j *judge) shared(v *value) outcome {
	n := j.number(v.expression)
	if n.kind == integer {
		n.float = float64(n.integer)
	}
	if n.kind == notANumber || n.float < 0 || n.float > 1 {
		return undecided
	}
	j.share = int64(math.Round(n.float * slo.RawUnit))
	if v.raw == slo.RawFailure {
		j.share = slo.RawUnit - j.share
	}
	return divided
}

// number is the value of one expression, evaluated at most once per span.
func (j *judge) number(place int) number {
	if place == broken {
		return number{}
	}
	remembered := &j.tally.numbers[place]
	if remembered.span != j.tally.span {
		*remembered = numberMemo{span: j.tally.span, number: j.set.expressions[place].number(j.current.context(j.resource))}
	}
	return remembered.number
}
