package alerting_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/alerting"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var firedAt = time.Date(2026, 3, 1, 12, 0, 12, 345_000_000, time.UTC)

// transition is checkout-fast in the fast tier, a third of its events bad.
func transition(t *testing.T, state slo.EpisodeState) slo.Transition {
	t.Helper()
	target, err := slo.ParseTarget("0.999", false)
	require.NoError(t, err)
	window := slo.Window{Duration: 30 * 24 * time.Hour}
	definition := slo.SLO{
		Name: "checkout-fast", Service: "checkout", Window: window,
		Labels:      map[string][]string{"team": {"payments", "core"}, "cost.center/eu": {"42"}, "severity": {"mine"}, "empty": {}},
		Annotations: map[string]string{"slowburn.dev/runbook": "https://wiki.example/checkout", "slowburn.dev/dashboard": "javascript://slo.example/%0aalert(1)"},
		Objectives:  []slo.Objective{{Target: target}},
	}
	status := slo.ObjectiveStatus{
		Target: target, Window: window, From: firedAt.Add(-window.Duration).Truncate(time.Hour), To: firedAt.Add(-345 * time.Millisecond),
		Counts: slo.Counts{Good: 99_917, Bad: 80, Unknown: 3}, MeasuredUntil: firedAt, MeasuredRatio: 1,
	}
	status.Budget = slo.BudgetOf(target, status.Counts)
	tier := slo.TierStatus{
		Tier:     &slo.DefaultPolicy(target, window, 0)[0],
		Long:     slo.LookBackCounts{Counts: slo.Counts{Good: 260, Bad: 40}, Rate: 133.33333333333334},
		Short:    slo.LookBackCounts{Counts: slo.Counts{Good: 65, Bad: 34, Unknown: 1}, Rate: 340},
		LongOver: true, ShortOver: true,
	}
	tr := slo.Transition{
		Episode: slo.Episode{
			ID: slo.EpisodeID("checkout-fast", 0, "fast", firedAt), SLO: "checkout-fast", Tier: "fast", Severity: slo.Page,
			State: state, PendingSince: firedAt, FiredAt: firedAt,
		},
		At: firedAt, SLO: definition, Status: status, Tier: tier,
	}
	if state == slo.Resolved {
		tr.At = firedAt.Add(7 * time.Minute)
		tr.Episode.ResolvedAt = tr.At
		tr.Tier.Short = slo.LookBackCounts{Counts: slo.Counts{Good: 100}}
	}
	return tr
}

func newMessenger(t *testing.T) *alerting.Messenger {
	t.Helper()
	m, err := alerting.NewMessenger(oneWebhook(t, "http://localhost:9000/hook"), alerting.Options{
		ExternalURL: "https://slo.example/burn/", AlertmanagerURL: "http://localhost:9093",
	})
	require.NoError(t, err)
	return m
}

func TestNotificationsMatchTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, state := range []slo.EpisodeState{slo.Firing, slo.Resolved} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			tr := transition(t, state)
			notifications, err := newMessenger(t).Notifications(tr)
			require.NoError(t, err)
			require.Len(t, notifications, 2)
			for i, receiver := range []string{"webhook/ops/0", alerting.AlertmanagerReceiver} {
				n := notifications[i]
				require.Equal(t, receiver, n.Receiver)
				require.Equal(t, tr.Episode.ID, n.Episode)
				require.Equal(t, state, n.State)
				require.Equal(t, tr.At, n.CreatedAt)
				require.Len(t, n.ID, 32)
				golden(t, strings.Split(receiver, "/")[0]+"_"+string(state)+".json", n.Payload)
			}
		})
	}
}

// golden compares a payload, indented, with a file in testdata.
func golden(t *testing.T, name string, payload []byte) {
	t.Helper()
	var got bytes.Buffer
	require.NoError(t, json.Indent(&got, payload, "", "  "))
	got.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String(), "if this is meant, run the test with -update and read the difference")
}

