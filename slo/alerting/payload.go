package alerting

import (
	"encoding/json"
	"math"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

// webhookMessage is Alertmanager's webhook JSON, version 4, with one object
// added: what Slowburn knows about the transition.
type webhookMessage struct {
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   int               `json:"truncatedAlerts"`
	Status            string            `json:"status"`
	Receiver          string            `json:"receiver"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Alerts            []alert           `json:"alerts"`
	// Slowburn is facts of an episode, or alarmFacts.
	Slowburn any `json:"slowburn"`
}

// facts are the evidence of a transition, for machines.
type facts struct {
	Episode        string      `json:"episode"`
	NotificationID string      `json:"notification_id"`
	SLO            string      `json:"slo"`
	Objective      int         `json:"objective"`
	Tier           string      `json:"tier"`
	Severity       string      `json:"severity"`
	State          string      `json:"state"`
	Window         string      `json:"window"`
	Target         json.Number `json:"target"`
	Counts         counts      `json:"counts"`
	// SLI is null without events. SLIHigh is there where some could not be
	// judged: the share of good events lies between the two.
	SLI     *number `json:"sli"`
	SLIHigh *number `json:"sli_high,omitempty"`
	Budget  budget  `json:"budget"`
	// ExhaustedInSeconds is how long the budget lasts at the burn rate of the
	// short look-back.
	ExhaustedInSeconds *int64     `json:"exhausted_in_seconds,omitempty"`
	Long               lookBack   `json:"long"`
	Short              lookBack   `json:"short"`
	Factor             number     `json:"factor"`
	From               time.Time  `json:"from"`
	To                 time.Time  `json:"to"`
	FiredAt            time.Time  `json:"fired_at"`
	ResolvedAt         *time.Time `json:"resolved_at,omitempty"`
	// Reason says why the episode ended though nothing recovered.
	Reason string `json:"reason,omitempty"`
}

type counts struct {
	Good    int64 `json:"good"`
	Bad     int64 `json:"bad"`
	Unknown int64 `json:"unknown"`
	Total   int64 `json:"total"`
}

type budget struct {
	Total number `json:"total"`
	Spent int64  `json:"spent"`
	// RemainingRatio is signed and not clamped, null without events.
	RemainingRatio *number `json:"remaining_ratio"`
}

type lookBack struct {
	Length string `json:"length"`
	counts
	BurnRate number `json:"burn_rate"`
}

// number is a float that can always be encoded: what JSON has no word for is null.
type number float64

// MarshalJSON writes null for infinities and for what is not a number.
func (n number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsInf(f, 0) || math.IsNaN(f) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

func newWebhookMessage(t slo.Transition, a alert, receiver, externalURL, notification string) webhookMessage {
	group := grouping(a.Labels)
	return webhookMessage{
		Version: "4", GroupKey: groupKey(group), Status: a.Status, Receiver: receiver,
		GroupLabels: group, CommonLabels: a.Labels, CommonAnnotations: a.Annotations,
		ExternalURL: externalURL, Alerts: []alert{a}, Slowburn: newFacts(t, notification),
	}
}

func newFacts(t slo.Transition, notification string) facts {
	f := facts{
		Episode: t.Episode.ID, NotificationID: notification,
		SLO: clean(t.SLO.Name, maxLabelValue), Objective: t.Episode.Objective,
		Tier: clean(t.Episode.Tier, maxLabelValue), Severity: string(t.Episode.Severity),
		State: string(t.Episode.State), Window: t.Status.Window.String(), Target: json.Number(t.Status.Target.String()),
		Counts: newCounts(t.Status.Counts),
		Budget: budget{Total: number(t.Status.Budget.Total), Spent: t.Status.Budget.Spent},
		Long:   newLookBack(t.Tier.Tier.Long, t.Tier.Long), Short: newLookBack(t.Tier.Tier.Short, t.Tier.Short),
		Factor: number(t.Tier.Factor),
		From:   t.Status.From.UTC(), To: t.Status.To.UTC(), FiredAt: t.Episode.FiredAt.UTC(), Reason: t.Reason,
	}
	if sli, ok := t.Status.SLI(); ok {
		remaining, sli := number(t.Status.Budget.RemainingRatio), number(sli)
		f.SLI, f.Budget.RemainingRatio = &sli, &remaining
		if _, greatest, _ := t.Status.SLIBounds(); t.Status.Counts.Unknown > 0 {
			high := number(greatest)
			f.SLIHigh = &high
		}
	}
	if left, ok := t.Status.TimeToExhaustion(t.Tier.Short.Rate); ok {
		seconds := int64(left / time.Second)
		f.ExhaustedInSeconds = &seconds
	}
	if t.Episode.State == slo.Resolved {
		resolved := t.Episode.ResolvedAt.UTC()
		f.ResolvedAt = &resolved
	}
	return f
}

func newCounts(c slo.Counts) counts {
	return counts{Good: c.Good, Bad: c.Bad, Unknown: c.Unknown, Total: c.Total()}
}

func newLookBack(length time.Duration, c slo.LookBackCounts) lookBack {
	return lookBack{Length: slo.FormatDuration(length), counts: newCounts(c.Counts), BurnRate: number(c.Rate)}
}
