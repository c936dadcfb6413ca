package indicator

import (
	"math"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// current is the span being judged.
type current struct {
	scope      ptrace.ScopeSpans
	span       ptrace.Span
	start, end pcommon.Timestamp
	// ottl is OTTL's view of the span, made when the first condition asks.
	ottl *ottlspan.TransformContext
}

// within is whether the span took at most limit, compared to the nanosecond:
// OTTL's own Milliseconds() truncates and would let 300.9 ms pass for 300 ms.
// A limit of 0 is none. Without a start, or with one after the end, nobody knows
// how long the span took.
func (c *current) within(limit time.Duration) answer {
	if limit == 0 {
		return yes
	}
	switch took, known := c.took(); {
	case !known:
		return unknown
	case took > math.MaxInt64 || time.Duration(took) > limit:
		return no
	default:
		return yes
	}
}

// took is how many nanoseconds the span took, if anybody knows.
func (c *current) took() (nanoseconds uint64, known bool) {
	if c.start == 0 || c.end < c.start {
		return 0, false
	}
	return uint64(c.end - c.start), true
}

// context returns OTTL's view of the span, from OTTL's pool.
func (c *current) context(resource ptrace.ResourceSpans) *ottlspan.TransformContext {
	if c.ottl == nil {
		c.ottl = ottlspan.NewTransformContextPtr(resource, c.scope, c.span)
	}
	return c.ottl
}

// close gives OTTL's view back to its pool.
func (c *current) close() {
	if c.ottl != nil {
		c.ottl.Close()
		c.ottl = nil
	}
}
