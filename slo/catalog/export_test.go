package catalog

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Follow is the loop of Watch, with events from elsewhere.
func (f *Folder) Follow(ctx context.Context, events <-chan fsnotify.Event, faults <-chan error, watch func(string) error) {
	f.follow(ctx, events, faults, watch)
}

// Pace sets the times of the loop.
func (f *Folder) Pace(quiet, poll time.Duration) { f.quiet, f.poll = quiet, poll }
