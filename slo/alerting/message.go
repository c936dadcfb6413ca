package alerting

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/slowburn-slo/slowburn/slo"
)

// AlertmanagerReceiver is the receiver of notifications for the Alertmanager.
const AlertmanagerReceiver = "alertmanager"

// Options is what a Messenger needs beside the Config.
type Options struct {
	// ExternalURL is where people reach the pages of this Slowburn; empty
	// leaves the links out.
	ExternalURL string
	// AlertmanagerURL is an Alertmanager to push to; empty for none.
	AlertmanagerURL string
}

// Messenger writes the messages about transitions. It is safe for concurrent use.
type Messenger struct {
	webhooks     []Webhook
	alertmanager bool
	externalURL  string
}

// NewMessenger returns a Messenger, or an error that says which URL is wrong.
func NewMessenger(config Config, options Options) (*Messenger, error) {
	m := &Messenger{webhooks: config.Webhooks}
	if options.ExternalURL != "" {
		external, err := parseEndpoint(options.ExternalURL)
		if err != nil {
			return nil, fmt.Errorf("external URL %w", err)
		}
		if external.url.User != nil || external.url.RawQuery != "" {
			return nil, errors.New("external URL must not hold a user, a password or a query: every receiver reads it")
		}
		m.externalURL = strings.TrimSuffix(external.url.String(), "/")
	}
	if options.AlertmanagerURL != "" {
		if _, err := alertmanagerEndpoint(options.AlertmanagerURL); err != nil {
			return nil, err
		}
		m.alertmanager = true
	}
	return m, nil
}

// Labels are those of the alert that tells of the transition. An episode keeps
// the ones it fired with: receivers take other labels for another alert, and a
// page whose objective was edited meanwhile would never close.
func (m *Messenger) Labels(t slo.Transition) map[string]string { return labels(t) }

// Notifications returns one notification for each receiver: of a transition to
// firing, and of one to resolved if the episode had fired. Nobody is told of
// other transitions.
//
// The payloads are complete here, with the evidence of the moment; what is
// sent later, after a restart, is the same.
func (m *Messenger) Notifications(t slo.Transition) ([]slo.Notification, error) {
	switch {
	case t.Episode.State == slo.Firing && !t.Tier.Muted:
	case t.Episode.State == slo.Resolved && !t.Episode.FiredAt.IsZero() && !t.Tier.MutedResolve:
	default:
		return nil, nil
	}
	alert := newAlert(t, m.sloURL(t.SLO.Name))
	var notifications []slo.Notification
	for _, w := range m.receivers(t.Tier.Targets) {
		n := newNotification(t, w.ID)
		if err := encode(&n, newWebhookMessage(t, alert, w.Receiver, m.externalURL, n.ID)); err != nil {
			return nil, err
		}
		notifications = append(notifications, n)
	}
	if m.alertmanager {
		n := newNotification(t, AlertmanagerReceiver)
		if err := encode(&n, alert.postable()); err != nil {
			return nil, err
		}
		notifications = append(notifications, n)
	}
	return notifications, nil
}

// receivers are those that the notification targets of an alert policy name,
// and all of them where the policy names none that is configured: an alert that
// reaches somebody else is better than one that reaches nobody.
func (m *Messenger) receivers(targets []slo.NotificationTarget) []Webhook {
	var named []Webhook
	for _, w := range m.webhooks {
		if slices.ContainsFunc(targets, func(t slo.NotificationTarget) bool { return t.Target == w.Receiver || t.Name == w.Receiver }) {
			named = append(named, w)
		}
	}
	if len(named) == 0 {
		return m.webhooks
	}
	return named
}

// sloURL is the page of an SLO, or empty without an external URL.
func (m *Messenger) sloURL(name string) string {
	link := m.externalURL + "/slos/" + url.PathEscape(name)
	if m.externalURL == "" || len(link) > maxLink {
		return ""
	}
	return link
}

func newNotification(t slo.Transition, receiver string) slo.Notification {
	return slo.Notification{
		ID:       notificationID(t.Episode.ID, t.Episode.State, receiver),
		Receiver: receiver, Episode: t.Episode.ID, State: t.Episode.State, CreatedAt: t.At,
	}
}

// notificationID derives the identity of a notification from what it tells
// whom, so that a repeated transition arrives at the same one: 32 hexadecimal
// digits.
func notificationID(episode string, state slo.EpisodeState, receiver string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "notification v1\n%q %q %q", episode, state, receiver))
	return hex.EncodeToString(sum[:16])
}

func encode(n *slo.Notification, message any) error {
	payload, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode the message to %s about episode %s: %w", n.Receiver, n.Episode, err)
	}
	n.Payload = payload
	return nil
}
