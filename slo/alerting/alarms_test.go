package alerting_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/alerting"
)

// outbox keeps what alarms say, stored or sent past it, each id once.
type outbox struct {
	mu     sync.Mutex
	down   bool
	refuse bool
	stored []slo.Notification
	sent   []slo.Notification
}

func (o *outbox) save(_ context.Context, tell []slo.Notification) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return errStore
	}
	for _, n := range tell {
		known := false
		for _, m := range o.stored {
			known = known || m.ID == n.ID
		}
		if !known {
			o.stored = append(o.stored, n)
		}
	}
	return nil
}

func (o *outbox) send(_ context.Context, n slo.Notification) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuse {
		return errStore
	}
	o.sent = append(o.sent, n)
	return nil
}

func (o *outbox) open(context.Context) ([]slo.Notification, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return nil, errStore
	}
	resolved := map[string]bool{}
	for _, n := range o.stored {
		resolved[n.Episode] = resolved[n.Episode] || n.State == slo.Resolved
	}
	var open []slo.Notification
	for _, n := range o.stored {
		if !resolved[n.Episode] {
			open = append(open, n)
		}
	}
	return open, nil
}

func (o *outbox) set(down, refuse bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down, o.refuse = down, refuse
}

// said are the states that one receiver was told, in their order.
func said(list []slo.Notification, receiver string) (states []slo.EpisodeState) {
	for _, n := range list {
		if n.Receiver == receiver {
			states = append(states, n.State)
		}
	}
	return states
}

func startAlarms(t *testing.T, o *outbox, labels map[string]string) (alarms *alerting.Alarms, stop func()) {
	t.Helper()
	alarms, err := alerting.NewAlarms(alerting.AlarmSettings{
		Messenger: newMessenger(t), Save: o.save, Send: o.send, Open: o.open, Labels: labels, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- alarms.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); require.NoError(t, <-done) })
	t.Cleanup(stop)
	return alarms, stop
}

// observe says the same every second.
func observe(a *alerting.Alarms, name string, wrong bool, seconds int) {
	for range seconds {
		a.Observe(name, wrong, "what was seen, and what to do")
		time.Sleep(time.Second)
		synctest.Wait()
	}
}

var both = []slo.EpisodeState{slo.Firing, slo.Resolved}

func TestAlarmsAreRaisedAndResolvedAfterTheirDelays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ raise, clear int }{
		slo.AlarmStale:           {120, 60},
		slo.AlarmUnjudged:        {0, 60},
		slo.AlarmIngestRefusing:  {30, 60},
		slo.AlarmAuditDifference: {0, 0},
		slo.AlarmClockJump:       {0, 600},
		"SlowburnSomethingNew":   {0, 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := &outbox{}
				a, stop := startAlarms(t, o, nil)
				defer stop()
				observe(a, name, false, 10)
				require.Empty(t, o.stored)
				if c.raise > 0 {
					observe(a, name, true, c.raise-1)
					require.Empty(t, a.Open(), "it may pass")
				}
				observe(a, name, true, 2)
				require.Len(t, a.Open(), 1)
				require.Equal(t, both[:1], said(o.stored, ops))
				require.Equal(t, both[:1], said(o.stored, alerting.AlertmanagerReceiver))
				require.Len(t, a.Firing(alerting.AlertmanagerReceiver), 1)
				observe(a, name, true, 5000)
				require.Len(t, o.stored, 2, "nobody is told twice")
				if c.clear > 0 {
					observe(a, name, false, c.clear-1)
					require.Len(t, a.Open(), 1, "it may come back")
				}
				observe(a, name, false, 2)
				require.Empty(t, a.Open())
				require.Empty(t, a.Firing(alerting.AlertmanagerReceiver))
				require.Equal(t, both, said(o.stored, ops))
				require.Equal(t, o.stored[0].Episode, o.stored[3].Episode)
				require.Empty(t, o.sent)
			})
		})
	}
}

func TestTroubleThatComesAndGoesIsOneAlarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &outbox{}
		a, stop := startAlarms(t, o, nil)
		defer stop()
		for range 20 { // A ledger that lags around the bound.
			observe(a, slo.AlarmStale, true, 20)
			observe(a, slo.AlarmStale, false, 20)
		}
		require.Equal(t, both[:1], said(o.stored, ops), "it is raised though it never lasted two minutes, and does not flap")
		observe(a, slo.AlarmStale, false, 61)
		require.Equal(t, both, said(o.stored, ops))
		observe(a, slo.AlarmStale, true, 100)
		observe(a, slo.AlarmStale, false, 70)
		observe(a, slo.AlarmStale, true, 100)
		require.Len(t, said(o.stored, ops), 2, "what was gone for a minute begins anew")
	})
}

func TestAnAlarmGetsOutWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &outbox{}
		a, stop := startAlarms(t, o, nil)
		defer stop()
		o.set(true, true)
		observe(a, slo.AlarmStale, true, 200)
		require.Empty(t, o.sent, "neither the store nor a receiver answers")
		o.set(true, false)
		observe(a, slo.AlarmStale, true, 300)
		require.Equal(t, both[:1], said(o.sent, ops))
		require.Equal(t, both[:1], said(o.sent, alerting.AlertmanagerReceiver))
		require.Greater(t, o.sent[0].Attempt, 1)
		o.set(false, false)
		observe(a, slo.AlarmStale, false, 70)
		require.Equal(t, both[1:], said(o.stored, ops), "what was delivered is not sent again")
	})
}

func TestWhatCannotBeToldIsKeptInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &outbox{}
		a, stop := startAlarms(t, o, nil)
		defer stop()
		o.set(true, true)
		observe(a, slo.AlarmAuditDifference, true, 10)
		observe(a, slo.AlarmAuditDifference, false, 10)
		o.set(true, false)
		observe(a, slo.AlarmAuditDifference, false, 700)
		require.Equal(t, both, said(o.sent, ops), "a resolve never overtakes its firing")
	})
}

func TestARestartTakesOverWhatWasOpen(t *testing.T) {
	t.Parallel()
	here, there := map[string]string{"instance": "here"}, map[string]string{"instance": "there"}
	synctest.Test(t, func(t *testing.T) {
		o := &outbox{}
		a, stop := startAlarms(t, o, here)
		b, stopB := startAlarms(t, o, there)
		defer stopB()
		for range 125 {
			b.Observe(slo.AlarmStale, true, "as here")
			observe(a, slo.AlarmStale, true, 1)
		}
		require.Len(t, said(o.stored, ops), 2, "each instance has its own")
		before := a.Open()[0]
		stop()

		a, stop = startAlarms(t, o, here)
		observe(a, slo.AlarmStale, true, 300)
		require.Len(t, said(o.stored, ops), 2, "the trouble lasts, and nobody is told again")
		require.Equal(t, before.ID, a.Open()[0].ID)
		require.Equal(t, before.Since, a.Open()[0].Since)
		stop()

		o.set(true, true) // It comes up while the store is away, and sees no trouble.
		a, stop = startAlarms(t, o, here)
		defer stop()
		observe(a, slo.AlarmStale, false, 30)
		o.set(false, false)
		observe(a, slo.AlarmStale, false, 61)
		require.Len(t, said(o.stored, ops), 3)
		last := o.stored[len(o.stored)-1]
		require.Equal(t, slo.Resolved, last.State)
		require.Equal(t, before.ID, last.Episode)
		require.Len(t, b.Open(), 1, "that of the other instance is not ours to resolve")
	})
}

func TestAnAlarmRaisedBeforeTheOutboxWasReadReplacesTheOneOfBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &outbox{}
		a, stop := startAlarms(t, o, nil)
		observe(a, slo.AlarmAuditDifference, true, 5)
		stop()
		o.set(true, true)
		a, stop = startAlarms(t, o, nil)
		defer stop()
		observe(a, slo.AlarmAuditDifference, true, 5)
		o.set(false, false)
		observe(a, slo.AlarmAuditDifference, true, 500)
		open, err := o.open(t.Context())
		require.NoError(t, err)
		require.Len(t, open, 2, "one alarm is open at two receivers")
		require.Equal(t, a.Open()[0].ID, open[0].Episode)
	})
}

func TestAlarmsHaveTheFormsOfAlerts(t *testing.T) {
	t.Parallel()
	alarm := slo.Alarm{
		ID: "0123456789abcdef0123456789abcdef", Name: slo.AlarmStale, Severity: slo.Page, Summary: "Slowburn does not judge objectives",
		Description: "Verdicts are of 12:00:12.", Since: firedAt, RaisedAt: firedAt.Add(2 * time.Minute),
		Labels: map[string]string{"instance": "eu-1", "alertname": "mine", "bad name": "x"},
	}
	resolved := alarm
	resolved.ResolvedAt = firedAt.Add(time.Hour)
	for name, a := range map[string]slo.Alarm{"firing": alarm, "resolved": resolved} {
		notifications, err := newMessenger(t).Alarm(a)
		require.NoError(t, err)
		again, err := newMessenger(t).Alarm(a)
		require.NoError(t, err)
		require.Equal(t, notifications, again)
		require.Len(t, notifications, 2)
		golden(t, "alarm_webhook_"+name+".json", notifications[0].Payload)
		golden(t, "alarm_alertmanager_"+name+".json", notifications[1].Payload)
		require.NotEqual(t, notifications[0].ID, notifications[1].ID)
		require.Equal(t, alarm.ID, notifications[0].Episode)
	}
}

func TestAnAlertmanagerIsToldOfOpenAlarmsAgainThoughTheStoreIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		store.setBroken(true)
		transport := &fakeTransport{answer: status(http.StatusOK)}
		n := notification(alerting.AlertmanagerReceiver, "alarm", slo.Firing)
		_, stop := start(t, alerting.Settings{
			AlertmanagerURL: "http://am.example", Store: store, Transport: transport,
			Standing: func(receiver string) []slo.Notification {
				require.Equal(t, alerting.AlertmanagerReceiver, receiver)
				return []slo.Notification{n}
			},
		})
		time.Sleep(95 * time.Second)
		stop()
		require.Len(t, transport.seen(), 4, "at the start and every half minute")
		for _, attempt := range transport.seen() {
			var alerts []struct {
				EndsAt time.Time `json:"endsAt"`
			}
			require.NoError(t, json.Unmarshal([]byte(attempt.body), &alerts))
			require.True(t, alerts[0].EndsAt.After(attempt.at))
		}
	})
}

func TestASenderSendsPastTheOutbox(t *testing.T) {
	t.Parallel()
	transport := &fakeTransport{answer: status(http.StatusOK)}
	sender, err := alerting.NewSender(alerting.Settings{
		Config: oneWebhook(t, "http://a.example"), Store: &fakeStore{}, Transport: transport, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	n := notification(ops, "alarm", slo.Firing)
	require.NoError(t, sender.Send(t.Context(), n))
	require.Equal(t, n.ID, transport.seen()[0].id)
	n.Receiver = "webhook/gone/0"
	require.Error(t, sender.Send(t.Context(), n))
	transport.answer = status(500)
	n.Receiver = ops
	require.ErrorContains(t, sender.Send(t.Context(), n), "500")
}
