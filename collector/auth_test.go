package collector_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/slowburn-slo/slowburn/collector"
)

func TestATokenIsRequiredOnceThereIsATokenFile(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{TokenFile: writeFile(t, "tokens", "# team a\ntoken-of-team-a\n\ntoken-of-team-b\n")})
	tests := map[string]struct {
		authorization string
		status        int
		code          codes.Code
		says          string
	}{
		"no token":           {"", 401, codes.Unauthenticated, "a bearer token is required"},
		"another scheme":     {"Basic token-of-team-a", 401, codes.Unauthenticated, "a bearer token is required"},
		"a wrong token":      {"Bearer token-of-team-c", 401, codes.Unauthenticated, "not valid"},
		"the start of one":   {"Bearer token-of-team", 401, codes.Unauthenticated, "not valid"},
		"a comment":          {"Bearer # team a", 401, codes.Unauthenticated, "not valid"},
		"an empty token":     {"Bearer ", 401, codes.Unauthenticated, "bearer token"},
		"the first token":    {"Bearer token-of-team-a", 200, codes.OK, ""},
		"the second token":   {"Bearer token-of-team-b", 200, codes.OK, ""},
		"a lower-case token": {"bearer token-of-team-a", 200, codes.OK, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := len(c.journal.all())
			var headers []string
			ctx := t.Context()
			if test.authorization != "" {
				headers = []string{"Authorization", test.authorization}
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", test.authorization)
			}
			answer := post(t, c.http+"/v1/traces", protobuf, "", tracesBody(t, 1), headers...)
			require.Equal(t, test.status, answer.status)
			require.Contains(t, answer.body, test.says)

			_, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(ctx, ptraceotlp.NewExportRequestFromTraces(spans(1)))
			require.Equal(t, test.code, status.Code(err), err)
			require.Contains(t, status.Convert(err).Message(), test.says)

			stored := 0
			if test.code == codes.OK {
				stored = 2
			}
			require.Len(t, c.journal.all(), before+stored)
		})
	}
}

func TestGRPCRefusesStrangersBeforeTheirMessageIsRead(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{TokenFile: writeFile(t, "tokens", "token-of-team-a")})
	td := spans(1)
	td.ResourceSpans().At(0).Resource().Attributes().PutStr("large", strings.Repeat("a", bodyLimit))
	_, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
	require.Equal(t, codes.Unauthenticated, status.Code(err), "a message that was read would have been too large: %v", err)
}

func TestTLSProtectsBothProtocols(t *testing.T) {
	t.Parallel()
	cert, key, pool := certificate(t)
	c := start(t, collector.Settings{TLSCert: cert, TLSKey: key})
	config := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}

	conn := dial(t, c.grpc, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	_, err := ptraceotlp.NewGRPCClient(conn).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(1)))
	require.NoError(t, err)
	answer := postWith(t, &http.Transport{DisableKeepAlives: true, TLSClientConfig: config},
		strings.Replace(c.http, "http:", "https:", 1)+"/v1/traces", protobuf, "", tracesBody(t, 1))
	require.Equal(t, http.StatusOK, answer.status)
	require.Len(t, c.journal.all(), 2)

	_, err = ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(1)))
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.Equal(t, http.StatusBadRequest, post(t, c.http+"/v1/traces", protobuf, "", tracesBody(t, 1)).status)
	require.Len(t, c.journal.all(), 2)
}

func TestEndpointsBeyondLoopbackWantATokenAndTLS(t *testing.T) {
	t.Parallel()
	cert, key, _ := certificate(t)
	tokens := writeFile(t, "tokens", "token-of-team-a")
	open := collector.Settings{Journal: newJournal(), GRPCEndpoint: "0.0.0.0:4317"}
	withTokens, withTLS, withBoth, insecure, all := open, open, open, open, open
	withTokens.TokenFile = tokens
	withTLS.TLSCert, withTLS.TLSKey = cert, key
	withBoth.TokenFile, withBoth.TLSCert, withBoth.TLSKey = tokens, cert, key
	insecure.Insecure = true
	all.GRPCEndpoint, all.HTTPEndpoint = "", ":4318"
	tests := map[string]struct {
		settings collector.Settings
		fails    string
	}{
		"neither":                  {open, "receivers::otlp::protocols::grpc::endpoint: 0.0.0.0:4317 can be reached from other machines"},
		"only a token":             {withTokens, "can be reached from other machines"},
		"only TLS":                 {withTLS, "can be reached from other machines"},
		"an endpoint without host": {all, "receivers::otlp::protocols::http::endpoint: :4318 can be reached from other machines"},
		"both":                     {withBoth, ""},
		"allowed to be insecure":   {insecure, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := collector.New(test.settings)
			if test.fails == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.fails)
		})
	}
}

// certificate writes a certificate for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "slowburn test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool = x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(certPEM))
	return writeFile(t, "cert.pem", string(certPEM)),
		writeFile(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))), pool
}

func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}
