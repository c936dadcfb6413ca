package collector_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/slowburn-slo/slowburn/collector"
	"github.com/slowburn-slo/slowburn/slo"
)

func TestTwoCollectorsInSequenceOnTheSamePorts(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{})
	require.Equal(t, http.StatusOK, post(t, c.http+"/v1/traces", protobuf, "", tracesBody(t, 1)).status)
	require.NoError(t, c.stop())

	again, err := collector.New(collector.Settings{
		Journal: c.journal, GRPCEndpoint: c.grpc, HTTPEndpoint: strings.TrimPrefix(c.http, "http://"),
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- again.Run(ctx) }()
	<-again.Ready()
	_, err = ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(1)))
	require.NoError(t, err)
	cancel()
	require.NoError(t, <-done)
	require.Len(t, c.journal.all(), 2)
}

func TestAPortInUseIsOneSentence(t *testing.T) {
	t.Parallel()
	tests := map[string]func(s *collector.Settings, address string){
		"for gRPC": func(s *collector.Settings, address string) { s.GRPCEndpoint = address },
		"for HTTP": func(s *collector.Settings, address string) { s.HTTPEndpoint = address },
	}
	for name, use := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer func() { require.NoError(t, taken.Close()) }()
			s := collector.Settings{Journal: newJournal(), GRPCEndpoint: freeAddress(t), HTTPEndpoint: freeAddress(t)}
			use(&s, taken.Addr().String())
			c, err := collector.New(s)
			require.NoError(t, err)
			err = c.Run(t.Context())
			require.ErrorIs(t, err, syscall.EADDRINUSE)
			require.EqualError(t, err, "accept OTLP on "+taken.Addr().String()+
				": another program uses this address; stop it or choose another address: address already in use")
			select {
			case <-c.Ready():
				t.Fatal("ready although nothing accepts")
			default:
			}
		})
	}
}

func TestAStopAnswersWhatIsInFlight(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{Journal: heldJournal()})
	answers := make(chan bool, 2)
	go func() {
		answers <- post(t, c.http+"/v1/traces", protobuf, "", tracesBody(t, 1)).status == http.StatusOK //nolint:testifylint // A failed post shows as a missing answer.
	}()
	client := ptraceotlp.NewGRPCClient(dial(t, c.grpc))
	go func() {
		_, err := client.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(1)))
		answers <- err == nil
	}()
	<-c.journal.entered
	<-c.journal.entered
	stopped := make(chan error, 1)
	go func() { stopped <- c.stop() }()
	// The stop has begun when the HTTP port no longer accepts.
	for {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(c.http, "http://"))
		if err != nil {
			break
		}
		require.NoError(t, conn.Close())
	}
	require.Empty(t, answers)
	require.Empty(t, stopped)
	close(c.journal.hold)
	require.True(t, <-answers)
	require.True(t, <-answers)
	require.NoError(t, <-stopped)
	require.Len(t, c.journal.all(), 2)
}

// The journal holds every append back until it is told that nobody waits.
func TestAStopTellsWhatIsUnansweredToSendAgain(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, c *running){
		"for gRPC": func(t *testing.T, c *running) {
			_, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(1)))
			require.Equal(t, codes.Unavailable, status.Code(err))
			require.Len(t, status.Convert(err).Details(), 1)
		},
		"for HTTP": func(t *testing.T, c *running) {
			answer := post(t, c.http+"/v1/traces", protobuf, "", tracesBody(t, 1))
			require.Equal(t, http.StatusServiceUnavailable, answer.status)
			require.Equal(t, "1", answer.header.Get("Retry-After"))
		},
	}
	for name, send := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, collector.Settings{Journal: heldJournal(), DrainTimeout: 15 * time.Second})
			var sender sync.WaitGroup
			sender.Go(func() { send(t, c) })
			<-c.journal.entered
			require.NoError(t, c.stop())
			sender.Wait()
			require.Empty(t, c.journal.all())
		})
	}
}

