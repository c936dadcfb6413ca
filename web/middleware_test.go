package web_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

var errTrouble = errors.New("dial postgres://10.0.0.7: secret-detail")

func TestOnlyKnownHostsAreAnswered(t *testing.T) {
	t.Parallel()
	s := settings(t, webtest.NewSource())
	s.AllowedHosts = []string{"Slowburn.example", "bare", ""}
	handler := newServer(t, s).Handler()
	for host, status := range map[string]int{
		"localhost":                 http.StatusOK,
		"LOCALHOST:8080":            http.StatusOK,
		"app.localhost:1":           http.StatusOK,
		"127.0.0.1:8080":            http.StatusOK,
		"127.9.9.9":                 http.StatusOK,
		"[::1]:8080":                http.StatusOK,
		"[::1]":                     http.StatusOK,
		"192.0.2.7:8080":            http.StatusOK,
		"slowburn.EXAMPLE:443":      http.StatusOK,
		"slowburn.example.":         http.StatusOK,
		"bare":                      http.StatusOK,
		"":                          http.StatusMisdirectedRequest,
		"evil.example":              http.StatusMisdirectedRequest,
		"evil.example:8080":         http.StatusMisdirectedRequest,
		"x.slowburn.example":        http.StatusMisdirectedRequest,
		"notlocalhost":              http.StatusMisdirectedRequest,
		"localhost.evil.example":    http.StatusMisdirectedRequest,
		"127.0.0.1.evil.example":    http.StatusMisdirectedRequest,
		"slowburn.example.evil":     http.StatusMisdirectedRequest,
		"127.0.0.1@evil.example":    http.StatusMisdirectedRequest,
		"<script>alert(1)</script>": http.StatusMisdirectedRequest,
	} {
		for _, target := range []string{"/", "/api/v1/slos", "/healthz", "/nothing"} {
			r := request(http.MethodGet, target, "")
			r.Host = host
			code := do(handler, r).Code
			if target == "/nothing" && status == http.StatusOK {
				require.Equal(t, http.StatusNotFound, code, "%s%s", host, target)
				continue
			}
			require.Equal(t, status, code, "%s%s", host, target)
		}
	}
}

func TestARefusedHostIsToldTheFlag(t *testing.T) {
	t.Parallel()
	r := request(http.MethodGet, "/api/v1/slos", "")
	r.Host = "slowburn.example"
	p := requireProblem(t, do(serve(t, webtest.NewSource()), r), http.StatusMisdirectedRequest)
	require.Contains(t, p.Detail, `"slowburn.example"`)
	require.Contains(t, p.Detail, "--allowed-hosts")
}

func TestPagesOfOtherOriginsChangeNothing(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Burning())
	source.Applied = slo.Applied{Changes: []slo.ObjectChange{change(slo.KindSLO, "new", slo.Created, 1)}}
	handler := serve(t, source)
	crossing := []map[string]string{
		{"Sec-Fetch-Site": "cross-site"},
		{"Sec-Fetch-Site": "same-site"},
		{"Origin": "https://evil.example"},
		{"Origin": "null"},
	}
	for _, headers := range crossing {
		for method, target := range map[string]string{http.MethodPost: "/api/v1/slos", http.MethodDelete: "/api/v1/slos/payment-works"} {
			r := request(method, target, "kind: SLO")
			for name, value := range headers {
				r.Header.Set(name, value)
			}
			requireProblem(t, do(handler, r), http.StatusForbidden)
		}
	}
	require.Nil(t, source.Got())
	require.Empty(t, source.Deleted())

	same := request(http.MethodPost, "/api/v1/slos", "kind: SLO")
	same.Header.Set("Sec-Fetch-Site", "same-origin")
	require.Equal(t, http.StatusCreated, do(handler, same).Code)
	reading := request(http.MethodGet, "/api/v1/slos", "")
	reading.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusOK, do(handler, reading).Code, "a link from elsewhere is no change")
}

func TestEveryAnswerIsProtected(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource(webtest.Healthy()))
	for _, target := range []string{"/", "/slos/checkout-fast", "/api/v1/slos", "/healthz", "/metrics", "/nothing", "/api/nothing"} {
		h := get(handler, target).Header()
		require.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "+
			"form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'", h.Get("Content-Security-Policy"), target)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), target)
		require.Equal(t, "no-referrer", h.Get("Referrer-Policy"), target)
		require.Equal(t, "same-origin", h.Get("Cross-Origin-Opener-Policy"), target)
		require.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"), target)
		require.Equal(t, "no-store", h.Get("Cache-Control"), target)
		require.Empty(t, h.Get("Strict-Transport-Security"), target)
	}
	r := request(http.MethodGet, "/", "")
	r.TLS = &tls.ConnectionState{}
	require.Equal(t, "max-age=31536000; includeSubDomains", do(handler, r).Header().Get("Strict-Transport-Security"))
}

