package alerting

import (
	"context"
	"errors"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// webhookWidth is how many requests a webhook gets at once.
	webhookWidth = 4
	// laneLength is how many claimed notifications wait in a lane: a bad day of
	// a large house, some 4 KB each.
	laneLength = 4096
	// recordTimeout bounds how long the outcome of an attempt may take to be
	// noted, also while Run ends.
	recordTimeout = 5 * time.Second
)

var errNoReceiver = errors.New("the configuration no longer has this receiver")

// job is a notification with the instant until which it is ours.
type job struct {
	notification slo.Notification
	leasedUntil  time.Time
}

// lane carries the notifications of one receiver.
type lane struct {
	receiver string
	endpoint Endpoint
	// width is how many attempts run at once.
	width int
	queue chan job
	// body makes the request's body of notifications; its error means that no
	// retry can help.
	body func(notifications []slo.Notification, now time.Time) ([]byte, error)
	// resends says that firing notifications are sent again and again.
	resends bool
}

func newWebhookLane(w Webhook) *lane {
	return &lane{
		receiver: w.ID, endpoint: w.Endpoint, width: webhookWidth, queue: make(chan job, laneLength),
		body: func(n []slo.Notification, _ time.Time) ([]byte, error) { return n[0].Payload, nil },
	}
}

// offer puts a job into the lane. A lane that is full lets it go: its lease
// brings it back, and the other receivers do not wait.
func (l *lane) offer(j job) {
	select {
	case l.queue <- j:
	default:
	}
}

// work delivers the jobs of the lane until ctx ends. Attempts run under their
// own context, which outlives ctx by the grace.
func (s *Sender) work(ctx, attempts context.Context, l *lane) {
	var resend <-chan time.Time
	if l.resends {
		s.resend(attempts, l) // Alerts must not expire over a restart.
		ticker := time.NewTicker(s.settings.Resend)
		defer ticker.Stop()
		resend = ticker.C
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-resend:
			s.resend(attempts, l)
		case j := <-l.queue:
			if j.leasedUntil.Sub(s.settings.Now()) > attemptTimeout {
				s.deliver(attempts, l, j.notification)
			}
		}
	}
}

// deliver makes one attempt and notes its outcome.
func (s *Sender) deliver(ctx context.Context, l *lane, n slo.Notification) {
	body, err := l.body([]slo.Notification{n}, s.settings.Now())
	if err != nil {
		s.conclude(ctx, n, false, err)
		return
	}
	retry, err := s.post(ctx, l.endpoint, message{id: n.ID, attempt: n.Attempt, body: body})
	if err != nil && ctx.Err() != nil {
		return // The grace is over. The outcome is not known: the lease brings it back.
	}
	s.conclude(ctx, n, retry, err)
	s.Wake() // The next state of the episode may be waiting for this one.
}

// conclude notes the outcome of an attempt: delivered without an error, else
// to be tried again or, where that cannot help any more, given up.
func (s *Sender) conclude(ctx context.Context, n slo.Notification, retry bool, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	now := s.settings.Now()
	log := s.settings.Logger.With("receiver", n.Receiver, "notification", n.ID, "episode", n.Episode,
		"state", string(n.State), "attempt", n.Attempt)
	var err error
	switch {
	case cause == nil:
		log.Info("notification delivered")
		err = s.settings.Store.Delivered(ctx, n, now)
	case retry && now.Before(n.CreatedAt.Add(giveUpAfter)):
		next := nextAttempt(n, cause, now)
		log.Warn("notification not delivered, it is tried again", "cause", causeText(cause), "next", next)
		err = s.settings.Store.Retry(ctx, n, next, causeText(cause))
	default:
		log.Error("notification given up, nobody was told", "cause", causeText(cause), "created_at", n.CreatedAt)
		err = s.settings.Store.Abandon(ctx, n, now, causeText(cause))
	}
	if err != nil {
		log.Error("the outcome of an attempt was not noted, it is repeated under the same id", "error", err)
	}
}
