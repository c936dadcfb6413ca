package alerting

import (
	"fmt"
	"hash/fnv"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	// The limits of what an SLO brings into a message, in characters and labels.
	maxLabelValue     = 256
	maxLabelName      = 64
	maxMetadataLabels = 32
	maxLink           = 2048
)

// alert is one alert in Alertmanager's webhook JSON, version 4.
type alert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// postableAlert is one alert as POST /api/v2/alerts of Alertmanager takes it.
// EndsAt of a firing alert is set when it is sent.
type postableAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

func newAlert(t slo.Transition, sloURL string) alert {
	a := alert{
		Status: string(t.Episode.State), Labels: t.Episode.Labels, Annotations: annotations(t),
		StartsAt: t.Episode.FiredAt.UTC(), GeneratorURL: sloURL,
	}
	if len(a.Labels) == 0 {
		a.Labels = labels(t)
	}
	if t.Episode.State == slo.Resolved {
		a.EndsAt = t.Episode.ResolvedAt.UTC()
		if a.EndsAt.Before(a.StartsAt) { // The clock was set back; Alertmanager refuses such an alert.
			a.EndsAt = a.StartsAt
		}
	}
	a.Fingerprint = fingerprint(a.Labels)
	return a
}

func (a alert) postable() postableAlert {
	return postableAlert{
		Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.StartsAt, EndsAt: a.EndsAt, GeneratorURL: a.GeneratorURL,
	}
}

// labels identify the alert: Alertmanager takes equal labels for the same
// alert, so there is one set for each objective and tier, and the episode is
// an annotation. The labels of the SLO are added under legal names; they never
// replace ours.
func labels(t slo.Transition) map[string]string {
	l := identity(t)
	l["service"] = clean(t.SLO.Service, maxLabelValue)
	l["severity"] = string(t.Episode.Severity)
	added := 0
	for _, key := range slices.Sorted(maps.Keys(t.SLO.Labels)) {
		name := labelName(key)
		values := t.SLO.Labels[key]
		_, taken := l[name]
		if taken || name == "" || len(values) == 0 || added == maxMetadataLabels {
			continue
		}
		if value := clean(values[0], maxLabelValue); value != "" {
			l[name] = value
			added++
		}
	}
	if l["service"] == "" {
		delete(l, "service") // Alertmanager knows no empty labels.
	}
	return l
}

// grouping are the labels of identity as the alert has them.
func grouping(alert map[string]string) map[string]string {
	group := map[string]string{}
	for _, name := range []string{"alertname", "slo", "objective", "tier"} {
		group[name] = alert[name]
	}
	return group
}

// identity are the labels that tell one objective and tier from all others.
func identity(t slo.Transition) map[string]string {
	return map[string]string{
		"alertname": alertName(t.Tier.Kind),
		"slo":       clean(t.SLO.Name, maxLabelValue),
		"objective": objectiveLabel(t),
		"tier":      clean(t.Episode.Tier, maxLabelValue),
	}
}

// alertName says what kind of thing the alert tells of.
func alertName(kind slo.ConditionKind) string {
	switch kind {
	case slo.BudgetConsumed:
		return "ErrorBudgetConsumed"
	case slo.BudgetDrop:
		return "ErrorBudgetDrop"
	case slo.TimeToExhaustion:
		return "ErrorBudgetExhaustion"
	case slo.NoData:
		return "ObjectiveNoData"
	case slo.SourceSilent:
		return "ObjectiveSourceSilent"
	case slo.Blind:
		return "ObjectiveBlind"
	default:
		return "ErrorBudgetBurn"
	}
}

// objectiveLabel is the target, "0.999". An objective that shares its target
// with another one of the SLO adds its place: "0.999/1".
func objectiveLabel(t slo.Transition) string {
	target := t.Status.Target
	for i, o := range t.SLO.Objectives {
		if i != t.Episode.Objective && o.Target.String() == target.String() {
			return fmt.Sprintf("%s/%d", target, t.Episode.Objective)
		}
	}
	return target.String()
}

// labelName makes a key a label name of Prometheus, [a-zA-Z_][a-zA-Z0-9_]*:
// "team.name/eu" becomes "team_name_eu", "" for a key without a letter or digit.
// Names that begin with two underscores are reserved there, so one is left.
func labelName(key string) string {
	name := strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, key)
	bare := strings.TrimLeft(name, "_")
	if bare == "" {
		return ""
	}
	if bare != name || bare[0] >= '0' && bare[0] <= '9' {
		bare = "_" + bare
	}
	return bare[:min(len(bare), maxLabelName)]
}

// annotations tell a human what happens; the episode is for machines.
func annotations(t slo.Transition) map[string]string {
	a := map[string]string{
		"summary":     summary(t),
		"description": description(t),
		"episode":     t.Episode.ID,
	}
	for name, key := range map[string]string{
		"runbook_url": "slowburn.dev/runbook", "dashboard_url": "slowburn.dev/dashboard",
	} {
		if link := t.SLO.Annotations[key]; isLink(link) {
			a[name] = link
		}
	}
	return a
}

// isLink reports whether the text is a web address, so that "javascript:..."
// never reaches a page that shows links.
func isLink(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= maxLink && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// fingerprint is the hash by which Alertmanager names a set of labels: FNV-1a
// of the sorted names and values, each ended by the byte 255.
func fingerprint(labels map[string]string) string {
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(h, "%s\xff%s\xff", name, labels[name])
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// groupKey names a group of alerts as Alertmanager does:
// {}:{alertname="ErrorBudgetBurn", slo="checkout-fast"}.
func groupKey(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, fmt.Sprintf("%s=%q", name, labels[name]))
	}
	return "{}:{" + strings.Join(pairs, ", ") + "}"
}
