package main

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/web"
	"github.com/slowburn-slo/slowburn/web/webtest"
)

func TestTheClientMeetsServersOfAllSorts(t *testing.T) {
	t.Parallel()
	tokens := filepath.Join(folder(t, map[string]string{"tokens": "t0ken\n", "empty": "\n", "other": "wrong"}), "tokens")
	guarded := httptest.NewTLSServer(apiOf(t, func(s *web.Settings) {
		s.Statuses, s.TokenFile = webtest.NewSource(webtest.Healthy()), tokens
	}))
	t.Cleanup(guarded.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: guarded.Certificate().Raw})
	require.NoError(t, os.WriteFile(ca, certificate, 0o600))
	answering := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://elsewhere/\u009b")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			if r.Header.Get("Authorization") != "" {
				t.Error("a token went to a server that was not meant")
			}
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	for name, c := range map[string]struct {
		args   []string
		env    map[string]string
		status int
		says   string
	}{
		"TLS and a token":      {[]string{"--server", guarded.URL, "--token-file", tokens, "--ca-file", ca}, nil, 0, "checkout-fast"},
		"by the environment":   {nil, map[string]string{"SLOWBURN_SERVER": guarded.URL, "SLOWBURN_TOKEN_FILE": tokens, "SLOWBURN_CA_FILE": ca}, 0, "checkout-fast"},
		"a flag goes first":    {[]string{"--server", guarded.URL, "--token-file", tokens, "--ca-file", ca}, map[string]string{"SLOWBURN_SERVER": "http://127.0.0.1:1"}, 0, "checkout-fast"},
		"an unknown authority": {[]string{"--server", guarded.URL, "--token-file", tokens}, nil, 1, "certificate"},
		"no token":             {[]string{"--server", guarded.URL, "--ca-file", ca}, nil, 1, "--token-file names a file that holds it"},
		"a wrong token":        {[]string{"--server", guarded.URL, "--ca-file", ca, "--token-file", filepath.Join(filepath.Dir(tokens), "other")}, nil, 1, "not one of those"},
		"an empty token file":  {[]string{"--server", guarded.URL, "--ca-file", ca, "--token-file", filepath.Join(filepath.Dir(tokens), "empty")}, nil, 1, "the first line must be a token"},
		"no token file":        {[]string{"--server", guarded.URL, "--ca-file", ca, "--token-file", "gone"}, nil, 1, "--token-file: "},
		"no certificate":       {[]string{"--server", guarded.URL, "--ca-file", tokens}, nil, 1, "holds no certificate"},
		"plain HTTP to TLS":    {[]string{"--server", strings.Replace(guarded.URL, "https", "http", 1)}, nil, 1, "answered 400"},
		"nobody there":         {[]string{"--server", "http://127.0.0.1:1"}, nil, 1, "is it running? --server names another address"},
		"a redirect":           {[]string{"--server", answering(http.StatusFound, "")}, nil, 1, "give the address of Slowburn itself with --server"},
		"another program":      {[]string{"--server", answering(http.StatusOK, "<html>")}, nil, 1, "is it Slowburn?"},
		"a proxy that fails":   {[]string{"--server", answering(http.StatusBadGateway, "<html>")}, nil, 1, "answered 502 Bad Gateway (is it Slowburn?)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			getenv := func(name string) string { return c.env[name] }
			status := execute(t.Context(), append([]string{"slo", "get"}, c.args...), getenv, nil, &stdout, &stderr)
			require.Equal(t, c.status, status, stderr.String())
			require.Contains(t, stdout.String()+stderr.String(), c.says)
			require.NotContains(t, stderr.String(), "\u009b")
			require.NotContains(t, stderr.String(), "t0ken")
		})
	}
}
