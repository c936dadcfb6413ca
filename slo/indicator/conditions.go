package indicator

import (
	"sync"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Conditions evaluates single conditions by their text, for the audit: it
// shares OTTL with what judges the ledger's events, and nothing else of it.
// It is safe for concurrent use.
type Conditions struct {
	compiler *Compiler

	mu sync.Mutex
	// compiled are all conditions ever asked, nil for what does not compile.
	compiled map[string]*condition
}

// NewConditions returns conditions of a compiler's language.
func NewConditions(c *Compiler) *Conditions {
	return &Conditions{compiler: c, compiled: map[string]*condition{}}
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

func (c *Conditions) compile(text string) *condition {
	c.mu.Lock()
	defer c.mu.Unlock()
	compiled, asked := c.compiled[text]
	if !asked {
		compiled, _ = c.compiler.parse(text)
		c.compiled[text] = compiled
	}
	return compiled
}
