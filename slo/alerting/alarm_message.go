package alerting

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// alarmFacts are the evidence of an alarm, for machines.
type alarmFacts struct {
	Alarm          string     `json:"alarm"`
	NotificationID string     `json:"notification_id"`
	Name           string     `json:"name"`
	Severity       string     `json:"severity"`
	State          string     `json:"state"`
	Since          time.Time  `json:"since"`
	ResolvedAt     *time.Time `json:"resolved_at,omitempty"`
}

// Alarm returns one notification for each receiver, that the alarm is open or,
// once it has a ResolvedAt, resolved: in the forms of alerts about objectives,
// under ids that follow from the alarm's id and state alone.
func (m *Messenger) Alarm(a slo.Alarm) ([]slo.Notification, error) {
	state, at := slo.Firing, a.RaisedAt
	if !a.ResolvedAt.IsZero() {
		state, at = slo.Resolved, a.ResolvedAt
	}
	told := m.newAlarmAlert(a, state)
	notify := func(receiver string) slo.Notification {
		return slo.Notification{
			ID: notificationID(a.ID, state, receiver), Receiver: receiver, Episode: a.ID, State: state, CreatedAt: at,
		}
	}
	var notifications []slo.Notification
	for _, w := range m.webhooks {
		n := notify(w.ID)
		group := maps.Clone(told.Labels)
		delete(group, "severity")
		facts := alarmFacts{
			Alarm: a.ID, NotificationID: n.ID, Name: a.Name, Severity: string(a.Severity), State: string(state), Since: a.Since.UTC(),
		}
		if state == slo.Resolved {
			resolved := a.ResolvedAt.UTC()
			facts.ResolvedAt = &resolved
		}
		if err := encode(&n, webhookMessage{
			Version: "4", GroupKey: groupKey(group), Status: told.Status, Receiver: w.Receiver,
			GroupLabels: group, CommonLabels: told.Labels, CommonAnnotations: told.Annotations,
			ExternalURL: m.externalURL, Alerts: []alert{told}, Slowburn: facts,
		}); err != nil {
			return nil, err
		}
		notifications = append(notifications, n)
	}
	if m.alertmanager {
		n := notify(AlertmanagerReceiver)
		if err := encode(&n, told.postable()); err != nil {
			return nil, err
		}
		notifications = append(notifications, n)
	}
	return notifications, nil
}

func (m *Messenger) newAlarmAlert(a slo.Alarm, state slo.EpisodeState) alert {
	told := alert{
		Status: string(state), StartsAt: a.Since.UTC(), GeneratorURL: m.externalURL, Labels: alarmLabels(a.Labels),
		Annotations: map[string]string{
			"summary": clean(a.Summary, maxLabelValue), "description": clean(a.Description, maxDescription), "alarm": a.ID,
		},
	}
	told.Labels["alertname"], told.Labels["severity"] = a.Name, string(a.Severity)
	if state == slo.Resolved {
		told.EndsAt = a.ResolvedAt.UTC()
		if told.EndsAt.Before(told.StartsAt) { // The clock was set back; Alertmanager refuses such an alert.
			told.EndsAt = told.StartsAt
		}
	}
	told.Fingerprint = fingerprint(told.Labels)
	return told
}

// alarmLabels are labels under legal names.
func alarmLabels(labels map[string]string) map[string]string {
	legal := map[string]string{}
	for key, value := range labels {
		if name, value := labelName(key), clean(value, maxLabelValue); name != "" && value != "" {
			legal[name] = value
		}
	}
	return legal
}

// readAlarm reads an open alarm out of a notification that Alarm wrote.
func readAlarm(n slo.Notification) (slo.Alarm, error) {
	var message struct {
		alert
		Alerts []alert `json:"alerts"`
	}
	if err := json.Unmarshal(n.Payload, &message); err != nil {
		return slo.Alarm{}, fmt.Errorf("read the stored alarm %s: %w", n.ID, err)
	}
	told := message.alert
	if len(message.Alerts) > 0 {
		told = message.Alerts[0]
	}
	a := slo.Alarm{
		ID: n.Episode, Name: told.Labels["alertname"], Severity: slo.Severity(told.Labels["severity"]),
		Summary: told.Annotations["summary"], Description: told.Annotations["description"],
		Since: told.StartsAt, RaisedAt: n.CreatedAt, Labels: map[string]string{},
	}
	for name, value := range told.Labels {
		if name != "alertname" && name != "severity" {
			a.Labels[name] = value
		}
	}
	if a.Name == "" || told.Annotations["alarm"] != a.ID {
		return slo.Alarm{}, fmt.Errorf("the stored message %s is not about an alarm", n.ID)
	}
	return a, nil
}
