package alerting_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/alerting"
)

// push is one request to POST /api/v2/alerts, by the slo label.
type push struct {
	at   time.Time
	id   string
	ends map[string]time.Time
}

// pushes reads what the fake transport saw.
func pushes(t *testing.T, transport *fakeTransport) []push {
	t.Helper()
	var all []push
	for _, a := range transport.seen() {
		var alerts []struct {
			Labels map[string]string `json:"labels"`
			EndsAt time.Time         `json:"endsAt"`
		}
		require.NoError(t, json.Unmarshal([]byte(a.body), &alerts))
		p := push{at: a.at, id: a.id, ends: map[string]time.Time{}}
		for _, alert := range alerts {
			p.ends[alert.Labels["slo"]] = alert.EndsAt
		}
		all = append(all, p)
	}
	return all
}

func TestAFiringAlertIsPushedAgainUntilItResolves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		transport := &fakeTransport{answer: status(200)}
		sender, stop := start(t, alerting.Settings{
			AlertmanagerURL: "http://am.example:9093/prefix/", Store: store, Transport: transport,
		})
		synctest.Wait()
		firing := notification(alerting.AlertmanagerReceiver, "a", slo.Firing)
		store.put(firing)
		sender.Wake()
		time.Sleep(91 * time.Second)
		resolved := notification(alerting.AlertmanagerReceiver, "a", slo.Resolved)
		store.put(resolved)
		sender.Wake()
		time.Sleep(10 * time.Minute)
		stop()

		require.Equal(t, "delivered", store.row(firing.ID).state)
		require.Equal(t, "delivered", store.row(resolved.ID).state)
		got := pushes(t, transport)
		require.Len(t, got, 5, "at once, three times again, and the resolve; then nothing")
		for i, p := range got[:4] {
			require.Equal(t, firing.CreatedAt.Add(time.Duration(i)*30*time.Second), p.at)
			require.True(t, p.ends["a"].Equal(p.at.Add(4*time.Minute)), "a firing alert outlives lost pushes")
		}
		require.Equal(t, time.Date(2026, 3, 1, 12, 7, 0, 0, time.UTC), got[4].ends["a"])
		require.Equal(t, firing.ID, got[0].id)
		require.Empty(t, got[1].id, "a repeat is no notification")
		require.Equal(t, resolved.ID, got[4].id)
	})
}

func TestThePushKeepsThePathPrefix(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://am.example:9093":         "http://am.example:9093/api/v2/alerts",
		"http://am.example:9093/":        "http://am.example:9093/api/v2/alerts",
		"http://am.example/a/b/?token=1": "http://am.example/a/b/api/v2/alerts?token=1",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got string
				transport := &fakeTransport{answer: func(n int, r *http.Request) (*http.Response, error) {
					got = r.URL.String()
					return status(200)(n, r)
				}}
				store := &fakeStore{}
				store.put(notification(alerting.AlertmanagerReceiver, "a", slo.Resolved))
				_, stop := start(t, alerting.Settings{AlertmanagerURL: url, Store: store, Transport: transport})
				synctest.Wait()
				stop()
				require.Equal(t, want, got)
			})
		})
	}
}

func TestARestartPushesWhatFiresAtOnceInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		for i := range 150 {
			n := notification(alerting.AlertmanagerReceiver, fmt.Sprint("episode ", i), slo.Firing)
			n.CreatedAt = n.CreatedAt.Add(time.Hour) // Not due: what comes is the repeat.
			store.put(n)
		}
		transport := &fakeTransport{answer: func(n int, r *http.Request) (*http.Response, error) {
			if n == 1 {
				return status(400)(n, r) // One batch refused costs the others nothing.
			}
			return status(200)(n, r)
		}}
		_, stop := start(t, alerting.Settings{AlertmanagerURL: "http://am.example", Store: store, Transport: transport})
		synctest.Wait()
		stop()
		got := pushes(t, transport)
		require.Len(t, got, 3)
		require.Len(t, got[0].ends, 64)
		require.Len(t, got[1].ends, 64)
		require.Len(t, got[2].ends, 22)
	})
}

func TestAnAlertmanagerThatIsDownGetsEverythingLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		began := time.Now()
		transport := &fakeTransport{answer: func(n int, r *http.Request) (*http.Response, error) {
			if time.Since(began) < 6*time.Hour {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return status(200)(n, r)
		}}
		firing := notification(alerting.AlertmanagerReceiver, "a", slo.Firing)
		still := notification(alerting.AlertmanagerReceiver, "b", slo.Firing)
		resolved := notification(alerting.AlertmanagerReceiver, "a", slo.Resolved)
		store.put(firing, still, resolved)
		_, stop := start(t, alerting.Settings{AlertmanagerURL: "http://am.example", Store: store, Transport: transport})
		time.Sleep(7 * time.Hour)
		stop()
		for _, n := range []slo.Notification{firing, still, resolved} {
			require.Equal(t, "delivered", store.row(n.ID).state)
			require.WithinDuration(t, began.Add(6*time.Hour), store.row(n.ID).at, 15*time.Minute)
		}
		got := pushes(t, transport)
		last := map[string]time.Time{}
		for _, p := range got {
			maps.Copy(last, p.ends)
		}
		require.Equal(t, time.Date(2026, 3, 1, 12, 7, 0, 0, time.UTC), last["a"], "the resolve is the last word")
		require.True(t, last["b"].After(began.Add(7*time.Hour)), "what fires stays alive")
	})
}

func TestAStoredAlertThatCannotBeReadIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		n := notification(alerting.AlertmanagerReceiver, "a", slo.Resolved)
		n.Payload = []byte("{")
		store.put(n)
		transport := &fakeTransport{answer: status(200)}
		_, stop := start(t, alerting.Settings{AlertmanagerURL: "http://am.example", Store: store, Transport: transport})
		synctest.Wait()
		stop()
		require.Equal(t, "abandoned", store.row(n.ID).state)
		require.Empty(t, transport.seen())
	})
}
