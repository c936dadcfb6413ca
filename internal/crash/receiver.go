package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// delivery is one request that the receiver of notifications has read to its
// end, whatever it answered.
type delivery struct {
	ID       string `json:"id"`
	Receiver string `json:"receiver"`
	Episode  string `json:"episode"`
	State    string `json:"state"`
	// Alarm is the name of an alarm of the platform about itself; Episode is its
	// identity then.
	Alarm string `json:"alarm,omitempty"`
	// Body is a hash of the body: a repeat must be the same.
	Body string `json:"body"`
	// Answered says that it was answered 200. Otherwise it was refused, or the
	// connection was cut after the body was read.
	Answered bool `json:"answered"`
}

// receiver is who is told. Both of its addresses are receivers of their own.
type receiver struct {
	address string
	server  *http.Server
	done    chan struct{}

	mu         sync.Mutex
	random     *rand.Rand
	deliveries []delivery
	bad        []error
}

// receiverNames are the paths of the receivers.
func receiverNames() []string { return []string{"one", "two"} }

func newReceiver(ctx context.Context, random *rand.Rand) (*receiver, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{address: l.Addr().String(), random: random, done: make(chan struct{})}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		defer close(r.done)
		_ = r.server.Serve(l)
	}()
	return r, nil
}

func (r *receiver) close() {
	_ = r.server.Close()
	<-r.done
}

// alerting is the configuration that names both receivers.
func (r *receiver) alerting() string {
	var text strings.Builder
	text.WriteString("route: {receiver: harness}\nreceivers:\n  - name: harness\n    webhook_configs:\n")
	for _, name := range receiverNames() {
		fmt.Fprintf(&text, "      - url: http://%s/%s\n", r.address, name)
	}
	return text.String()
}

// ServeHTTP takes most notifications, some of them slowly, refuses some, and
// of some cuts the connection after it has read them.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // It never arrived.
	}
	var message struct {
		Slowburn struct {
			Episode        string `json:"episode"`
			NotificationID string `json:"notification_id"`
			State          string `json:"state"`
			Alarm          string `json:"alarm"`
			Name           string `json:"name"`
		} `json:"slowburn"`
	}
	sum := sha256.Sum256(body)
	err = json.Unmarshal(body, &message)
	r.mu.Lock()
	luck, delay := r.random.IntN(20), time.Duration(r.random.IntN(150))*time.Millisecond
	d := delivery{
		ID: request.Header.Get("webhook-id"), Receiver: request.URL.Path[1:], Episode: message.Slowburn.Episode,
		State: message.Slowburn.State, Body: hex.EncodeToString(sum[:8]), Answered: luck > 1,
	}
	if message.Slowburn.Alarm != "" {
		d.Episode, d.Alarm = message.Slowburn.Alarm, message.Slowburn.Name
	}
	switch {
	case err != nil:
		r.bad = append(r.bad, fmt.Errorf("a notification is not JSON: %w", err))
	case d.ID == "" || d.ID != message.Slowburn.NotificationID:
		r.bad = append(r.bad, fmt.Errorf("a notification has the id %q in its header and %q in its body", d.ID, message.Slowburn.NotificationID))
	case luck > 0: // One that is refused was not taken.
		r.deliveries = append(r.deliveries, d)
	}
	r.mu.Unlock()
	wait(request.Context(), delay)
	switch luck {
	case 0:
		w.WriteHeader(http.StatusServiceUnavailable)
	case 1:
		if hijacker, able := w.(http.Hijacker); able {
			if conn, _, err := hijacker.Hijack(); err == nil {
				_ = conn.Close()
			}
		}
	default:
		w.WriteHeader(http.StatusOK)
	}
}

// taken is a copy of what arrived.
func (r *receiver) taken() ([]delivery, []error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.deliveries), slices.Clone(r.bad)
}
