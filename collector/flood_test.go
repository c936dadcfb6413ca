package collector_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/slowburn-slo/slowburn/collector"
	"github.com/slowburn-slo/slowburn/slo"
)

// speakHTTP2 opens a connection to the gRPC port and reads what it sends until
// it is closed.
func speakHTTP2(t *testing.T, address string) (*http2.Framer, net.Conn) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	_, err = io.WriteString(conn, http2.ClientPreface)
	require.NoError(t, err)
	framer := http2.NewFramer(conn, conn)
	require.NoError(t, framer.WriteSettings())
	var reader sync.WaitGroup
	reader.Go(func() { _, _ = io.Copy(io.Discard, conn) })
	t.Cleanup(func() {
		_ = conn.Close() // The server may have closed it.
		reader.Wait()
	})
	return framer, conn
}

func callHeaders(t *testing.T) []byte {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", exportTraces},
		{":authority", "slowburn"},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
	} {
		require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
	}
	return block.Bytes()
}

// heap is what lives after a collection, in MiB.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc >> 20)
}

// A flood ends when the server closes the connection, or when all was sent.
// Either way others are answered, and memory stays. Not parallel: it measures memory.
func TestFloodsOfHTTP2HarmNobodyElse(t *testing.T) { //nolint:paralleltest // See above.
	floods := map[string]func(t *testing.T, framer *http2.Framer) error{
		"streams that are reset at once": func(t *testing.T, framer *http2.Framer) error {
			block := callHeaders(t)
			for id := uint32(1); id < 40_000; id += 2 {
				if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true}); err != nil {
					return err
				}
				if err := framer.WriteRSTStream(id, http2.ErrCodeCancel); err != nil {
					return err
				}
			}
			return nil
		},
		"headers that never end": func(t *testing.T, framer *http2.Framer) error {
			err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: callHeaders(t)})
			// A literal header of 8 KiB without indexing, again and again: 160 MB.
			header := append([]byte{0, 1, 'a', 0x7f}, binary.AppendUvarint(nil, 8000-127)...)
			header = append(header, make([]byte, 8000)...)
			for range 20_000 {
				if err != nil {
					return err
				}
				err = framer.WriteContinuation(1, false, header)
			}
			return errors.New("the server read all of it")
		},
	}
	c := start(t, collector.Settings{})
	before := heap()
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			framer, conn := speakHTTP2(t, c.grpc)
			require.NoError(t, conn.SetWriteDeadline(time.Now().Add(30*time.Second)))
			if err := flood(t, framer); err != nil {
				require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
				require.NotContains(t, err.Error(), "read all of it")
			}
			_, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(spans(1)))
			require.NoError(t, err)
			require.Less(t, heap()-before, 32)
		})
	}
	require.Len(t, c.journal.all(), 2)
}

// userConfig writes a configuration that is merged over the embedded one.
func userConfig(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "collector.yaml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestSendersThatAreSlowOnPurposeAreCutOff(t *testing.T) {
	t.Parallel()
	c := start(t, collector.Settings{UserConfig: userConfig(t,
		"receivers: {otlp: {protocols: {http: {read_header_timeout: 200ms, read_timeout: 400ms}}}}")})
	tests := map[string]string{
		"headers that never end": "POST /v1/traces HTTP/1.1\r\nHost: slowburn\r\nX-Slow: ",
		"a body that never ends": "POST /v1/traces HTTP/1.1\r\nHost: slowburn\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\nabc",
	}
	for name, begin := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(c.http, "http://"))
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close()) }()
			_, err = io.WriteString(conn, begin)
			require.NoError(t, err)
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
			answer, err := io.ReadAll(conn) // Ends as the server closes.
			require.NoError(t, err)
			if len(answer) > 0 {
				require.NotContains(t, string(answer), " 200 ")
				require.NotContains(t, string(answer), " 500 ")
			}
		})
	}
}

// The budget is 1 MiB. A request that holds most of it waits in the journal;
// another one is refused meanwhile, and accepted afterwards.
func TestMoreThanTheBudgetInHandIsToBeSentAgain(t *testing.T) {
	t.Parallel()
	td := spans(1)
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetName(strings.Repeat("a", 700<<10))
	body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	require.NoError(t, err)
	tests := map[string]func(t *testing.T, c *running) codes.Code{
		"over gRPC": func(t *testing.T, c *running) codes.Code {
			_, err := ptraceotlp.NewGRPCClient(dial(t, c.grpc)).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
			if status.Code(err) == codes.Unavailable {
				require.Len(t, status.Convert(err).Details(), 1)
			}
			return status.Code(err)
		},
		"over HTTP": func(t *testing.T, c *running) codes.Code {
			answer := post(t, c.http+"/v1/traces", protobuf, "gzip", compress(t, "gzip", body))
			if answer.status == http.StatusServiceUnavailable {
				require.Equal(t, "1", answer.header.Get("Retry-After"))
				return codes.Unavailable
			}
			require.Equal(t, http.StatusOK, answer.status)
			return codes.OK
		},
	}
	for name, send := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, collector.Settings{Journal: heldJournal(), UserConfig: userConfig(t, "receivers: {otlp: {max_in_flight_mib: 1}}")})
			first := make(chan codes.Code, 1)
			go func() { first <- send(t, c) }()
			<-c.journal.entered
			require.Equal(t, codes.Unavailable, send(t, c))
			close(c.journal.hold)
			require.Equal(t, codes.OK, <-first)
			require.Equal(t, codes.OK, send(t, c))
			require.Len(t, c.journal.all(), 2)
			require.Equal(t, slo.RecordTraces, c.journal.all()[0].Kind)
		})
	}
}
