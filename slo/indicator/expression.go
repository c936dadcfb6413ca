package indicator

import (
	"context"
	"math"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// expression is a compiled OTTL value expression.
type expression struct {
	ottl *ottl.ValueExpression[*ottlspan.TransformContext]
}

// evaluate returns what the expression gives on a span, false if its
// evaluation fails.
func (e *expression) evaluate(span *ottlspan.TransformContext) (result any, ok bool) {
	defer func() { // See condition.ask.
		if recover() != nil {
			result, ok = nil, false
		}
	}()
	result, err := e.ottl.Eval(context.Background(), span)
	if err != nil {
		return nil, false
	}
	if wrapped, ok := result.(pcommon.Value); ok {
		result = wrapped.AsRaw()
	}
	return result, true
}

// number is what an expression gives, if that is one.
type number struct {
	kind    numberKind
	integer int64
	float   float64
}

type numberKind uint8

const (
	notANumber numberKind = iota // text, nothing at all, or a failed evaluation
	integer
	float
)

// number evaluates the expression. A text is no number, whatever it says: what
// "5" means is for Int() or Double() in the expression to tell. A NaN is none
// either.
func (e *expression) number(span *ottlspan.TransformContext) number {
	result, _ := e.evaluate(span)
	switch n := result.(type) {
	case int64:
		return number{kind: integer, integer: n}
	case float64:
		if !math.IsNaN(n) {
			return number{kind: float, float: n}
		}
	}
	return number{}
}
