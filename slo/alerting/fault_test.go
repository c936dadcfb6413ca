package alerting_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/alerting"
)

// reads takes the whole request and closes the connection without an answer.
func reads(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

func answers(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

// TestWhatAReceiverDoesDecidesWhatBecomesOfAMessage sends one message to a stub
// and, where it is to be tried again, once more to a stub that takes it: under
// the same id, as the second attempt.
func TestWhatAReceiverDoesDecidesWhatBecomesOfAMessage(t *testing.T) {
	t.Parallel()
	const later, never = "retry", "abandoned"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
		least  time.Duration
		cause  string
	}{
		"500 is tried again":                {answers(500), later, time.Second, "the receiver answered 500 Internal Server Error"},
		"503 is tried again":                {answers(503), later, time.Second, "the receiver answered 503 Service Unavailable"},
		"503 is left alone as it asks":      {answers(503, "Retry-After", "120"), later, 2 * time.Minute, "503"},
		"429 is tried again":                {answers(429), later, time.Second, "the receiver answered 429 Too Many Requests"},
		"429 is left alone as it asks":      {answers(429, "Retry-After", "600"), later, 10 * time.Minute, "429"},
		"429 may ask for an hour, not more": {answers(429, "Retry-After", "86400"), later, time.Hour, "429"},
		"a refusal waits for a human":       {answers(400), later, time.Minute, "the receiver answered 400 Bad Request"},
		"301 is not followed":               {answers(301, "Location", "/elsewhere"), later, time.Second, "redirects are not followed"},
		"302 is not followed":               {answers(302, "Location", "/elsewhere"), later, time.Second, "redirects are not followed"},
		"307 is not followed":               {answers(307, "Location", "/elsewhere"), later, time.Second, "redirects are not followed"},
		"308 is not followed":               {answers(308, "Location", "/elsewhere"), later, time.Second, "redirects are not followed"},
		"410 is the end, and says what to do": {
			answers(410), never, 0, "the receiver answered 410 Gone; take this endpoint out of the alerting configuration, or write its new URL",
		},
		"a reset after all was read may have arrived": {reads, later, time.Second, "all of it was sent, so it may have arrived"},
		"a reset before anything was read": {func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
		}, later, time.Second, "send to http://127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan *http.Request, 4)
			var takes atomic.Bool
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got <- r.Clone(r.Context())
				if takes.Load() {
					w.WriteHeader(http.StatusAccepted)
					return
				}
				c.answer(w, r)
			}))
			t.Cleanup(server.Close)
			store, log := &fakeStore{outcomes: make(chan string, 8)}, &safeBuffer{}
			n := notification(ops, "a", slo.Firing)
			store.put(n)
			settings := alerting.Settings{
				Config: oneWebhook(t, server.URL+"/hook"), Store: store, Logger: slog.New(slog.NewJSONHandler(log, nil)),
			}
			_, stop := start(t, settings)
			require.Equal(t, c.want, <-store.outcomes)
			stop()
			require.Len(t, got, 1, "one attempt is one request")
			first := <-got
			require.Equal(t, "/hook", first.URL.Path)
			require.Equal(t, "1", first.Header.Get("Slowburn-Attempt"))
			row := store.row(n.ID)
			require.Contains(t, row.cause, c.cause)
			require.Contains(t, log.String(), strconv.Quote(row.cause), "its owner can read it")
			if c.want == never {
				require.Contains(t, log.String(), `"level":"ERROR"`)
				return
			}
			require.GreaterOrEqual(t, store.pauses[0], c.least-time.Second)

			takes.Store(true)
			store.hurry(n.ID)
			_, stop = start(t, settings)
			require.Equal(t, "delivered", <-store.outcomes)
			stop()
			second := <-got
			require.Equal(t, first.Header.Get("Webhook-Id"), second.Header.Get("Webhook-Id"))
			require.Equal(t, n.ID, second.Header.Get("Webhook-Id"))
			require.Equal(t, "2", second.Header.Get("Slowburn-Attempt"))
			require.Equal(t, "delivered", store.row(n.ID).state)
		})
	}
}

// TestAnAttemptWhoseEndNobodyNotedIsRepeatedUnderTheSameID is a crash between
// sending and recording (K13, K14): the outbox knows only that it began.
func TestAnAttemptWhoseEndNobodyNotedIsRepeatedUnderTheSameID(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 4)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Clone(r.Context()) }))
	t.Cleanup(server.Close)
	store := &fakeStore{outcomes: make(chan string, 8)}
	n := notification(ops, "a", slo.Firing)
	store.put(n)
	claimed, err := store.Claim(t.Context(), time.Now(), time.Minute, 1)
	require.NoError(t, err)
	require.Len(t, claimed, 1, "the process that claimed it sent it, and is gone")
	store.hurry(n.ID)
	_, stop := start(t, alerting.Settings{Config: oneWebhook(t, server.URL), Store: store})
	require.Equal(t, "delivered", <-store.outcomes)
	stop()
	again := <-got
	require.Equal(t, n.ID, again.Header.Get("Webhook-Id"))
	require.Equal(t, "2", again.Header.Get("Slowburn-Attempt"))
}

func TestACertificateThatHasExpiredIsTriedAgainAndNamed(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "receiver"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	trusted.AddCert(certificate)
	server := httptest.NewUnstartedServer(answers(200))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.StartTLS()
	t.Cleanup(server.Close)
	store := &fakeStore{outcomes: make(chan string, 8)}
	n := notification(ops, "a", slo.Firing)
	store.put(n)
	_, stop := start(t, alerting.Settings{
		Config: oneWebhook(t, server.URL), Store: store,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}},
	})
	require.Equal(t, "retry", <-store.outcomes)
	stop()
	require.Contains(t, store.row(n.ID).cause, "certificate has expired")
	require.Empty(t, store.row(n.ID).state)
}