// Senders send all the time while the collector stops: what is answered OK is in
// the journal, and all else is to be sent again.
func TestAStopUnderLoadLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{DrainTimeout: 20 * time.Second})
	var mu sync.Mutex
	accepted := map[pcommon.TraceID]bool{}
	var senders sync.WaitGroup
	warm := make(chan struct{}, 64)
	for sender := range byte(8) {
		senders.Go(func() {
			client := ptraceotlp.NewGRPCClient(dial(t, c.grpc))
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			for n := range 1 << 16 {
				td := spans(1)
				id := pcommon.TraceID{1, sender, byte(n), byte(n >> 8)}
				td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetTraceID(id)
				var ok bool
				if sender%2 == 0 {
					_, err := client.Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
					ok = err == nil
					require.Contains(t, []codes.Code{codes.OK, codes.Unavailable}, status.Code(err))
				} else {
					ok = sendHTTP(t, transport, c.http, td)
				}
				if !ok {
					return
				}
				mu.Lock()
				accepted[id] = true
				mu.Unlock()
				select {
				case warm <- struct{}{}:
				default:
				}
			}
		})
	}
	for range cap(warm) {
		<-warm
	}
	require.NoError(t, c.stop())
	senders.Wait()
	for _, r := range c.journal.all() {
		td := r.Decoded.(ptrace.Traces)
		delete(accepted, td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).TraceID())
	}
	require.Empty(t, accepted, "were answered OK and are not in the journal")
}

// sendHTTP reports whether the request was answered OK; else it must be one to
// be sent again: 503, or a connection that is closed.
func sendHTTP(t *testing.T, transport *http.Transport, address string, td ptrace.Traces) bool {
	body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/v1/traces", bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", protobuf)
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable}, response.StatusCode)
	return response.StatusCode == http.StatusOK
}

// stuckJournal does not even give up when nobody waits.
type stuckJournal struct{ entered, hold chan struct{} }

// Append waits.
func (j stuckJournal) Append(context.Context, slo.Record) (slo.Offset, error) {
	j.entered <- struct{}{}
	<-j.hold
	return 1, nil
}

func TestAStopDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, c *running){
		"for gRPC": func(t *testing.T, c *running) {
			_, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(1)))
			require.Equal(t, codes.Unavailable, status.Code(err))
		},
		"for HTTP": func(t *testing.T, c *running) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.http+"/v1/traces", bytes.NewReader(tracesBody(t, 1)))
			require.NoError(t, err)
			request.Header.Set("Content-Type", protobuf)
			_, err = (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
			require.Error(t, err)
		},
	}
	for name, send := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := stuckJournal{make(chan struct{}), make(chan struct{})}
			c := start(t, collector.Settings{Journal: j, DrainTimeout: 100 * time.Millisecond})
			var sender sync.WaitGroup
			sender.Go(func() { send(t, c) })
			<-j.entered
			err := c.stop()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "stop the collector")
			sender.Wait()
			close(j.hold)
		})
	}
}

func TestAnEndBeforeTheStartIsNoError(t *testing.T) {
	t.Parallel()
	c, err := collector.New(collector.Settings{Journal: newJournal(), GRPCEndpoint: freeAddress(t), HTTPEndpoint: freeAddress(t)})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, c.Run(ctx))
}

func TestACollectorRunsOnce(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{})
	require.ErrorContains(t, c.Run(t.Context()), "twice")
}

func TestTheCollectorLogsToTheGivenLogger(t *testing.T) {
	t.Parallel()
	var lines lockedBuffer
	c := start(t, collector.Settings{Logger: slog.New(slog.NewTextHandler(&lines, nil))})
	require.NoError(t, c.stop())
	require.Contains(t, lines.String(), `level=INFO msg="Starting GRPC server" otelcol.component.id=otlp`)
	require.Contains(t, lines.String(), "endpoint="+c.grpc)
}

// lockedBuffer is a bytes.Buffer for several writers.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is what was written.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
