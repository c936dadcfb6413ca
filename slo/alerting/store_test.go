package alerting_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slowburn-slo/slowburn/slo"
	"github.com/slowburn-slo/slowburn/slo/alerting"
)

var errStore = errors.New("the database is down")

// row is one notification of the fake outbox.
type row struct {
	slo.Notification
	due   time.Time
	state string // "", "delivered" or "abandoned"
	at    time.Time
	cause string
}

// fakeStore is an outbox in memory that outlives a Sender, with the rules that
// Store demands.
type fakeStore struct {
	mu     sync.Mutex
	rows   []*row // In their order, those that are settled left out.
	byID   map[string]*row
	broken bool
	// pauses are next-now of every Retry.
	pauses []time.Duration
	// outcomes gets one word for every outcome noted, if it is not nil.
	outcomes chan string
}

func (s *fakeStore) put(notifications ...slo.Notification) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]*row{}
	}
	for _, n := range notifications {
		r := &row{Notification: n, due: n.CreatedAt}
		s.rows, s.byID[n.ID] = append(s.rows, r), r
	}
}

func (s *fakeStore) setBroken(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

func (s *fakeStore) Claim(_ context.Context, now time.Time, lease time.Duration, limit int) ([]slo.Notification, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return nil, errStore
	}
	var claimed []slo.Notification
	waits := map[[2]string]bool{}
	s.rows = slices.DeleteFunc(s.rows, func(r *row) bool { return r.state != "" })
	for _, r := range s.rows {
		if len(claimed) == limit {
			break
		}
		key := [2]string{r.Receiver, r.Episode}
		first := !waits[key]
		waits[key] = true
		if !first || r.due.After(now) {
			continue
		}
		r.Attempt++
		r.due = now.Add(lease)
		claimed = append(claimed, r.Notification)
	}
	return claimed, nil
}

// note changes the row if the attempt is still the current one.
func (s *fakeStore) note(n slo.Notification, outcome string, change func(*row)) error {
	s.mu.Lock()
	broken := s.broken
	if r := s.byID[n.ID]; !broken && r.Attempt == n.Attempt && r.state == "" {
		change(r)
	}
	s.mu.Unlock()
	if s.outcomes != nil {
		s.outcomes <- outcome
	}
	if broken {
		return errStore
	}
	return nil
}

func (s *fakeStore) Delivered(_ context.Context, n slo.Notification, at time.Time) error {
	return s.note(n, "delivered", func(r *row) { r.state, r.at = "delivered", at })
}

func (s *fakeStore) Retry(_ context.Context, n slo.Notification, next time.Time, cause string) error {
	return s.note(n, "retry", func(r *row) {
		s.pauses = append(s.pauses, time.Until(next))
		r.due, r.cause = next, cause
	})
}

func (s *fakeStore) Abandon(_ context.Context, n slo.Notification, at time.Time, cause string) error {
	return s.note(n, "abandoned", func(r *row) { r.state, r.at, r.cause = "abandoned", at, cause })
}

func (s *fakeStore) Firing(_ context.Context, receiver string) ([]slo.Notification, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return nil, errStore
	}
	ended := map[string]bool{}
	for _, r := range s.byID {
		ended[r.Episode] = ended[r.Episode] || r.State == slo.Resolved
	}
	var firing []slo.Notification
	for _, r := range s.byID {
		if r.Receiver == receiver && !ended[r.Episode] {
			firing = append(firing, r.Notification)
		}
	}
	return firing, nil
}

// hurry makes a notification due at once, as if its pause or lease had passed.
func (s *fakeStore) hurry(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[id].due = time.Time{}
}

// row returns what became of a notification.
func (s *fakeStore) row(id string) row {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.byID[id]; ok {
		return *r
	}
	return row{}
}

func (s *fakeStore) delivered() (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.byID {
		if r.state == "delivered" {
			count++
		}
	}
	return count
}

// attempt is one request that the fake transport saw.
type attempt struct {
	at       time.Time
	host, id string
	body     string
}

// fakeTransport answers requests without a network.
type fakeTransport struct {
	mu       sync.Mutex
	attempts []attempt
	// answer makes the answer to the n-th request, from 1.
	answer func(n int, r *http.Request) (*http.Response, error)
}

func (f *fakeTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.attempts = append(f.attempts, attempt{at: time.Now(), host: r.URL.Host, id: r.Header.Get("webhook-id"), body: string(body)})
	n := len(f.attempts)
	f.mu.Unlock()
	return f.answer(n, r)
}

func (f *fakeTransport) seen() []attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]attempt(nil), f.attempts...)
}

// status answers every request with one status.
func status(code int, headers ...string) func(int, *http.Request) (*http.Response, error) {
	return func(int, *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: code, Header: h, Body: io.NopCloser(strings.NewReader("an answer"))}, nil
	}
}

// notification is a message to a receiver that was just put into the outbox.
func notification(receiver, episode string, state slo.EpisodeState) slo.Notification {
	return slo.Notification{
		ID: strings.Join([]string{episode, string(state), receiver}, " "), Receiver: receiver, Episode: episode, State: state,
		Payload:   []byte(`{"labels":{"slo":"` + episode + `"},"startsAt":"2026-03-01T12:00:00Z","endsAt":"2026-03-01T12:07:00Z"}`),
		CreatedAt: time.Now(),
	}
}

// safeBuffer is a log that a test may read while it is written.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs a Sender until the returned function is called, which waits for
// it. It may be called again.
func start(t *testing.T, settings alerting.Settings) (sender *alerting.Sender, stop func()) {
	t.Helper()
	if settings.Logger == nil {
		settings.Logger = slog.New(slog.DiscardHandler)
	}
	sender, err := alerting.NewSender(settings)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- sender.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return sender, stop
}
