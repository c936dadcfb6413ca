package alerting_test

import (
	"bufio"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/alerting"
)

// sendOne sends one notification to a URL over the real network and returns
// what became of it, with everything that was logged.
func sendOne(t *testing.T, url string) (row, string) {
	t.Helper()
	store, log := &fakeStore{outcomes: make(chan string, 8)}, &safeBuffer{}
	n := notification(ops, "a", slo.Firing)
	store.put(n)
	_, stop := start(t, alerting.Settings{
		Config: oneWebhook(t, url), Store: store, Version: "1.2.3", Logger: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	<-store.outcomes
	stop()
	return store.row(n.ID), log.String()
}

func TestAWebhookGetsTheMessageWithItsHeaders(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	body := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err == nil {
			body <- string(text)
		}
		got <- r
	}))
	t.Cleanup(server.Close)
	sent, _ := sendOne(t, strings.Replace(server.URL, "http://", "http://user:pass@", 1)+"/hook/x?key=1")
	require.Equal(t, "delivered", sent.state)

	r := <-got
	require.Equal(t, http.MethodPost, r.Method)
	require.Equal(t, "/hook/x?key=1", r.URL.String())
	require.Equal(t, string(sent.Payload), <-body)
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	require.Equal(t, "Slowburn/1.2.3", r.Header.Get("User-Agent"))
	require.Equal(t, sent.ID, r.Header.Get("webhook-id"))
	at, err := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), time.Unix(at, 0), time.Minute)
	require.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("user:pass")), r.Header.Get("Authorization"))
	require.Empty(t, r.Header.Get("Accept-Encoding"), "no answer may unpack into a huge one")
}

func TestARedirectIsAFailureAndNotFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(target.Close)
	for _, code := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(target.URL, code))
		t.Cleanup(server.Close)
		sent, _ := sendOne(t, server.URL)
		require.Empty(t, sent.state)
		require.Contains(t, sent.cause, "redirects are not followed")
	}
	require.Zero(t, elsewhere.Load())
}

func TestAConnectionThatBreaksIsRetried(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // It read everything: whether it counts, nobody knows.
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}))
	t.Cleanup(server.Close)
	sent, log := sendOne(t, server.URL)
	require.Empty(t, sent.state)
	require.Contains(t, sent.cause, "send to http://127.0.0.1")
	require.Contains(t, log, "it is tried again")
}

func TestTheStatusDecidesWhateverTheBodyIs(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"a long body":   "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 1<<20),
		"a broken body": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx",
		"no body":       "HTTP/1.1 204 No Content\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent, _ := sendOne(t, rawServer(t, func(w io.Writer) { _, _ = io.WriteString(w, answer) }))
			require.Equal(t, "delivered", sent.state)
		})
	}
	for name, answer := range map[string]string{
		"huge headers": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<17) + "\r\n\r\n",
		"no HTTP":      "220 mail.example ESMTP\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent, _ := sendOne(t, rawServer(t, func(w io.Writer) { _, _ = io.WriteString(w, answer) }))
			require.Empty(t, sent.state)
			require.NotEmpty(t, sent.cause)
			require.LessOrEqual(t, len([]rune(sent.cause)), 300)
		})
	}
}

func TestAnAnswerWithoutEndIsLeft(t *testing.T) {
	t.Parallel()
	written := make(chan int, 1)
	sent, _ := sendOne(t, rawServer(t, func(w io.Writer) {
		total, chunk := 0, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("x", 1<<16)
		for total < 1<<26 {
			n, err := io.WriteString(w, chunk)
			if total += n; err != nil {
				break
			}
		}
		written <- total
	}))
	require.Equal(t, "delivered", sent.state)
	require.Less(t, <-written, 1<<25, "64 KiB are read; what is more lies in the buffers of the sockets")
}

func TestAChangeOfProtocolIsAFailureThatHoldsNobody(t *testing.T) {
	t.Parallel()
	sent, _ := sendOne(t, rawServer(t, func(w io.Writer) {
		_, _ = io.WriteString(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		if conn, ok := w.(net.Conn); ok {
			_, _ = io.Copy(io.Discard, conn) // It says no more until the sender hangs up.
		}
	}))
	require.Empty(t, sent.state)
	require.Equal(t, "the receiver answered 101 Switching Protocols", sent.cause)
}

// rawServer answers every request by the function, then closes the connection.
// It returns its URL.
func rawServer(t *testing.T, answer func(io.Writer)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			request, err := http.ReadRequest(bufio.NewReader(conn))
			if err == nil {
				_, _ = io.Copy(io.Discard, request.Body)
				answer(conn)
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		<-done
	})
	return "http://" + listener.Addr().String()
}

func TestSecretsOfAURLReachNeitherLogNorStore(t *testing.T) {
	t.Parallel()
	refuses := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(refuses.Close)
	takes := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(takes.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, base := range map[string]string{
		"delivered": takes.URL, "refused": refuses.URL, "nobody listens": closed.URL,
		"TLS to a plain server": strings.Replace(refuses.URL, "http:", "https:", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := strings.Replace(base, "://", "://s3cret-user:s3cret@", 1) + "/s3cret?s3cret=s3cret#s3cret"
			sent, log := sendOne(t, url)
			require.NotEmpty(t, log)
			require.NotContains(t, log, "s3cret")
			require.NotContains(t, sent.cause, "s3cret")
			if name == "delivered" {
				require.Equal(t, "delivered", sent.state)
			} else {
				require.NotEmpty(t, sent.cause)
			}
		})
	}
}

func TestNoProxyOfTheEnvironmentIsUsed(t *testing.T) {
	var proxied atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	// Requests to loopback never use a proxy, so the name must be another one.
	sent, _ := sendOne(t, "http://receiver.invalid/")
	require.Empty(t, sent.state)
	require.NotEmpty(t, sent.cause)
	require.Zero(t, proxied.Load())
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("thanks ", 1000))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	store := &fakeStore{outcomes: make(chan string, 100)}
	sender, stop := start(t, alerting.Settings{Config: oneWebhook(t, server.URL), Store: store})
	for i := range 50 {
		store.put(notification(ops, strconv.Itoa(i), slo.Firing))
		sender.Wake()
		require.Equal(t, "delivered", <-store.outcomes)
	}
	stop()
	require.LessOrEqual(t, connections.Load(), int32(4))
}
