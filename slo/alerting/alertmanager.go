package alerting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// expiry is how long after a push the Alertmanager takes a firing alert
	// for resolved by itself: eight pushes may be lost, and an alert of a
	// Slowburn that is gone still ends.
	expiry = 4 * time.Minute
	// maxResend leaves room for one lost push before the expiry.
	maxResend = 2 * time.Minute
	// resendBatch is how many alerts go into one request.
	resendBatch = 64
)

// alertmanagerEndpoint returns where an Alertmanager takes alerts; a path
// prefix of the URL is kept.
func alertmanagerEndpoint(text string) (Endpoint, error) {
	endpoint, err := parseEndpoint(text)
	if err != nil {
		return Endpoint{}, fmt.Errorf("Alertmanager URL %w", err) //nolint:staticcheck // A name begins the sentence.
	}
	return endpoint.join("api/v2/alerts"), nil
}

// newAlertmanagerLane has one worker: a push of what fires and the resolve of
// the same alert must never overtake each other.
func newAlertmanagerLane(endpoint Endpoint) *lane {
	return &lane{
		receiver: AlertmanagerReceiver, endpoint: endpoint, width: 1, queue: make(chan job, laneLength),
		body: alertmanagerBody, resends: true,
	}
}

// alertmanagerBody is the list of alerts that POST /api/v2/alerts takes. A
// firing one expires a while after it was sent.
func alertmanagerBody(notifications []slo.Notification, now time.Time) ([]byte, error) {
	alerts := make([]postableAlert, len(notifications))
	for i, n := range notifications {
		if err := json.Unmarshal(n.Payload, &alerts[i]); err != nil {
			return nil, fmt.Errorf("read the stored alert %s: %w", n.ID, err)
		}
		if n.State == slo.Firing {
			alerts[i].EndsAt = now.Add(expiry).UTC()
		}
	}
	return json.Marshal(alerts)
}

// resend pushes everything that fires again. What fails is not kept: the next
// round pushes what fires then.
func (s *Sender) resend(ctx context.Context, l *lane) {
	if err := s.resendFiring(ctx, l); err != nil && ctx.Err() == nil {
		s.settings.Logger.Warn("firing alerts were not pushed again, the next round repeats it",
			"receiver", l.receiver, "cause", causeText(err))
	}
}

func (s *Sender) resendFiring(ctx context.Context, l *lane) error {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	firing, err := s.settings.Store.Firing(bounded, l.receiver)
	cancel()
	var refused error
	if err != nil {
		refused = fmt.Errorf("read what fires: %w", err) // Alarms are pushed all the same: the store may be what they are about.
	}
	firing = append(firing, s.settings.Standing(l.receiver)...)
	for batch := range slices.Chunk(firing, resendBatch) {
		body, err := l.body(batch, s.settings.Now())
		if err != nil {
			return err
		}
		_, err = s.post(ctx, l.endpoint, message{body: body})
		if _, answered := errors.AsType[*answerError](err); answered {
			refused = err // It may still take the other batches.
		} else if err != nil {
			return err
		}
	}
	return refused
}
