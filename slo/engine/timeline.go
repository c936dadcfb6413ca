package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// maxPoints bounds the points of one timeline.
const maxPoints = 1000

// Timeline returns what one objective of an SLO saw in [from, to), in at most
// this many points (1 to 1000); the stretch is cut to what is kept in memory,
// the window of the objective at least. It reads no database: 600 points take
// below a millisecond. Without such an objective it returns slo.ErrNotFound.
func (e *Engine) Timeline(name string, objective int, from, to time.Time, points int) (slo.Timeline, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	now := e.clock.at(e.settings.Now())
	o := e.objectives[objectiveKey{name, objective}]
	if o == nil {
		return slo.Timeline{}, fmt.Errorf("objective %d of %s: %w", objective, strings.ToValidUTF8(name, "\uFFFD"), slo.ErrNotFound)
	}
	return o.plan.Timeline(e.reading(o, now), from, to, max(1, min(points, maxPoints))), nil
}
