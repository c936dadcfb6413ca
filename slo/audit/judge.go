package audit

import (
	"math"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// truth is the answer to one question, in Kleene's logic.
type truth int8

const (
	isFalse truth = -1
	isOpen  truth = 0
	isTrue  truth = 1
)

// all is true if every answer is: one false settles it, else one open one
// leaves it open. That is the least of them.
func all(answers ...truth) truth {
	least := isTrue
	for _, a := range answers {
		least = min(least, a)
	}
	return least
}

func truthOf(holds bool) truth {
	if holds {
		return isTrue
	}
	return isFalse
}

// verdict is what a span counts as in a series; nothing if it is no event of it.
func verdict(conditions Conditions, series slo.Indicator, it item) slo.Counts {
	switch selects(conditions, series.Total, it) {
	case isFalse:
		return slo.Counts{}
	case isOpen:
		return slo.Counts{Unknown: one(series)}
	case isTrue:
	}
	if series.Value != nil && series.Good == nil && series.Bad == nil {
		return valued(conditions, *series.Value, it)
	}
	judged, sign := isOpen, isTrue
	switch {
	case series.Value != nil: // And good or bad.
	case series.Good != nil && series.Bad == nil:
		judged = selects(conditions, *series.Good, it)
	case series.Bad != nil && series.Good == nil:
		judged, sign = selects(conditions, *series.Bad, it), isFalse
	default: // Neither or both say nothing.
	}
	switch judged * sign {
	case isTrue:
		return slo.Counts{Good: 1}
	case isFalse:
		return slo.Counts{Bad: 1}
	case isOpen:
	}
	return slo.Counts{Unknown: one(series)}
}

// selects is whether a source selects a span.
func selects(conditions Conditions, source slo.SpanSource, it item) truth {
	service := truthOf(source.Service == "" || source.Service == it.service)
	if service == isFalse {
		return isFalse
	}
	if source.MaxDuration < 0 { // No such limit exists; nobody can say.
		return isOpen
	}
	quick := took(source.MaxDuration, it)
	condition := strings.TrimSpace(source.Condition)
	if quick == isFalse || condition == "" {
		return quick
	}
	holds, known := conditions.Holds(condition, it.resource, it.scope, it.span)
	if !known {
		return all(quick, isOpen)
	}
	return all(quick, truthOf(holds))
}

// took is whether a span took at most limit; 0 is no limit. A span without a
// start, or one that ends before it starts, leaves it open.
func took(limit time.Duration, it item) truth {
	start, end := it.span.StartTimestamp(), it.span.EndTimestamp()
	switch {
	case limit == 0:
		return isTrue
	case start == 0 || start > end:
		return isOpen
	default:
		return truthOf(end-start <= math.MaxInt64 && time.Duration(end-start) <= limit)
	}
}
