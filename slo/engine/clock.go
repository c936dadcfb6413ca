package engine

import "time"

const (
	// jumpTolerance is how far the wall clock may run away from the monotonic
	// one within a minute: more is a jump.
	jumpTolerance = 2 * time.Second
	// anchorFor is how long jumps are measured from the same pair of readings.
	// A clock that is slewed by the usual 500 ppm moves 30 ms in it.
	anchorFor = time.Minute
)

// clock gives out the instants at which objectives are judged. They only go
// forward, whatever the wall clock does: an instant that was judged is never
// judged again, and no two evaluations share one, which identities of episodes
// rely on.
type clock struct {
	// last is the newest instant that was given out.
	last time.Time
	// wall and uptime are a pair of readings that belong together.
	wall   time.Time
	uptime time.Duration
}

// reading is what one look at the clocks says.
type reading struct {
	now time.Time
	// behind is how far the wall clock lies before the newest instant judged.
	behind time.Duration
	// jump is how far the wall clock jumped since the look before; 0 if it did not.
	jump time.Duration
}

// look reads the wall clock and the time since some fixed moment, by a clock
// that nobody sets.
func (c *clock) look(wall time.Time, uptime time.Duration) reading {
	wall = wall.Round(0) // Without its monotonic reading, which comparisons would prefer.
	r := reading{now: c.at(wall)}
	if !c.last.IsZero() {
		r.behind = max(0, c.last.Sub(wall))
	}
	c.last = r.now
	drift := wall.Sub(c.wall) - (uptime - c.uptime)
	switch {
	case c.wall.IsZero():
		c.wall, c.uptime = wall, uptime
	case drift > jumpTolerance || drift < -jumpTolerance:
		r.jump = drift
		c.wall, c.uptime = wall, uptime
	case uptime-c.uptime > anchorFor:
		c.wall, c.uptime = wall, uptime
	}
	return r
}

// at is the instant that a look at this wall clock would give out.
func (c *clock) at(wall time.Time) time.Time {
	if wall = wall.Round(0); wall.After(c.last) {
		return wall
	}
	return c.last.Add(time.Nanosecond)
}
