package alerting

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// maxAnswer is how much of an answer is read, in bytes; more only costs the
// connection its reuse.
const maxAnswer = 64 << 10

// maxCause is how much of a cause is kept, in characters.
const maxCause = 300

// newTransport returns a transport made for paging: no proxy from the
// environment, no endless waiting, no huge answers.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    5 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    webhookWidth,
		MaxResponseHeaderBytes: maxAnswer,
		DisableCompression:     true,
	}
}

// answerError says that a receiver answered, but not with success.
type answerError struct {
	status int
	// retryAfter is how long the receiver asks to be left alone; 0 if it does not.
	retryAfter time.Duration
}

// Error names the status, and of a redirect that it was not followed.
func (e *answerError) Error() string {
	text := fmt.Sprintf("the receiver answered %d %s", e.status, http.StatusText(e.status))
	if e.status >= 300 && e.status < 400 {
		text += "; redirects are not followed"
	}
	return text
}

// post sends one JSON body. The error says why it was not taken, retry whether
// another attempt may help. The id goes along as webhook-id unless it is empty.
//
// It speaks to the transport itself, not through an http.Client, which would
// follow redirects and put the whole URL into its errors.
func (s *Sender) post(ctx context.Context, to Endpoint, id string, body []byte) (retry bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	request, err := s.request(ctx, to, id, body)
	if err != nil {
		return false, err
	}
	response, err := s.settings.Transport.RoundTrip(request)
	if err != nil {
		if ctx.Err() != nil {
			return true, fmt.Errorf("no answer within %s: %w", attemptTimeout, ctx.Err())
		}
		return true, fmt.Errorf("send to %s: %w", to, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusOK {
		// The status decides; the rest is read so that the connection can be used again.
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	}
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return false, nil
	}
	answer := &answerError{
		status:     response.StatusCode,
		retryAfter: retryAfter(response.Header.Get("Retry-After"), s.settings.Now()),
	}
	return answer.status != http.StatusGone, answer
}

func (s *Sender) request(ctx context.Context, to Endpoint, id string, body []byte) (*http.Request, error) {
	target := *to.url
	target.User = nil
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil { // The error would repeat the URL; it was parsed before, so this cannot happen.
		return nil, fmt.Errorf("the URL of %s cannot be used in a request", to)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Slowburn/"+s.settings.Version)
	if id != "" {
		request.Header.Set("Webhook-Id", id)
		request.Header.Set("Webhook-Timestamp", strconv.FormatInt(s.settings.Now().Unix(), 10))
	}
	if user := to.url.User; user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	return request, nil
}

// causeText is an error in a form to be kept and logged.
func causeText(err error) string { return clean(err.Error(), maxCause) }
