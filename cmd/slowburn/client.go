package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slowburn-slo/slowburn/slo"
)

const (
	defaultServer = "http://127.0.0.1:8080"
	// answerTime is a little longer than the server takes for an answer.
	answerTime     = 30 * time.Second
	maxAnswerBytes = 64 << 20
)

// apiClient calls a running Slowburn.
type apiClient struct {
	url, tokenFile, caFile string
	// flag and tokenFlag are how its address and its token are given.
	flag, tokenFlag string

	client *http.Client
}

// bind adds the flags of commands that do something beside calling the API.
func (a *apiClient) bind(cmd *cobra.Command) {
	a.flag, a.tokenFlag = "api", "api-token-file"
	cmd.Flags().StringVar(&a.url, a.flag, defaultServer, "`URL` of the page and API of a running Slowburn")
	cmd.Flags().StringVar(&a.tokenFile, a.tokenFlag, "", "`FILE` with a token for it in its first line")
}

// bindServer adds the flags of commands that are about a server. What the
// command line does not say, the environment may.
func (a *apiClient) bindServer(cmd *cobra.Command, getenv func(string) string) {
	a.flag, a.tokenFlag = "server", "token-file"
	cmd.Flags().StringVar(&a.url, a.flag, defaultServer, "`URL` of a running Slowburn; also "+envName(a.flag))
	cmd.Flags().StringVar(&a.tokenFile, a.tokenFlag, "", "`FILE` with an API token in its first line; also "+envName(a.tokenFlag))
	cmd.Flags().StringVar(&a.caFile, "ca-file", "", "`FILE` (PEM) with the certificates to trust beside those of the system; also "+envName("ca-file"))
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		for _, name := range []string{a.flag, a.tokenFlag, "ca-file"} {
			if value := getenv(envName(name)); value != "" && !cmd.Flags().Changed(name) {
				if err := cmd.Flags().Set(name, value); err != nil {
					return usageError{fmt.Errorf("%s: %w", envName(name), err)}
				}
			}
		}
		return nil
	}
}

// apiError is a refusal by the server.
type apiError struct {
	status int
	detail string
	faults []documentFault
}

// Error implements error. It is safe to print.
func (e apiError) Error() string { return printableText(e.detail) }

// documentFault is a fault of a document, or a warning about one, in JSON.
type documentFault struct {
	File     string `json:"file"`
	Document int    `json:"document"`
	Line     int    `json:"line"`
	Object   string `json:"object"`
	Field    string `json:"field"`
	Reason   string `json:"reason"`
	Note     bool   `json:"note,omitempty"`
}

// do calls an address of the API and reads its answer.
func (a *apiClient) do(ctx context.Context, method, path string, answer any) error {
	return a.send(ctx, method, path, nil, answer)
}

// send calls an address of the API with a body. The error is an apiError if
// the server refuses.
func (a *apiClient) send(ctx context.Context, method, path string, body []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	request, err := a.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	response, err := a.client.Do(request)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // The address is said below.
		}
		return fmt.Errorf("reach Slowburn at %s (is it running? --%s names another address): %w", a.url, a.flag, err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the answer of %s: %w", a.url, err)
	case len(data) > maxAnswerBytes:
		return fmt.Errorf("the answer of %s is larger than %d MiB", a.url, maxAnswerBytes>>20)
	case response.StatusCode >= http.StatusMultipleChoices:
		return a.refusal(response, data)
	case answer == nil:
		return nil
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("read the answer of %s (is it Slowburn?): %w", a.url, err)
	}
	return nil
}

// request prepares a call, and the client with the first one.
func (a *apiClient) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	server, err := url.Parse(a.url)
	switch {
	case err != nil || (server.Scheme != "http" && server.Scheme != "https") || server.Host == "":
		return nil, usageError{fmt.Errorf("--%s must be an absolute http or https URL, as in %s", a.flag, defaultServer)}
	case server.User != nil:
		return nil, usageError{fmt.Errorf("--%s must not hold a name or password, which others could read there: put the token into a file, for --%s", a.flag, a.tokenFlag)}
	}
	if err := a.open(); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.url, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, usageError{fmt.Errorf("--%s: %w", a.flag, err)}
	}
	if a.tokenFile == "" {
		return request, nil
	}
	content, err := os.ReadFile(a.tokenFile)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", a.tokenFlag, err)
	}
	first, _, _ := strings.Cut(string(content), "\n")
	token := strings.TrimSpace(first)
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("--%s %s: the first line must be a token, one word of printable ASCII", a.tokenFlag, a.tokenFile)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return request, nil
}

// open prepares the connections. A redirect is no answer of Slowburn, and
// could lead a token elsewhere.
func (a *apiClient) open() error {
	if a.client != nil {
		return nil
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if a.caFile != "" {
		pem, err := os.ReadFile(a.caFile)
		if err != nil {
			return fmt.Errorf("--ca-file: %w", err)
		}
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool() // There is none: ours has to do.
		}
		if !roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("--ca-file %s: holds no certificate (PEM)", a.caFile)
		}
		client.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		}
	}
	a.client = client
	return nil
}

// refusal is what an answer says that is no success.
func (a *apiClient) refusal(response *http.Response, data []byte) error {
	if response.StatusCode < http.StatusBadRequest {
		return fmt.Errorf("%s sends elsewhere, to %s: give the address of Slowburn itself with --%s",
			a.url, printable(response.Header.Get("Location")), a.flag)
	}
	var problem struct {
		Detail string
		Errors []documentFault
	}
	if json.Unmarshal(data, &problem) != nil || problem.Detail == "" {
		return fmt.Errorf("%s answered %s (is it Slowburn?)", a.url, printable(response.Status))
	}
	if response.StatusCode == http.StatusUnauthorized {
		problem.Detail += fmt.Sprintf(" (--%s names a file that holds it)", a.tokenFlag)
	}
	return apiError{status: response.StatusCode, detail: problem.Detail, faults: problem.Errors}
}

// faultsOf are faults in JSON, never null.
func faultsOf(list []slo.DocumentError) []documentFault {
	out := make([]documentFault, len(list))
	for i, f := range list {
		out[i] = documentFault(f)
	}
	return out
}
