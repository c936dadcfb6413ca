package web_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// settings serve a source, log into the test, and stand still in time.
func settings(t *testing.T, source *webtest.Source) web.Settings {
	t.Helper()
	return web.Settings{
		Statuses: source, Definitions: source, Objects: source, Drafts: source, Traffic: source.Moving, Ledger: source, Episodes: source, Health: source,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics 1\n") }),
		Version: "1.2.3", OTLPGRPC: "127.0.0.1:4317", OTLPHTTP: "0.0.0.0:4318",
		Now: webtest.Now, Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

func newServer(t *testing.T, settings web.Settings) *web.Server {
	t.Helper()
	server, err := web.New(settings)
	require.NoError(t, err)
	return server
}

func serve(t *testing.T, source *webtest.Source) http.Handler {
	t.Helper()
	return newServer(t, settings(t, source)).Handler()
}

// tokenFile writes a token file.
func tokenFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

// request is one to 127.0.0.1:8080.
func request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:8080"
	return r
}

func do(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func get(handler http.Handler, target string) *httptest.ResponseRecorder {
	return do(handler, request(http.MethodGet, target, ""))
}

// decode reads JSON of which every field is known.
func decode[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	decoder := json.NewDecoder(w.Body)
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&v))
	return v
}

// problem is what every error of the API looks like.
type problem struct {
	Type, Title, Detail, Instance string
	Status                        int
	Errors                        []struct {
		File, Object, Field, Reason string
		Document, Line              int
	}
}

func requireProblem(t *testing.T, w *httptest.ResponseRecorder, status int) problem {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body.String())
	require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	p := decode[problem](t, w)
	require.Equal(t, status, p.Status)
	require.Equal(t, "about:blank", p.Type)
	require.Equal(t, http.StatusText(status), p.Title)
	require.NotEmpty(t, p.Detail)
	require.NotEmpty(t, p.Instance)
	return p
}

// page parses a page and checks what holds for every page: nothing inline,
// nothing from elsewhere, no name twice.
func page(t *testing.T, w *httptest.ResponseRecorder, status int) *goquery.Document {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body.String())
	require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	document, err := goquery.NewDocumentFromReader(w.Body)
	require.NoError(t, err)
	require.Zero(t, document.Find(`style, [style], script:not([src]):not([type="application/json"]), iframe, object, meta[http-equiv]`).Length())
	ids := map[string]bool{}
	document.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, attribute := range s.Nodes[0].Attr {
			require.False(t, strings.HasPrefix(attribute.Key, "on"), "%s has %s", s.Nodes[0].Data, attribute.Key)
			if attribute.Key == "src" || attribute.Key == "href" {
				require.Regexp(t, `^(/($|[^/])|#)`, attribute.Val)
			}
			if attribute.Key == "id" {
				require.False(t, ids[attribute.Val], "the id %s is there twice", attribute.Val)
				ids[attribute.Val] = true
			}
		}
	})
	require.Equal(t, 1, document.Find("h1").Length())
	return document
}

// text is the text of a selection, its pieces apart by single spaces.
func text(s *goquery.Selection) string {
	var pieces []string
	s.Contents().Each(func(_ int, child *goquery.Selection) {
		if goquery.NodeName(child) == "#text" {
			pieces = append(pieces, strings.Fields(child.Text())...)
			return
		}
		if inner := text(child); inner != "" {
			pieces = append(pieces, inner)
		}
	})
	return strings.Join(pieces, " ")
}
