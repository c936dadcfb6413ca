package web_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

const token = "correct-horse-battery-staple"

// TestEveryRouteNeedsAToken tries every route there is, those that are added
// later included.
func TestEveryRouteNeedsAToken(t *testing.T) {
	t.Parallel()
	s := settings(t, webtest.NewSource(webtest.Burning()))
	s.TokenFile = tokenFile(t, "# rotation: old, new\n\nanother-token\n  "+token+"  \n")
	server := newServer(t, s)
	public := map[string]bool{"/healthz": true, "/readyz": true}
	require.GreaterOrEqual(t, len(server.Routes()), 12)
	for _, route := range server.Routes() {
		target := strings.NewReplacer(":name", "payment-works", "*file", "css/tokens.css").Replace(route.Path)
		t.Run(route.Method+" "+route.Path, func(t *testing.T) {
			t.Parallel()
			try := func(set func(*http.Request)) int {
				// A reader that is gone ends a stream, and no other answer.
				gone, cancel := context.WithCancel(t.Context())
				if route.Path == "/live" {
					cancel()
				}
				defer cancel()
				r := request(route.Method, target, "").WithContext(gone)
				set(r)
				w := do(server.Handler(), r)
				if w.Code == http.StatusUnauthorized {
					require.NotEmpty(t, w.Header().Get("WWW-Authenticate"))
				}
				return w.Code
			}
			bearer := func(token string) func(*http.Request) {
				return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
			}
			refused := []int{http.StatusUnauthorized}
			if public[route.Path] {
				refused = []int{http.StatusOK}
			}
			require.Contains(t, refused, try(func(*http.Request) {}), "no token")
			require.Contains(t, refused, try(bearer("wrong")), "a wrong token")
			require.Contains(t, refused, try(bearer("")), "an empty token")
			require.Contains(t, refused, try(bearer(token+"x")), "a longer token")
			require.Contains(t, refused, try(bearer(token[1:])), "a shorter token")
			require.Contains(t, refused, try(bearer("# rotation: old, new")), "a comment")
			require.Contains(t, refused, try(func(r *http.Request) { r.Header.Set("Authorization", token) }), "no scheme")
			require.Contains(t, refused, try(func(r *http.Request) { r.SetBasicAuth(token, "") }), "the token as a name")
			require.Contains(t, refused, try(func(r *http.Request) { r.URL.RawQuery = "token=" + token }), "the token in the address")
			for name, set := range map[string]func(*http.Request){
				"right":          bearer(token),
				"the other":      bearer("another-token"),
				"lower case":     func(r *http.Request) { r.Header.Set("Authorization", "bearer "+token) },
				"a browser's":    func(r *http.Request) { r.SetBasicAuth("anybody", token) },
				"nobody's token": func(r *http.Request) { r.SetBasicAuth("", token) },
			} {
				code := try(set)
				require.NotEqual(t, http.StatusUnauthorized, code, name)
				require.NotEqual(t, http.StatusForbidden, code, name)
			}
		})
	}
}

func TestUnknownAddressesNeedATokenToo(t *testing.T) {
	t.Parallel()
	s := settings(t, webtest.NewSource())
	s.TokenFile = tokenFile(t, token)
	handler := newServer(t, s).Handler()
	requireProblem(t, get(handler, "/api/v1/nothing"), http.StatusUnauthorized)
	page(t, get(handler, "/nothing"), http.StatusUnauthorized)
	requireProblem(t, do(handler, request(http.MethodPut, "/api/v1/slos", "")), http.StatusUnauthorized)
}

func TestAChallengeFitsWhoAsks(t *testing.T) {
	t.Parallel()
	s := settings(t, webtest.NewSource())
	s.TokenFile = tokenFile(t, token)
	handler := newServer(t, s).Handler()
	require.Equal(t, []string{`Bearer realm="slowburn"`}, get(handler, "/api/v1/slos").Header().Values("WWW-Authenticate"))
	forPage := get(handler, "/").Header().Values("WWW-Authenticate")
	require.Len(t, forPage, 2, "a browser must ask for a password")
	require.Contains(t, forPage[1], "Basic ")
	wrong := request(http.MethodGet, "/api/v1/slos", "")
	wrong.Header.Set("Authorization", "Bearer wrong")
	require.Contains(t, do(handler, wrong).Header().Get("WWW-Authenticate"), `error="invalid_token"`)
}

func TestWithoutATokenFileEverythingIsOpen(t *testing.T) {
	t.Parallel()
	require.Equal(t, http.StatusOK, get(serve(t, webtest.NewSource()), "/api/v1/slos").Code)
}

func TestATokenFileThatOpensNothingIsRefused(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"it does not exist":         filepath.Join(t.TempDir(), "missing"),
		"it is empty":               tokenFile(t, ""),
		"it has comments only":      tokenFile(t, "# no token\n\n"),
		"a token has a space":       tokenFile(t, "two words\n"),
		"a token is not ASCII":      tokenFile(t, "schlüssel\n"),
		"a line is longer than 64K": tokenFile(t, strings.Repeat("x", 1<<17)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := settings(t, webtest.NewSource())
			s.TokenFile = file
			_, err := web.New(s)
			require.ErrorContains(t, err, "API token file")
			require.NotContains(t, err.Error(), "words", "an error never shows the token")
		})
	}
}

func TestReadinessTellsNoSecretsWithAToken(t *testing.T) {
	t.Parallel()
	source := webtest.NewSource()
	source.NotReady = errTrouble
	s := settings(t, source)
	require.Contains(t, requireProblem(t, get(newServer(t, s).Handler(), "/readyz"), http.StatusServiceUnavailable).Detail, "10.0.0.7")
	s.TokenFile = tokenFile(t, token)
	require.NotContains(t, requireProblem(t, get(newServer(t, s).Handler(), "/readyz"), http.StatusServiceUnavailable).Detail, "10.0.0.7")
}
