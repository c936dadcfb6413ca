package alerting_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/alerting"
)

func TestEveryKindOfTierHasItsWords(t *testing.T) {
	t.Parallel()
	for kind, want := range map[slo.ConditionKind]struct{ alert, summary string }{
		slo.BurnRate:         {"ErrorBudgetBurn", "x burns its budget 3x (own, page)"},
		slo.BudgetConsumed:   {"ErrorBudgetConsumed", "x has spent 50% of its budget (own, page)"},
		slo.BudgetDrop:       {"ErrorBudgetDrop", "x has lost much of its budget within 1h (own, page)"},
		slo.TimeToExhaustion: {"ErrorBudgetExhaustion", "x will soon have no budget left (own, page)"},
		slo.NoData:           {"ObjectiveNoData", "x has no data (own, page)"},
		slo.SourceSilent:     {"ObjectiveSourceSilent", "x hears nothing from its source (own, page)"},
		slo.Blind:            {"ObjectiveBlind", "x cannot see: nothing to judge, or too much that cannot be judged (own, page)"},
	} {
		got := messages(t, kindTransition(kind), "oncall")
		require.Len(t, got, 1)
		alert := got["oncall"].Alerts[0]
		require.Equal(t, want.alert, alert.Labels["alertname"])
		require.Equal(t, want.summary, alert.Annotations["summary"])
		require.NotContains(t, alert.Annotations["description"], "no longer part")
		require.NotContains(t, alert.Annotations["description"], "%!")
	}
}

func TestTheTargetsOfAPolicyChooseTheReceivers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		targets []slo.NotificationTarget
		want    []string
	}{
		"no target":                 {nil, []string{"oncall", "team"}},
		"one that is known":         {[]slo.NotificationTarget{{Name: "x", Target: "team"}}, []string{"team"}},
		"one that is known by name": {[]slo.NotificationTarget{{Name: "oncall", Target: "pager"}}, []string{"oncall"}},
		"none that is known":        {[]slo.NotificationTarget{{Name: "mail", Target: "email"}}, []string{"oncall", "team"}},
	} {
		transition := kindTransition(slo.BurnRate)
		transition.Tier.Targets = test.targets
		got := messages(t, transition, "oncall", "team")
		require.Len(t, got, len(test.want), name)
		for _, receiver := range test.want {
			require.Contains(t, got, receiver, name)
		}
	}
}

func TestAPolicyMayWantToHearOfOneSideOnly(t *testing.T) {
	t.Parallel()
	muted := kindTransition(slo.BurnRate)
	muted.Tier.Muted = true
	require.Empty(t, messages(t, muted, "oncall"))
	muted.Episode.State, muted.Episode.ResolvedAt = slo.Resolved, muted.At
	require.Len(t, messages(t, muted, "oncall"), 1)
	muted.Tier.MutedResolve = true
	require.Empty(t, messages(t, muted, "oncall"))
}

func kindTransition(kind slo.ConditionKind) slo.Transition {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	long := slo.LookBackCounts{Counts: slo.Counts{Good: 97, Bad: 3}, Rate: 3}
	return slo.Transition{
		Episode: slo.Episode{ID: "e", SLO: "x", Tier: "own", Severity: slo.Page, State: slo.Firing, FiredAt: at},
		At:      at, SLO: slo.SLO{Name: "x", Objectives: []slo.Objective{{}}},
		Status: slo.ObjectiveStatus{
			Window: slo.Window{Duration: 30 * 24 * time.Hour}, Counts: slo.Counts{Good: 9950, Bad: 50},
			Budget: slo.Budget{Total: 100, Spent: 50, SpentRatio: 0.5, RemainingRatio: 0.5}, Unit: slo.UnitEvent,
		},
		Tier: slo.TierStatus{
			Tier: &slo.Tier{Name: "own", Severity: slo.Page, Kind: kind, Op: slo.GTE, Long: time.Hour, Factor: 0.3},
			Unit: slo.UnitEvent, Long: long, Short: long, LongOver: true, ShortOver: true,
		},
	}
}

type received struct {
	Alerts []struct{ Labels, Annotations map[string]string }
}

// messages are what the receivers of these names get.
func messages(t *testing.T, transition slo.Transition, receivers ...string) map[string]received {
	t.Helper()
	config := alerting.Config{}
	for _, name := range receivers {
		config.Webhooks = append(config.Webhooks, alerting.Webhook{ID: name, Receiver: name})
	}
	m, err := alerting.NewMessenger(config, alerting.Options{})
	require.NoError(t, err)
	notifications, err := m.Notifications(transition)
	require.NoError(t, err)
	got := map[string]received{}
	for _, n := range notifications {
		var body received
		require.NoError(t, json.Unmarshal(n.Payload, &body))
		got[n.Receiver] = body
	}
	return got
}
