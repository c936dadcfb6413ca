package alerting

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// Store is the durable outbox.
type Store interface {
	// Claim returns due notifications that were not delivered, at most limit,
	// and leases them until now+lease: no other Claim returns them before. It
	// MUST record the attempt before it returns, and return only the oldest
	// undelivered notification of a receiver and episode, so that a resolve
	// never overtakes its firing.
	Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]slo.Notification, error)
	// Delivered notes that the receiver has the notification.
	Delivered(ctx context.Context, n slo.Notification, at time.Time) error
	// Retry makes the notification due again at next.
	Retry(ctx context.Context, n slo.Notification, next time.Time, cause string) error
	// Abandon gives the notification up.
	Abandon(ctx context.Context, n slo.Notification, at time.Time, cause string) error
	// Firing returns the firing notifications to a receiver whose episodes
	// still fire, delivered or not.
	Firing(ctx context.Context, receiver string) ([]slo.Notification, error)
}

// Settings is what a Sender needs.
type Settings struct {
	Config Config
	// AlertmanagerURL is an Alertmanager to push to; empty for none.
	AlertmanagerURL string
	Store           Store
	Logger          *slog.Logger
	// Standing returns the notifications to a receiver of alarms that are open,
	// which the Store does not know to fire (see Alarms.Firing); may be nil.
	Standing func(receiver string) []slo.Notification

	// Version is shown to receivers in the User-Agent; "dev" if empty.
	Version string
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Transport carries the requests; one made for paging if nil.
	Transport http.RoundTripper
	// Poll is how often the outbox is read without a Wake; 1 s if zero.
	Poll time.Duration
	// Resend is how often a firing alert is pushed to the Alertmanager again;
	// 30 s if zero, at most 2 minutes.
	Resend time.Duration
	// Grace is how long attempts in flight may take once Run is told to end;
	// 5 s if zero.
	Grace time.Duration
}

const (
	// attemptTimeout bounds one attempt, from dialling to the answer's end.
	attemptTimeout = 15 * time.Second
	// lease is how long a claimed notification is ours. A notification waits
	// in its lane no longer than leaves time for a whole attempt; later its
	// lease has run out and it comes with another Claim. So nothing is sent
	// by two at once, and a lane that is full may simply let go. It is also how
	// long a notification in flight waits after a crash.
	lease = 45 * time.Second
	// claimLimit is how many notifications one Claim returns.
	claimLimit = 256
	// storeTimeout bounds one call of the Store.
	storeTimeout = 10 * time.Second
)

// defaults checks what is required and fills in what is optional.
func (s *Settings) defaults() error {
	if s.Store == nil || s.Logger == nil {
		return errors.New("alerting: a store and a logger are required")
	}
	if s.Resend < 0 || s.Resend > maxResend || s.Poll < 0 || s.Grace < 0 {
		return errors.New("alerting: poll and grace must not be negative, resend must be between 0 and 2 minutes")
	}
	if s.Standing == nil {
		s.Standing = func(string) []slo.Notification { return nil }
	}
	if s.Version == "" {
		s.Version = "dev"
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Transport == nil {
		s.Transport = newTransport()
	}
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&s.Poll, time.Second}, {&s.Resend, 30 * time.Second}, {&s.Grace, 5 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	return nil
}

// Sender delivers the outbox. Every receiver has a lane of its own, so that a
// slow one delays nobody else.
type Sender struct {
	settings Settings
	lanes    map[string]*lane
	wake     chan struct{}
	// claimFails is true from the first Claim that failed to the next that
	// did not; only the dispatching goroutine uses it.
	claimFails bool
}

// NewSender returns a Sender that Run starts, or an error that says what is wrong.
func NewSender(settings Settings) (*Sender, error) {
	if err := settings.defaults(); err != nil {
		return nil, err
	}
	s := &Sender{settings: settings, lanes: make(map[string]*lane), wake: make(chan struct{}, 1)}
	for _, w := range settings.Config.Webhooks {
		s.lanes[w.ID] = newWebhookLane(w)
	}
	if settings.AlertmanagerURL != "" {
		endpoint, err := alertmanagerEndpoint(settings.AlertmanagerURL)
		if err != nil {
			return nil, err
		}
		s.lanes[AlertmanagerReceiver] = newAlertmanagerLane(endpoint)
	}
	return s, nil
}

// Wake makes Run look into the outbox now. It never blocks; call it after each
// commit of transitions.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // It is awake already.
	}
}

// Run delivers until the context ends, then waits for the attempts in flight,
// at most for the grace, and returns nil. What it did not finish is delivered
// by the next Run, once its lease has run out.
func (s *Sender) Run(ctx context.Context) error {
	attempts, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var workers sync.WaitGroup
	for _, l := range s.lanes {
		for range l.width {
			workers.Go(func() { s.work(ctx, attempts, l) })
		}
	}
	s.dispatch(ctx)
	grace := time.AfterFunc(s.settings.Grace, cancel)
	defer grace.Stop()
	workers.Wait()
	if t, ok := s.settings.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	return nil
}

// dispatch claims what is due and hands it to the lanes until the context ends.
func (s *Sender) dispatch(ctx context.Context) {
	ticker := time.NewTicker(s.settings.Poll)
	defer ticker.Stop()
	for {
		for ctx.Err() == nil && s.claim(ctx) == claimLimit {
			continue // A full answer may have left more behind.
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-ticker.C:
		}
	}
}

// claim reads the outbox once and returns how many notifications it held.
func (s *Sender) claim(ctx context.Context) int {
	now := s.settings.Now()
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	claimed, err := s.settings.Store.Claim(bounded, now, lease, claimLimit)
	if err != nil {
		if ctx.Err() == nil && !s.claimFails {
			s.claimFails = true
			s.settings.Logger.Error("the outbox cannot be read, notifications wait", "error", err)
		}
		return 0
	}
	if s.claimFails {
		s.claimFails = false
		s.settings.Logger.Info("the outbox can be read again")
	}
	for _, n := range claimed {
		l, ok := s.lanes[n.Receiver]
		if !ok {
			s.conclude(ctx, n, true, errNoReceiver)
			continue
		}
		l.offer(job{notification: n, leasedUntil: now.Add(lease)})
	}
	return len(claimed)
}
