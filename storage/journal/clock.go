package journal

import "time"

// clockJump is how far the wall clock may move against the monotonic one, from
// one group of records to the next, before somebody is told.
const clockJump = 2 * time.Second

// arrivals gives arrival times, which never go back. While the wall clock is
// behind the newest record, they go on with the monotonic clock: frozen arrivals
// would say that nothing was measured meanwhile.
type arrivals struct {
	last int64 // the newest arrival given or found, unix nanoseconds
	// wall (unix nanoseconds) and monotonic are the readings at the last call.
	wall      int64
	monotonic time.Duration
	begun     bool
}

// next returns the arrival time at a reading of both clocks, and how far the
// wall clock has jumped since the last one. At the first reading a wall clock
// behind the newest record has jumped.
func (a *arrivals) next(wall int64, monotonic time.Duration) (arrival int64, jump time.Duration) {
	passed := max(0, monotonic-a.monotonic)
	switch {
	case a.begun:
		jump = time.Duration(wall-a.wall) - passed
	case wall < a.last:
		jump, passed = time.Duration(wall-a.last), 0
	}
	if wall < a.last {
		a.last += int64(passed)
	} else {
		a.last = wall
	}
	a.wall, a.monotonic, a.begun = wall, monotonic, true
	return a.last, jump
}

// arrive is the arrival time of the group that is about to be written.
func (j *Journal) arrive() int64 {
	arrival, jump := j.writer.clock.next(j.options.Now().UnixNano(), j.options.Monotonic())
	if jump.Abs() > clockJump {
		j.options.Logger.Warn("the wall clock jumped: arrival times never go back, but event times and ages are judged by it",
			"by", jump.String(), "arrival", instant(arrival))
	}
	return arrival
}
