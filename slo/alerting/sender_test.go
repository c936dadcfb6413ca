package alerting_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/alerting"
)

const ops = "webhook/ops/0"

func TestFailuresAreRetriedWithGrowingPausesUntilGivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer         func(int, *http.Request) (*http.Response, error)
		least, most    time.Duration
		fewest, atMost int
		cause          string
	}{
		"a receiver in trouble": {status(500), time.Second, 5 * time.Minute, 864, 3000, "the receiver answered 500 Internal Server Error"},
		"too many requests":     {status(429), time.Second, 5 * time.Minute, 864, 3000, "the receiver answered 429 Too Many Requests"},
		"a redirect": {
			status(302, "Location", "http://elsewhere.example/"), time.Second, 5 * time.Minute, 864, 3000,
			"the receiver answered 302 Found; redirects are not followed",
		},
		"a connection that breaks": {
			func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection reset by peer") },
			time.Second, 5 * time.Minute, 864, 3000, "send to http://a.example: connection reset by peer",
		},
		"a receiver that never answers": {
			func(_ int, r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			},
			time.Second, 5 * time.Minute, 800, 3000, "no answer within 15s: context deadline exceeded",
		},
		"a receiver that refuses the message": {status(400), time.Minute, 15 * time.Minute, 288, 1100, "the receiver answered 400 Bad Request"},
		"a receiver that asks for time": {
			status(503, "Retry-After", "600"), 10 * time.Minute, 10 * time.Minute, 431, 433, "the receiver answered 503 Service Unavailable",
		},
		"a receiver that asks for too much time": {
			status(429, "Retry-After", "999999999999"), time.Hour, time.Hour, 71, 73, "the receiver answered 429 Too Many Requests",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := &fakeTransport{answer: c.answer}
				store := &fakeStore{}
				n := notification(ops, "a", slo.Firing)
				store.put(n)
				_, stop := start(t, alerting.Settings{
					Config: oneWebhook(t, "http://a.example"), Store: store, Transport: transport, Poll: 10 * time.Second,
				})
				time.Sleep(71 * time.Hour)
				require.Empty(t, store.row(n.ID).state, "71 hours later it is still tried")
				time.Sleep(2 * time.Hour)
				stop()

				got := store.row(n.ID)
				require.Equal(t, "abandoned", got.state)
				require.Equal(t, c.cause, got.cause)
				require.WithinDuration(t, n.CreatedAt.Add(72*time.Hour), got.at, time.Minute)
				require.GreaterOrEqual(t, len(transport.seen()), c.fewest)
				require.LessOrEqual(t, len(transport.seen()), c.atMost)
				requirePauses(t, store.pauses, c.least, c.most)
			})
		})
	}
}

// requirePauses wants every pause within [least, most], doubling at most from
// attempt to attempt; only the last one may be cut short by the end.
func requirePauses(t *testing.T, pauses []time.Duration, least, most time.Duration) {
	t.Helper()
	var longest time.Duration
	for i, pause := range pauses {
		ceiling := most
		if i < 20 && least < most {
			ceiling = min(most, least<<(i+1))
		}
		require.LessOrEqual(t, pause, ceiling, "pause %d", i)
		if i < len(pauses)-2 {
			require.GreaterOrEqual(t, pause, least, "pause %d", i)
		}
		longest = max(longest, pause)
	}
	require.Greater(t, longest, most*9/10, "the pauses grow to their most")
	require.Greater(t, slices.Max(pauses[:19]), most/10, "and they do so soon")
}

