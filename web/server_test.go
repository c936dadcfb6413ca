package web_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

func TestSettingsNeedEverySource(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]func(*web.Settings){
		"Statuses":    func(s *web.Settings) { s.Statuses = nil },
		"Definitions": func(s *web.Settings) { s.Definitions = nil },
		"Ledger":      func(s *web.Settings) { s.Ledger = nil },
		"Episodes":    func(s *web.Settings) { s.Episodes = nil },
		"Health":      func(s *web.Settings) { s.Health = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := settings(t, webtest.NewSource())
			drop(&s)
			_, err := web.New(s)
			require.ErrorContains(t, err, name+" is required")
		})
	}
}

func TestWhatIsOptionalMayBeLeftOut(t *testing.T) {
	t.Parallel()
	s := settings(t, webtest.NewSource())
	s.Metrics, s.Logger, s.Now, s.Version = nil, nil, nil, ""
	handler := newServer(t, s).Handler()
	requireProblem(t, get(handler, "/metrics"), http.StatusNotFound)
	page(t, get(handler, "/"), http.StatusOK)
}

// running is a server on a free port.
type running struct {
	address string
	stop    context.CancelFunc
	done    chan error
}

func run(t *testing.T, settings web.Settings, config *tls.Config) running {
	t.Helper()
	var listening net.ListenConfig
	listener, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	r := running{address: listener.Addr().String(), stop: stop, done: make(chan error, 1)}
	server := newServer(t, settings)
	go func() { r.done <- server.Serve(ctx, listener, config) }()
	return r
}

func fetch(t *testing.T, client *http.Client, target string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	require.NoError(t, err)
	answer, err := client.Do(r)
	require.NoError(t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode, string(body)
}

func TestStoppingWaitsForRequestsUnderWay(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	s := settings(t, webtest.NewSource())
	s.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, "finished")
	})
	r := run(t, s, nil)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	type outcome struct {
		status int
		body   string
	}
	got := make(chan outcome, 1)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.address+"/metrics", nil)
		if err == nil {
			var answer *http.Response
			if answer, err = client.Do(r); err == nil {
				defer answer.Body.Close()
				var body []byte
				if body, err = io.ReadAll(answer.Body); err == nil {
					got <- outcome{answer.StatusCode, string(body)}
					return
				}
			}
		}
		got <- outcome{body: err.Error()}
	}()
	<-arrived
	r.stop()
	waitUntilClosed(t, r.address)
	close(release)
	require.Equal(t, outcome{http.StatusOK, "finished"}, <-got)
	require.NoError(t, <-r.done)
}

// waitUntilClosed connects until nobody listens any more.
func waitUntilClosed(t *testing.T, address string) {
	t.Helper()
	var dialer net.Dialer
	for t.Context().Err() == nil {
		connection, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil {
			return
		}
		require.NoError(t, connection.Close())
	}
}

func TestServingWithTLS(t *testing.T) {
	t.Parallel()
	borrowed := httptest.NewTLSServer(http.NotFoundHandler())
	certificate, root := borrowed.TLS.Certificates[0], borrowed.Certificate()
	borrowed.Close()
	r := run(t, settings(t, webtest.NewSource()), &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	roots := x509.NewCertPool()
	roots.AddCert(root)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	status, body := fetch(t, &http.Client{Transport: transport}, "https://"+r.address+"/")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "Point an OpenTelemetry exporter here")
	r.stop()
	require.NoError(t, <-r.done)
}

func TestAListenerThatBreaksIsAnError(t *testing.T) {
	t.Parallel()
	var listening net.ListenConfig
	listener, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	require.ErrorContains(t, newServer(t, settings(t, webtest.NewSource())).Serve(t.Context(), listener, nil), "serve web on 127.0.0.1")
}
