package indicator

import (
	"errors"
	"fmt"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// builder gathers one set. Its compiler is locked meanwhile.
type builder struct {
	compiler *Compiler
	set      *Set
	seen     map[slo.SeriesID]bool
	places   map[string]int // condition text -> place in set.conditions
	values   map[string]int // expression text -> place in set.expressions
	known    parsed
	faults   []error
}

func newBuilder(c *Compiler, size int) *builder {
	return &builder{
		compiler: c,
		set:      &Set{series: make([]series, 0, size), byService: map[string][]int{}},
		seen:     make(map[slo.SeriesID]bool, size),
		places:   map[string]int{},
		values:   map[string]int{},
		known:    newParsed(),
	}
}

func (b *builder) add(s slo.Series) {
	if b.seen[s.ID] {
		return
	}
	b.seen[s.ID] = true
	i := s.Indicator
	compiled := series{id: s.ID, unit: unitOf(i), total: b.source(s.ID, "total", i.Total)}
	switch err := checkVerdict(i); {
	case err != nil:
		b.fault(s.ID, err)
		compiled.verdict.condition = broken
	case i.Value != nil:
		compiled.value = b.value(s.ID, *i.Value)
	case i.Good != nil:
		compiled.verdict = b.source(s.ID, "good", *i.Good)
	default:
		compiled.verdict, compiled.verdictIsBad = b.source(s.ID, "bad", *i.Bad), true
	}
	compiled.total.service = "" // The lists below hold it already.
	place := len(b.set.series)
	b.set.series = append(b.set.series, compiled)
	if i.Total.Service == "" {
		b.set.everywhere = append(b.set.everywhere, place)
	} else {
		b.set.byService[i.Total.Service] = append(b.set.byService[i.Total.Service], place)
	}
}

func (b *builder) source(id slo.SeriesID, field string, s slo.SpanSource) source {
	compiled := source{service: s.Service, condition: always}
	if err := checkDuration(s); err != nil {
		b.fault(id, fmt.Errorf("%s: %w", field, err))
		compiled.condition = broken
		return compiled
	}
	compiled.maxDuration = s.MaxDuration
	if text := strings.TrimSpace(s.Condition); text != "" {
		place, err := b.condition(text)
		if err != nil {
			b.fault(id, fmt.Errorf("%s: %w", field, err))
		}
		compiled.condition = place
	}
	return compiled
}

// condition returns the place of a condition in the set, where equal texts
// share one, so that each is evaluated at most once per span.
func (b *builder) condition(text string) (int, error) {
	if place, ok := b.places[text]; ok {
		return place, nil
	}
	compiled, ok := b.compiler.known.conditions[text]
	if !ok {
		var err error
		if compiled, err = b.compiler.parse(text); err != nil {
			return broken, err
		}
	}
	place := len(b.set.conditions)
	b.set.conditions = append(b.set.conditions, compiled)
	b.places[text], b.known.conditions[text] = place, compiled
	return place, nil
}

// value compiles a value. One that has a fault is no number on any span.
func (b *builder) value(id slo.SeriesID, v slo.Value) *value {
	err := checkValue(v)
	if err == nil && v.Raw == "" && v.Threshold == (slo.Threshold{}) {
		err = errors.New("the threshold is missing: say how the value of a good event compares with which limit")
	}
	compiled := &value{raw: v.Raw, expression: broken}
	if err == nil {
		compiled.limit = newLimit(v.Threshold)
		compiled.expression, err = b.expression(strings.TrimSpace(v.Of))
	}
	if err != nil {
		b.fault(id, fmt.Errorf("value: %w", err))
	}
	return compiled
}

// expression is condition for value expressions.
func (b *builder) expression(text string) (int, error) {
	if text == slo.DurationValue {
		return duration, nil
	}
	if place, ok := b.values[text]; ok {
		return place, nil
	}
	compiled, ok := b.compiler.known.expressions[text]
	if !ok {
		var err error
		if compiled, err = b.compiler.parseValue(text); err != nil {
			return broken, err
		}
	}
	place := len(b.set.expressions)
	b.set.expressions = append(b.set.expressions, compiled)
	b.values[text], b.known.expressions[text] = place, compiled
	return place, nil
}

func (b *builder) fault(id slo.SeriesID, err error) {
	b.faults = append(b.faults, fmt.Errorf("series %s: %w", id, err))
}

// finish lets the list of each service hold the series of every service too:
// a span then walks one list.
func (b *builder) finish() *Set {
	for service, own := range b.set.byService {
		list := make([]int, 0, len(b.set.everywhere)+len(own))
		b.set.byService[service] = append(append(list, b.set.everywhere...), own...)
	}
	return b.set
}
