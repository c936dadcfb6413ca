package alerting

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/slowburn-slo/slowburn/internal/failpoint"
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

// Error names the status, and what to do where no retry will mend it.
func (e *answerError) Error() string {
	text := fmt.Sprintf("the receiver answered %d %s", e.status, http.StatusText(e.status))
	switch {
	case e.status >= 300 && e.status < 400:
		text += "; redirects are not followed"
	case e.status == http.StatusGone:
		text += "; take this endpoint out of the alerting configuration, or write its new URL"
	}
	return text
}

// message is what one request carries. ID and attempt go along as headers, so
// that a receiver can tell a repeat; a list of alerts that is sent again and
// again has neither.
type message struct {
	id      string
	attempt int
	body    []byte
}

// post sends one JSON body. The error says why it was not taken, retry whether
// another attempt may help. Where the whole request was sent and no answer
// came, the receiver may have it: the error says so, and the repeat goes out
// under the same id.
//
// It speaks to the transport itself, not through an http.Client, which would
// follow redirects and put the whole URL into its errors.
func (s *Sender) post(ctx context.Context, to Endpoint, m message) (retry bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(w httptrace.WroteRequestInfo) {
		if w.Err == nil {
			failpoint.Here(failpoint.RequestSent)
			sent.Store(true)
		}
	}})
	request, err := s.request(ctx, to, m)
	if err != nil {
		return false, err
	}
	response, err := s.settings.Transport.RoundTrip(request)
	if err != nil {
		text := "send to " + to.String()
		if ctx.Err() != nil {
			text, err = fmt.Sprintf("no answer within %s", attemptTimeout), ctx.Err()
		}
		if sent.Load() {
			text += " (all of it was sent, so it may have arrived)"
		}
		return true, fmt.Errorf("%s: %w", text, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusOK {
		// The status decides; the rest is read so that the connection can be used again.
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	}
	failpoint.Here(failpoint.Answered)
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return false, nil
	}
	answer := &answerError{
		status:     response.StatusCode,
		retryAfter: retryAfter(response.Header.Get("Retry-After"), s.settings.Now()),
	}
	return answer.status != http.StatusGone, answer
}

func (s *Sender) request(ctx context.Context, to Endpoint, m message) (*http.Request, error) {
	target := *to.url
	target.User = nil
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(m.body))
	if err != nil { // The error would repeat the URL; it was parsed before, so this cannot happen.
		return nil, fmt.Errorf("the URL of %s cannot be used in a request", to)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Slowburn/"+s.settings.Version)
	if m.id != "" {
		request.Header.Set("Webhook-Id", m.id)
		request.Header.Set("Slowburn-Attempt", strconv.Itoa(m.attempt))
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