func TestABodyBeyondOneMebibyteIsRefused(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource()
	handler := serve(t, source)
	most := strings.Repeat("x", 1<<20)
	require.Equal(t, http.StatusOK, do(handler, request(http.MethodPost, "/api/v1/slos", most)).Code)
	require.Len(t, source.Got(), 1<<20)

	requireProblem(t, do(handler, request(http.MethodPost, "/api/v1/slos", most+"x")), http.StatusRequestEntityTooLarge)
	r := request(http.MethodPost, "/api/v1/slos", "")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(most+"x")), -1
	requireProblem(t, do(handler, r), http.StatusRequestEntityTooLarge)
	require.Len(t, source.Got(), 1<<20, "nothing more was applied")
}

// panicking panics before or in the middle of its answer.
type panicking struct{ after string }

func (p panicking) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if p.after != "" {
		_, _ = io.WriteString(w, p.after)
	}
	panic("secret-detail")
}

func TestAPanicIsAnsweredAndLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := settings(t, webtest.NewSource())
	s.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s.Metrics = panicking{}
	w := get(newServer(t, s).Handler(), "/metrics")
	require.NotContains(t, w.Body.String(), "secret-detail")
	requireProblem(t, w, http.StatusInternalServerError)
	require.Contains(t, log.String(), "handler_panicked")
	require.Contains(t, log.String(), "secret-detail")
	require.Contains(t, log.String(), "middleware_test.go", "the stack is logged")
}

func TestAPanicAfterTheFirstByteCutsTheConnection(t *testing.T) {
	t.Parallel()
	s := settings(t, webtest.NewSource())
	s.Metrics = panicking{after: "half"}
	handler := newServer(t, s).Handler()
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { get(handler, "/metrics") })
}

func TestASlowStoreIsGivenUp(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource(webtest.Healthy())
	source.Trouble = context.DeadlineExceeded
	requireProblem(t, get(serve(t, source), "/api/v1/services"), http.StatusServiceUnavailable)
}

func TestAHandlerHasADeadline(t *testing.T) {
	t.Parallel()
	s := settings(t, webtest.NewSource())
	var limited bool
	s.Metrics = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, limited = r.Context().Deadline() })
	get(newServer(t, s).Handler(), "/metrics")
	require.True(t, limited)
}

// TestFaultsOfOursStayInside checks that the client learns nothing and the
// log everything.
func TestFaultsOfOursStayInside(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*http.Request{
		"apply":    request(http.MethodPost, "/api/v1/slos", "kind: SLO"),
		"delete":   request(http.MethodDelete, "/api/v1/slos/payment-works", ""),
		"buckets":  request(http.MethodGet, "/api/v1/slos/payment-works/buckets", ""),
		"services": request(http.MethodGet, "/api/v1/services", ""),
		"alerts":   request(http.MethodGet, "/api/v1/alerts", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			source := webtest.NewSource(webtest.Burning())
			source.Trouble = errTrouble
			s := settings(t, source)
			s.Logger = slog.New(slog.NewTextHandler(&log, nil))
			p := requireProblem(t, do(newServer(t, s).Handler(), r), http.StatusInternalServerError)
			require.NotContains(t, p.Detail, "secret-detail")
			require.Contains(t, log.String(), "secret-detail")
		})
	}
}

func TestOtherMethodsAreNamed(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource())
	for target, allowed := range map[string][]string{
		"/api/v1/slos":      {http.MethodGet, http.MethodHead, http.MethodPost},
		"/api/v1/slos/name": {http.MethodGet, http.MethodHead, http.MethodDelete},
		"/api/v1/alerts":    {http.MethodGet, http.MethodHead},
		"/healthz":          {http.MethodGet, http.MethodHead},
	} {
		w := do(handler, request(http.MethodPut, target, ""))
		require.ElementsMatch(t, allowed, strings.Split(w.Header().Get("Allow"), ", "), target)
		require.NotEmpty(t, requireProblem(t, w, http.StatusMethodNotAllowed).Detail)
	}
	page(t, do(handler, request(http.MethodPost, "/", "")), http.StatusMethodNotAllowed)
}

func TestUnknownAddressesAreProblemsInTheAPIAndPagesElsewhere(t *testing.T) {
	t.Parallel()
	handler := serve(t, webtest.NewSource())
	for _, target := range []string{"/api", "/api/", "/api/v1", "/api/v1/slos/", "/api/v2/slos", "/api/v1/slos/a/b"} {
		p := requireProblem(t, get(handler, target), http.StatusNotFound)
		require.Equal(t, target, p.Instance)
	}
	for _, target := range []string{"/nothing", "/slos/", "/static/css/tokens.css", "/static/../../etc/passwd", "/apix"} {
		page(t, get(handler, target), http.StatusNotFound)
	}
}

func TestHeadAnswersLikeGetWithoutABody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(serve(t, webtest.NewSource(webtest.Healthy())))
	t.Cleanup(server.Close)
	for _, target := range []string{"/", "/api/v1/slos", "/healthz"} {
		answer, err := http.Head(server.URL + target)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode, target)
		require.Empty(t, body)
	}
	server.Client().CloseIdleConnections()
	http.DefaultClient.CloseIdleConnections()
}
