package webtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Timeline is what the scenario of an SLO saw, judged as the engine does.
func (s *Source) Timeline(name string, objective int, from, to time.Time, points int) (slo.Timeline, error) {
	status, err := s.Status(name)
	if err != nil {
		return slo.Timeline{}, err
	}
	if objective >= len(status.Objectives) {
		return slo.Timeline{}, fmt.Errorf("objective %d of %s: %w", objective, name, slo.ErrNotFound)
	}
	kind, known := kindOf(name)
	if !known {
		return slo.Timeline{}, fmt.Errorf("no scenario is called %s: %w", name, slo.ErrNotFound)
	}
	plan := slo.NewPlan(status.Definition.SLO, objective)
	reading := s.readingOf(kind)
	reading.ResetAt = status.Objectives[objective].ResetAt
	return plan.Timeline(reading, from, to, points), nil
}

// readingOf makes the history of a scenario once: it holds a quarter of a
// million slices.
func (s *Source) readingOf(kind Scenario) slo.Reading {
	s.lock.Lock()
	defer s.lock.Unlock()
	reading, known := s.readings[kind.Name]
	if !known {
		reading = kind.reading()
		if s.readings == nil {
			s.readings = map[string]slo.Reading{}
		}
		s.readings[kind.Name] = reading
	}
	return reading
}

// kindOf is the scenario behind the name of a fixture.
func kindOf(name string) (Scenario, bool) {
	for _, kind := range []Scenario{healthy(), burning(), exhausted(), unmeasured(), silent(), hostile(), long(), tiers(), gappy()} {
		if kind.Name == name {
			return kind, true
		}
	}
	var i int
	if _, err := fmt.Sscanf(strings.TrimPrefix(name, "objective-"), "%d", &i); err != nil {
		return Scenario{}, false
	}
	return manyKinds()[i%len(manyKinds())], true
}