func TestNotificationsTellOnlyOfWhatFired(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state slo.EpisodeState
		fired bool
		want  int
	}{
		"pending tells nobody":                       {slo.Pending, false, 0},
		"lapsed tells nobody":                        {slo.Lapsed, false, 0},
		"resolved without having fired tells nobody": {slo.Resolved, false, 0},
		"firing tells every receiver":                {slo.Firing, true, 2},
		"resolved tells every receiver":              {slo.Resolved, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := transition(t, c.state)
			if !c.fired {
				tr.Episode.FiredAt = time.Time{}
			}
			notifications, err := newMessenger(t).Notifications(tr)
			require.NoError(t, err)
			require.Len(t, notifications, c.want)
		})
	}
	nobody, err := alerting.NewMessenger(alerting.Config{}, alerting.Options{})
	require.NoError(t, err)
	notifications, err := nobody.Notifications(transition(t, slo.Firing))
	require.NoError(t, err)
	require.Empty(t, notifications, "without receivers nobody is told")
}

func TestNotificationIDsAreStableAndDistinct(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, state := range []slo.EpisodeState{slo.Firing, slo.Resolved} {
		first, err := newMessenger(t).Notifications(transition(t, state))
		require.NoError(t, err)
		again, err := newMessenger(t).Notifications(transition(t, state))
		require.NoError(t, err)
		require.Equal(t, first, again)
		for _, n := range first {
			require.False(t, seen[n.ID], "one id for each state and receiver")
			seen[n.ID] = true
		}
	}
}

// message is what a test reads of a webhook's JSON.
type message struct {
	Status       string            `json:"status"`
	GroupKey     string            `json:"groupKey"`
	CommonLabels map[string]string `json:"commonLabels"`
	Alerts       []struct {
		Labels       map[string]string `json:"labels"`
		Annotations  map[string]string `json:"annotations"`
		StartsAt     time.Time         `json:"startsAt"`
		EndsAt       time.Time         `json:"endsAt"`
		GeneratorURL string            `json:"generatorURL"`
		Fingerprint  string            `json:"fingerprint"`
	} `json:"alerts"`
	Slowburn struct {
		NotificationID     string   `json:"notification_id"`
		Reason             string   `json:"reason"`
		SLI                *float64 `json:"sli"`
		ExhaustedInSeconds *int64   `json:"exhausted_in_seconds"`
		Factor             *float64 `json:"factor"`
		Budget             struct {
			RemainingRatio *float64 `json:"remaining_ratio"`
		} `json:"budget"`
	} `json:"slowburn"`
}

// webhookMessage is the message of the transition to the first webhook.
func webhookMessage(t *testing.T, tr slo.Transition) message {
	t.Helper()
	notifications, err := newMessenger(t).Notifications(tr)
	require.NoError(t, err)
	var m message
	require.NoError(t, json.Unmarshal(notifications[0].Payload, &m))
	require.Equal(t, notifications[0].ID, m.Slowburn.NotificationID)
	require.Len(t, m.Alerts, 1)
	return m
}

func TestFingerprintIsTheOneOfAlertmanager(t *testing.T) {
	t.Parallel()
	alert := webhookMessage(t, transition(t, slo.Firing)).Alerts[0]
	labels := model.LabelSet{}
	for name, value := range alert.Labels {
		require.True(t, model.LegacyValidation.IsValidLabelName(name), name)
		labels[model.LabelName(name)] = model.LabelValue(value)
	}
	require.Equal(t, labels.Fingerprint().String(), alert.Fingerprint)
}

func TestFiringAndResolvedAreOneAlert(t *testing.T) {
	t.Parallel()
	firing, resolved := webhookMessage(t, transition(t, slo.Firing)), webhookMessage(t, transition(t, slo.Resolved))
	require.Equal(t, firing.GroupKey, resolved.GroupKey)
	require.Equal(t, firing.Alerts[0].Labels, resolved.Alerts[0].Labels)
	require.Equal(t, firing.Alerts[0].Fingerprint, resolved.Alerts[0].Fingerprint)
	require.True(t, firing.Alerts[0].EndsAt.IsZero())
	require.Equal(t, firedAt.Add(7*time.Minute), resolved.Alerts[0].EndsAt)
}

