package indicator

import (
	"sync"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Conditions evaluates single conditions and value expressions by their text,
// for the audit: it shares OTTL with what judges the ledger's events, and nothing
// else of it.
// It is safe for concurrent use.
type Conditions struct {
	compiler *Compiler

	mu sync.Mutex
	// compiled are all that were ever asked, nil for what does not compile.
	compiled parsed
}

// NewConditions returns conditions of a compiler's language.
func NewConditions(c *Compiler) *Conditions {
	return &Conditions{compiler: c, compiled: newParsed()}
}

// Holds is whether a condition holds on a span. known is false when it does
// not compile or its evaluation fails.
func (c *Conditions) Holds(text string, resource ptrace.ResourceSpans, scope ptrace.ScopeSpans, span ptrace.Span) (holds, known bool) {
	compiled := c.compile(text)
	if compiled == nil {
		return false, false
	}
	view := ottlspan.NewTransformContextPtr(resource, scope, span)
	defer view.Close()
	a := compiled.ask(view)
	return a == yes, a != unknown
}

// Value is what an expression gives on a span: an int64, a float64, or what else
// it may be. known is false when it does not compile or its evaluation fails.
func (c *Conditions) Value(text string, resource ptrace.ResourceSpans, scope ptrace.ScopeSpans, span ptrace.Span) (value any, known bool) {
	compiled := c.compileValue(text)
	if compiled == nil {
		return nil, false
	}
	view := ottlspan.NewTransformContextPtr(resource, scope, span)
	defer view.Close()
	return compiled.evaluate(view)
}

func (c *Conditions) compile(text string) *condition {
	c.mu.Lock()
	defer c.mu.Unlock()
	compiled, asked := c.compiled.conditions[text]
	if !asked {
		compiled, _ = c.compiler.parse(text)
		c.compiled.conditions[text] = compiled
	}
	return compiled
}

func (c *Conditions) compileValue(text string) *expression {
	c.mu.Lock()
	defer c.mu.Unlock()
	compiled, asked := c.compiled.expressions[text]
	if !asked {
		compiled, _ = c.compiler.parseValue(text)
		c.compiled.expressions[text] = compiled
	}
	return compiled
}
