package main

import (
	"context"
	"sync"
)

// gate lets the driver quieten the clients: while it is shut they send only
// what is still open, then they wait.
type gate struct {
	clients int

	mu    sync.Mutex
	shut  bool
	empty int
	// quiet is closed when every client waits, opened when the gate opens.
	quiet, opened chan struct{}
}

// close shuts the gate and returns a channel that is closed once nothing is open.
func (g *gate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.shut, g.empty = true, 0
		g.quiet, g.opened = make(chan struct{}), make(chan struct{})
	}
	return g.quiet
}

// open lets the clients go on.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		g.shut = false
		close(g.opened)
	}
}

// pass reports whether the gate is shut. It holds a client that has nothing
// open until the gate opens, or ctx ends.
func (g *gate) pass(ctx context.Context, empty bool) (shut bool, err error) {
	g.mu.Lock()
	if !g.shut || !empty {
		defer g.mu.Unlock()
		return g.shut, ctx.Err()
	}
	opened := g.opened
	if g.empty++; g.empty == g.clients {
		close(g.quiet)
	}
	g.mu.Unlock()
	select {
	case <-opened:
		return false, ctx.Err()
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
