package ledger

import (
	"context"
	"time"
)

// The waits between two attempts while the store is down.
const (
	shortestWait = 100 * time.Millisecond
	longestWait  = 5 * time.Second
)

// storeError is an error of the store: trying again may help.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

// trouble is an outage of the store; zero while there is none.
type trouble struct {
	since    time.Time
	attempts int
	wait     time.Duration
}

// waitOut logs an outage once and waits before the next attempt, longer each
// time, or until ctx ends.
func (p *Projection) waitOut(ctx context.Context, down storeError) {
	t := &p.trouble
	if t.attempts == 0 {
		*t = trouble{since: time.Now(), wait: shortestWait}
		p.settings.Logger.WarnContext(ctx, "the ledger cannot go on and tries again until it can; nothing is lost meanwhile",
			"shard", p.settings.Shard, "error", down.error)
	}
	t.attempts++
	timer := time.NewTimer(t.wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	t.wait = min(2*t.wait, longestWait)
}

// recovered logs the end of an outage, if there was one.
func (p *Projection) recovered(ctx context.Context) {
	if p.trouble.attempts == 0 {
		return
	}
	p.settings.Logger.InfoContext(ctx, "the ledger commits again",
		"shard", p.settings.Shard, "after", time.Since(p.trouble.since), "attempts", p.trouble.attempts)
	p.trouble = trouble{}
}

// outlive returns a context that goes on for a while after ctx has ended, so
// that a stop does not tear a commit whose outcome would then be unknown.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() {
		unhook()
		cancel()
	}
}
