package engine

import "context"

// Step does what a running engine does every second, without waiting for it.
func (e *Engine) Step(ctx context.Context) {
	e.step(ctx, true)
	e.watchOnce()
}
