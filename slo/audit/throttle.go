package audit

import (
	"context"
	"time"
)

// working is how long a throttled audit works between two pauses.
const working = 100 * time.Millisecond

// full goes on at full speed until ctx ends.
func full(ctx context.Context) func() error { return ctx.Err }

// throttle returns a function that a loop calls often: when it has worked for
// a while it pauses for so long that it uses a share of one processor, and it
// returns the error of ctx once that has ended. It goes by the clock, so that on a
// busy machine, where the work takes longer, it also rests longer.
func throttle(ctx context.Context, share float64) func() error {
	if share >= 1 {
		return full(ctx)
	}
	began := time.Now()
	return func() error {
		worked := time.Since(began)
		if worked < working {
			return ctx.Err()
		}
		pause := time.NewTimer(time.Duration(float64(worked) * (1/share - 1)))
		defer pause.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
			began = time.Now()
			return nil
		}
	}
}