func TestRetryAfterIsHonouredAsADate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in          time.Duration
		least, most time.Duration
	}{
		"in twenty minutes": {20 * time.Minute, 20 * time.Minute, 20*time.Minute + time.Second},
		"tomorrow":          {24 * time.Hour, time.Hour, time.Hour},
		"in the past":       {-time.Hour, time.Second, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &fakeStore{}
				n := notification(ops, "a", slo.Firing)
				store.put(n)
				date := time.Now().Add(c.in).UTC().Format(http.TimeFormat)
				_, stop := start(t, alerting.Settings{
					Config: oneWebhook(t, "http://a.example"), Store: store,
					Transport: &fakeTransport{answer: status(429, "Retry-After", date)},
				})
				synctest.Wait()
				stop()
				require.Len(t, store.pauses, 1)
				require.GreaterOrEqual(t, store.pauses[0], c.least)
				require.LessOrEqual(t, store.pauses[0], c.most)
			})
		})
	}
}

func TestAReceiverThatIsGoneIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, log := &fakeStore{}, &safeBuffer{}
		n := notification(ops, "a", slo.Firing)
		store.put(n)
		_, stop := start(t, alerting.Settings{
			Config: oneWebhook(t, "http://a.example"), Store: store, Transport: &fakeTransport{answer: status(410)},
			Logger: slog.New(slog.NewJSONHandler(log, nil)),
		})
		synctest.Wait()
		stop()
		require.Equal(t, "abandoned", store.row(n.ID).state)
		require.Contains(t, log.String(), `"level":"ERROR","msg":"notification given up, nobody was told"`)
	})
}

func TestAReceiverThatIsNoLongerConfiguredIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		n := notification("webhook/renamed/0", "a", slo.Firing)
		store.put(n)
		transport := &fakeTransport{answer: status(200)}
		_, stop := start(t, alerting.Settings{Config: oneWebhook(t, "http://a.example"), Store: store, Transport: transport})
		time.Sleep(time.Hour)
		stop()
		require.Empty(t, transport.seen(), "no other receiver gets it")
		require.Equal(t, "the configuration no longer has this receiver", store.row(n.ID).cause)

		config, err := alerting.ParseConfig("am.yml", []byte(
			"route: {receiver: renamed}\nreceivers: [{name: renamed, webhook_configs: [{url: 'http://a.example'}]}]"))
		require.NoError(t, err)
		_, stop = start(t, alerting.Settings{Config: config, Store: store, Transport: transport})
		time.Sleep(time.Hour)
		stop()
		require.Equal(t, "delivered", store.row(n.ID).state)
	})
}

func TestAResolveNeverOvertakesItsFiring(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		for i := range 20 {
			episode := fmt.Sprint("episode ", i)
			store.put(notification(ops, episode, slo.Firing), notification(ops, episode, slo.Resolved))
		}
		transport := &fakeTransport{}
		transport.answer = func(n int, r *http.Request) (*http.Response, error) {
			if n%3 != 0 { // Two of three attempts fail, so that repeats mix.
				return status(500)(n, r)
			}
			return status(204)(n, r)
		}
		_, stop := start(t, alerting.Settings{Config: oneWebhook(t, "http://a.example"), Store: store, Transport: transport})
		time.Sleep(6 * time.Hour)
		stop()
		require.Equal(t, 40, store.delivered())
		done := map[string]bool{}
		for i, a := range transport.seen() {
			if episode, ok := strings.CutSuffix(a.id, " resolved "+ops); ok {
				require.True(t, done[episode+" firing "+ops], "%s was sent before its firing arrived", a.id)
			}
			done[a.id] = done[a.id] || (i+1)%3 == 0
		}
	})
}

func TestTheNextStateFollowsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		store.put(notification(ops, "a", slo.Firing), notification(ops, "a", slo.Resolved))
		_, stop := start(t, alerting.Settings{
			Config: oneWebhook(t, "http://a.example"), Store: store, Transport: &fakeTransport{answer: status(200)}, Poll: time.Hour,
		})
		synctest.Wait()
		require.Equal(t, 2, store.delivered(), "no poll lies between them")
		stop()
	})
}

func TestWakeNeedsNoPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		sender, stop := start(t, alerting.Settings{
			Config: oneWebhook(t, "http://a.example"), Store: store, Transport: &fakeTransport{answer: status(200)}, Poll: time.Hour,
		})
		synctest.Wait()
		store.put(notification(ops, "a", slo.Firing))
		synctest.Wait()
		require.Zero(t, store.delivered(), "nobody told the sender")
		for range 10 {
			sender.Wake()
		}
		synctest.Wait()
		require.Equal(t, 1, store.delivered())
		stop()
	})
}

func TestWithoutAWakeTheOutboxIsPolled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		_, stop := start(t, alerting.Settings{
			Config: oneWebhook(t, "http://a.example"), Store: store, Transport: &fakeTransport{answer: status(200)},
		})
		synctest.Wait()
		store.put(notification(ops, "a", slo.Firing))
		time.Sleep(time.Second + time.Millisecond)
		synctest.Wait()
		require.Equal(t, 1, store.delivered())
		stop()
	})
}

func TestASlowReceiverDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		for i := range 6000 { // Far more than the slow lane and one Claim hold.
			store.put(notification(ops, fmt.Sprint("slow ", i), slo.Firing))
		}
		transport := &fakeTransport{answer: func(n int, r *http.Request) (*http.Response, error) {
			if r.URL.Host == "slow.example" {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return status(200)(n, r)
		}}
		sender, stop := start(t, alerting.Settings{
			Config: oneWebhook(t, "http://slow.example", "http://quick.example"), Store: store, Transport: transport,
		})
		for i := range 80 {
			time.Sleep(1100 * time.Millisecond)
			n := notification("webhook/ops/1", fmt.Sprint("quick ", i), slo.Firing)
			store.put(n)
			sender.Wake()
			synctest.Wait()
			require.Equal(t, "delivered", store.row(n.ID).state)
			require.Equal(t, n.CreatedAt, store.row(n.ID).at, "not one moment later")
		}
		stop()
		busy := 0
		for _, a := range transport.seen() {
			if a.host == "slow.example" {
				busy++
			}
		}
		require.InDelta(t, 80*1.1/15*4, busy, 8, "the slow receiver got four at once, all the time")
	})
}

func TestAnAttemptBeginsOnlyIfItsLeaseOutlastsIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		for i := range 40 {
			store.put(notification(ops, fmt.Sprint("episode ", i), slo.Firing))
		}
		transport := &fakeTransport{answer: func(n int, r *http.Request) (*http.Response, error) {
			if left := time.Until(store.row(r.Header.Get("webhook-id")).due); left < 15*time.Second {
				t.Errorf("attempt %d began %s before its lease ran out", n, left)
			}
			time.Sleep(10 * time.Second)
			return status(200)(n, r)
		}}
		_, stop := start(t, alerting.Settings{Config: oneWebhook(t, "http://a.example"), Store: store, Transport: transport})
		time.Sleep(5 * time.Minute)
		stop()
		require.Equal(t, 40, store.delivered())
		require.Len(t, transport.seen(), 40, "nothing was sent by two at once")
	})
}

func TestABurstIsDeliveredOnceEachAndAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ answersIn, within time.Duration }{
		"to a quick receiver": {5 * time.Millisecond, 3 * time.Second},
		"to a slow receiver":  {100 * time.Millisecond, 60 * time.Second}, // 37.5 s of work for its four requests at once.
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const burst = 1500
				store := &fakeStore{}
				for i := range burst {
					store.put(notification(ops, fmt.Sprint("episode ", i), slo.Firing))
				}
				transport := &fakeTransport{answer: func(n int, r *http.Request) (*http.Response, error) {
					time.Sleep(c.answersIn)
					return status(200)(n, r)
				}}
				_, stop := start(t, alerting.Settings{Config: oneWebhook(t, "http://a.example"), Store: store, Transport: transport})
				time.Sleep(c.within)
				stop()
				require.Equal(t, burst, store.delivered())
				require.Len(t, transport.seen(), burst, "a receiver that answers gets nothing twice")
			})
		})
	}
}

func TestARestartSendsTheSameIDAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		n := notification(ops, "a", slo.Firing)
		store.put(n)
		hangs := &fakeTransport{answer: func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}
		config := oneWebhook(t, "http://a.example")
		_, stop := start(t, alerting.Settings{Config: config, Store: store, Transport: hangs})
		synctest.Wait()
		before := time.Now()
		stop()
		require.Equal(t, 5*time.Second, time.Since(before), "the attempt in flight gets its grace")
		require.Empty(t, store.row(n.ID).state)
		require.Empty(t, store.pauses, "nobody knows whether it arrived: nothing is noted")

		takes := &fakeTransport{answer: status(200)}
		_, stop = start(t, alerting.Settings{Config: config, Store: store, Transport: takes})
		time.Sleep(time.Minute)
		stop()
		require.Equal(t, "delivered", store.row(n.ID).state)
		require.Equal(t, 2, store.row(n.ID).Attempt)
		require.Len(t, hangs.seen(), 1)
		require.Len(t, takes.seen(), 1)
		require.Equal(t, hangs.seen()[0].id, takes.seen()[0].id)
		require.Equal(t, hangs.seen()[0].body, takes.seen()[0].body)
	})
}

func TestStoppingFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		n := notification(ops, "a", slo.Firing)
		store.put(n)
		_, stop := start(t, alerting.Settings{
			Config: oneWebhook(t, "http://a.example"), Store: store,
			Transport: &fakeTransport{answer: func(n int, r *http.Request) (*http.Response, error) {
				time.Sleep(3 * time.Second)
				return status(200)(n, r)
			}},
		})
		synctest.Wait()
		stop()
		require.Equal(t, "delivered", store.row(n.ID).state)
	})
}

func TestAnOutcomeThatCannotBeNotedIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, log := &fakeStore{}, &safeBuffer{}
		n := notification(ops, "a", slo.Firing)
		store.put(n)
		transport := &fakeTransport{answer: func(n int, r *http.Request) (*http.Response, error) {
			store.setBroken(n == 1)
			return status(200)(n, r)
		}}
		_, stop := start(t, alerting.Settings{
			Config: oneWebhook(t, "http://a.example"), Store: store, Transport: transport, Logger: slog.New(slog.NewJSONHandler(log, nil)),
		})
		time.Sleep(time.Hour)
		require.Len(t, transport.seen(), 1)
		require.Equal(t, 1, strings.Count(log.String(), "the outbox cannot be read"), "said once, not every second")
		store.setBroken(false)
		time.Sleep(time.Minute)
		stop()
		require.Equal(t, "delivered", store.row(n.ID).state)
		require.Len(t, transport.seen(), 2)
		require.Equal(t, transport.seen()[0].id, transport.seen()[1].id)
		require.Contains(t, log.String(), "the outbox can be read again")
	})
}

func TestNewSenderRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	good := alerting.Settings{Store: &fakeStore{}, Logger: slog.New(slog.DiscardHandler)}
	for name, c := range map[string]struct {
		change func(*alerting.Settings)
		want   string
	}{
		"no store":                      {func(s *alerting.Settings) { s.Store = nil }, "a store and a logger are required"},
		"no logger":                     {func(s *alerting.Settings) { s.Logger = nil }, "a store and a logger are required"},
		"a pause longer than an expiry": {func(s *alerting.Settings) { s.Resend = 5 * time.Minute }, "resend must be between 0 and 2 minutes"},
		"a bad Alertmanager URL":        {func(s *alerting.Settings) { s.AlertmanagerURL = "am:9093" }, "Alertmanager URL must be an absolute URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := good
			c.change(&settings)
			_, err := alerting.NewSender(settings)
			require.ErrorContains(t, err, c.want)
		})
	}
}