func TestAnEditNeverChangesTheLabelsOfAnEpisode(t *testing.T) {
	t.Parallel()
	firing := transition(t, slo.Firing)
	told := webhookMessage(t, firing)
	resolved := transition(t, slo.Resolved)
	resolved.Episode.Labels = newMessenger(t).Labels(firing)
	edited, err := slo.ParseTarget("0.9", false)
	require.NoError(t, err)
	resolved.Status.Target, resolved.SLO.Objectives[0].Target = edited, edited
	resolved.SLO.Service, resolved.SLO.Labels = "cart", nil
	ended := webhookMessage(t, resolved)
	require.Equal(t, told.Alerts[0].Labels, ended.Alerts[0].Labels)
	require.Equal(t, told.Alerts[0].Fingerprint, ended.Alerts[0].Fingerprint)
	require.Equal(t, told.GroupKey, ended.GroupKey)
}

func TestAnEpisodeThatEndsWithoutARecoverySaysSo(t *testing.T) {
	t.Parallel()
	resolved := transition(t, slo.Resolved)
	resolved.Reason = "the objective was removed"
	m := webhookMessage(t, resolved)
	require.Equal(t, "checkout-fast is closed without a recovery: the objective was removed (fast, page)", m.Alerts[0].Annotations["summary"])
	require.Contains(t, m.Alerts[0].Annotations["description"], "Nothing is known to have recovered: the objective was removed.")
	require.Equal(t, "the objective was removed", m.Slowburn.Reason)
}

func TestAClockSetBackNeverEndsAnAlertBeforeItsStart(t *testing.T) {
	t.Parallel()
	tr := transition(t, slo.Resolved)
	tr.Episode.ResolvedAt = firedAt.Add(-time.Hour)
	require.Equal(t, firedAt, webhookMessage(t, tr).Alerts[0].EndsAt)
}

func TestObjectivesOfOneTargetAreDifferentAlerts(t *testing.T) {
	t.Parallel()
	tr := transition(t, slo.Firing)
	tr.SLO.Objectives = append(tr.SLO.Objectives, tr.SLO.Objectives[0])
	first := webhookMessage(t, tr)
	tr.Episode.Objective = 1
	second := webhookMessage(t, tr)
	require.Equal(t, "0.999/0", first.CommonLabels["objective"])
	require.Equal(t, "0.999/1", second.CommonLabels["objective"])
	require.Equal(t, "checkout-fast 99.9% burns its budget 340x (fast, page)", first.Alerts[0].Annotations["summary"])
}

func TestDescriptionSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*slo.Transition)
		want   string
	}{
		"some of the budget": {
			func(*slo.Transition) {},
			"20% of the budget is left; at the rate of the last 10s it is gone in 25m24s.",
		},
		"less than a percent": {
			func(tr *slo.Transition) { tr.Status.Counts = slo.Counts{Good: 99_900_400, Bad: 99_600} },
			"0.4% of the budget is left; at the rate of the last 10s it is gone in 30s.",
		},
		"days": {
			func(tr *slo.Transition) { tr.Tier.Short.Rate = 1.05 },
			"20% of the budget is left; at the rate of the last 10s it is gone in 5d17h.",
		},
		"nothing burns any more": {
			func(tr *slo.Transition) { tr.Tier.Short.Rate = 0 },
			"page): 40 bad and 260 good events in the last 2m, 133x; 34 bad and 65 good events, 1 not judged, in the last 10s to 20s, 0x. " +
				"It fires when both burn at 100x or more. 20% of the budget is left. Firing since 2026-03-01T12:00:12Z.",
		},
		"more than everything": {
			func(tr *slo.Transition) { tr.Status.Counts = slo.Counts{Good: 99_700, Bad: 300} },
			"The budget is spent: 300% of it is used.",
		},
		"no events": {
			func(tr *slo.Transition) { tr.Status.Counts = slo.Counts{} },
			"No event lies in the window, so no budget was computed.",
		},
		"a tier that is gone": {
			func(tr *slo.Transition) {
				tr.Tier = slo.TierStatus{Tier: &slo.Tier{Name: "fast", Severity: slo.Page}}
				tr.Episode.State, tr.Episode.ResolvedAt = slo.Resolved, firedAt.Add(90*time.Second)
			},
			"Tier fast (page): no longer part of the objective. 20% of the budget is left. " +
				"Firing since 2026-03-01T12:00:12Z, resolved at 2026-03-01T12:01:42Z after 1m30s.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := transition(t, slo.Firing)
			c.change(&tr)
			tr.Status.Budget = slo.BudgetOf(tr.Status.Target, tr.Status.Counts)
			require.Contains(t, webhookMessage(t, tr).Alerts[0].Annotations["description"], c.want)
		})
	}
}

