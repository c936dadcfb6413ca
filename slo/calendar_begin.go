package slo

import "time"

// Begin is the instant at which the period of Start begins, and how often
// clocks in the zone show Start: once, or twice where they are put back over it,
// or never where they are put forward (see Start for what holds then). It
// refuses what Check refuses.
func (c Calendar) Begin() (at time.Time, shown int, err error) {
	compiled, err := c.compile()
	if err != nil {
		return time.Time{}, 0, err
	}
	at = compiled.instant(compiled.start)
	// A zone that shows the same time twice does so within a day.
	for _, hour := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour, 24 * time.Hour} {
		if compiled.shows(at.Add(hour), compiled.start) {
			return at, 2, nil
		}
	}
	if compiled.shows(at, compiled.start) {
		return at, 1, nil
	}
	return at, 0, nil
}
