package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// client sends spans without a pause, one request at a time, as an application
// does whose exporter never gives up: what was not acknowledged is sent again,
// split or merged with others, until it is. Now and then it sends again what
// was acknowledged.
type client struct {
	sender sender
	maker  maker
	random *rand.Rand
	book   *book
	meter  *meter
	gate   *gate
	// exact says that partial_success must name exactly what was refused.
	exact bool
	// pending were sent at least once and are not acknowledged, recent were.
	pending, recent []*item
}

const (
	// recentLength bounds the acknowledged items that may be sent again.
	recentLength = 400
	// pause is how long a client waits after it was not answered.
	pause = 40 * time.Millisecond
)

// run sends until ctx ends. While the gate is shut it sends nothing new, only
// what was not acknowledged yet.
func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		shut, err := c.gate.pass(ctx, len(c.pending) == 0)
		if err != nil {
			return
		}
		var again []*item
		if !shut {
			again = c.next()
		}
		if c.exchange(ctx, again) != acknowledged {
			wait(ctx, pause)
		}
	}
}

// next adds to what is pending, or chooses what is sent on purpose again.
func (c *client) next() (again []*item) {
	if len(c.pending) == 0 || c.random.IntN(3) == 0 {
		n := 1 + c.random.IntN(40)
		if c.random.IntN(50) == 0 {
			n = 500
		}
		c.pending = append(c.pending, c.maker.batch(n, time.Now())...)
	}
	if len(c.recent) > 0 && c.random.IntN(10) == 0 {
		again, _ = pick(c.random, c.recent, 1+c.random.IntN(30))
		if c.exact && c.random.IntN(4) == 0 {
			again = []*item{again[0].otherwise()}
		}
	}
	return again
}

// exchange sends some of what is pending together with repeats, and books the
// answer.
func (c *client) exchange(ctx context.Context, again []*item) outcome {
	some := len(c.pending)
	if some > 1 && c.random.IntN(3) == 0 {
		some = 1 + c.random.IntN(some)
	}
	batch, rest := pick(c.random, c.pending, some)
	all := slices.Concat(batch, again)
	c.book.sending(all)
	call := c.meter.begin()
	// A request in flight is not given up when the harness ends its run.
	a := c.sender.send(context.WithoutCancel(ctx), encode(all))
	c.meter.end(call, a.outcome)
	c.book.sent(all, a)
	if a.outcome == fatal {
		c.meter.complain(fmt.Errorf("a sender was told to drop %d spans: %w", len(all), a.err))
	}
	if a.outcome != acknowledged {
		return a.outcome
	}
	if refused := countRefused(all); c.exact && a.refused != refused {
		c.meter.complain(fmt.Errorf("partial_success refused %d spans of a request with %d that cannot be accepted", a.refused, refused))
	}
	c.book.acknowledge(batch)
	c.pending = rest
	c.remember(batch)
	return acknowledged
}

func countRefused(items []*item) (n int64) {
	for _, it := range items {
		if it.refused {
			n++
		}
	}
	return n
}

// remember keeps acknowledged items, to send some of them again.
func (c *client) remember(items []*item) {
	for _, it := range items {
		if !it.refused {
			c.recent = append(c.recent, it)
		}
	}
	if more := len(c.recent) - recentLength; more > 0 {
		c.recent = append([]*item(nil), c.recent[more:]...)
	}
}

// wait waits, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
