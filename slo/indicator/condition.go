package indicator

import (
	"context"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
)

// answer is what a condition, a limit or a whole source says of a span.
type answer uint8

// The three answers. A source asks several things at once and all must hold:
// one no settles it, else one unknown makes it unknown (Kleene's logic), so
// that the answer does not depend on the order of asking.
const (
	no answer = iota
	yes
	unknown
)

func (a answer) and(b answer) answer {
	switch {
	case a == no || b == no:
		return no
	case a == unknown || b == unknown:
		return unknown
	default:
		return yes
	}
}

// condition is a compiled OTTL condition.
type condition struct {
	ottl *ottl.Condition[*ottlspan.TransformContext]
}

// ask evaluates the condition; an error of evaluation makes it unknown.
func (c *condition) ask(span *ottlspan.TransformContext) (a answer) {
	// A converter that panics on a hostile value must not end the process:
	// the span is in the journal, and each restart would meet it again.
	defer func() {
		if recover() != nil {
			a = unknown
		}
	}()
	holds, err := c.ottl.Eval(context.Background(), span)
	switch {
	case err != nil:
		return unknown
	case holds:
		return yes
	default:
		return no
	}
}