func TestFactsHaveNoNumbersThatMeanNothing(t *testing.T) {
	t.Parallel()
	tr := transition(t, slo.Firing)
	tr.Status.Counts, tr.Status.Budget = slo.Counts{}, slo.Budget{}
	tr.Tier.Factor, tr.Tier.Long.Rate = math.Inf(1), math.NaN()
	m := webhookMessage(t, tr)
	require.Nil(t, m.Slowburn.SLI)
	require.Nil(t, m.Slowburn.Budget.RemainingRatio)
	require.Nil(t, m.Slowburn.ExhaustedInSeconds)
	require.Nil(t, m.Slowburn.Factor)
}

func TestHostileNamesStayText(t *testing.T) {
	t.Parallel()
	hostile := "</script>\x00\x1b[31m\u202e\u2028\r\n\t{{ . }}\"\\\xff" + strings.Repeat("ab ", 5000)
	tr := transition(t, slo.Firing)
	tr.SLO.Name, tr.SLO.Service, tr.Episode.Tier = hostile, hostile, hostile
	tr.SLO.Labels = map[string][]string{
		hostile: {hostile}, "alertname": {"mine"}, "slo": {"mine"}, "__reserved": {"x"}, "9lives": {"x"}, "": {"x"}, "empty": {""},
	}
	tr.SLO.Annotations = map[string]string{"slowburn.dev/runbook": "https://" + hostile, "slowburn.dev/dashboard": "data://slo.example/x"}
	alert := webhookMessage(t, tr).Alerts[0]

	require.Equal(t, "ErrorBudgetBurn", alert.Labels["alertname"])
	require.True(t, strings.HasPrefix(alert.Labels["slo"], `</script>[31m {{ . }}"\`), alert.Labels["slo"])
	require.Equal(t, "x", alert.Labels["_9lives"])
	require.NotContains(t, alert.Labels, "empty")
	require.Equal(t, "x", alert.Labels["_reserved"])
	require.Len(t, alert.Labels, 9, "six of ours, 9lives, reserved and the hostile one")
	require.NotContains(t, alert.Annotations, "runbook_url")
	require.NotContains(t, alert.Annotations, "dashboard_url")
	for name, value := range alert.Labels {
		require.True(t, model.LegacyValidation.IsValidLabelName(name), name)
		require.LessOrEqual(t, len([]rune(name)), 64)
		requirePlain(t, value, 256)
	}
	requirePlain(t, alert.Annotations["summary"], 160)
	requirePlain(t, alert.Annotations["description"], 1000)
	require.Empty(t, alert.GeneratorURL, "a link of that length is none")
}

// requirePlain wants a text of one line that hides nothing.
func requirePlain(t *testing.T, text string, limit int) {
	t.Helper()
	require.LessOrEqual(t, len([]rune(text)), limit)
	for _, r := range text {
		require.False(t, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp), "%q holds %U", text, r)
	}
}

func TestMetadataLabelsAreBounded(t *testing.T) {
	t.Parallel()
	tr := transition(t, slo.Firing)
	tr.SLO.Labels = map[string][]string{}
	for i := range 1000 {
		tr.SLO.Labels[strings.Repeat("l", i+1)] = []string{"v"}
	}
	tr.SLO.Service = ""
	labels := webhookMessage(t, tr).Alerts[0].Labels
	require.Len(t, labels, 5+32)
	require.NotContains(t, labels, "service", "Alertmanager knows no empty labels")
}

func TestNewMessengerRefusesBadURLsWithoutRepeatingThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options alerting.Options
		want    string
	}{
		"an external URL without a scheme":  {alerting.Options{ExternalURL: "slo.example/s3cret"}, "external URL must be an absolute URL"},
		"an external URL with a password":   {alerting.Options{ExternalURL: "https://a:s3cret@slo.example"}, "external URL must not hold"},
		"an Alertmanager of another scheme": {alerting.Options{AlertmanagerURL: "tcp://s3cret"}, "Alertmanager URL must be an absolute URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := alerting.NewMessenger(alerting.Config{}, c.options)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}
