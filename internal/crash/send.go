package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// outcome is how one request ended.
type outcome int

const (
	// acknowledged: OK. What it held is durable, or the promise is broken.
	acknowledged outcome = iota
	// retryable: a negative answer after which a sender sends again.
	retryable
	// unanswered: the connection broke before an answer. Nobody knows.
	unanswered
	// unreached: nobody listened; the request never left.
	unreached
	// fatal: a negative answer after which a sender drops its data.
	fatal
)

// answer is what came back.
type answer struct {
	outcome outcome
	// refused is partial_success's number, of an acknowledgement.
	refused int64
	err     error
}

// sender speaks one of the two protocols.
type sender interface {
	send(ctx context.Context, td ptrace.Traces) answer
	close()
}

// requestLimit is how long a request may take: longer than any stall that the
// harness makes, except that of a stopped process.
const requestLimit = 15 * time.Second

type grpcSender struct {
	conn   *grpc.ClientConn
	client ptraceotlp.GRPCClient
}

func newGRPCSender(address string) (*grpcSender, error) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.2, MaxDelay: 200 * time.Millisecond},
			MinConnectTimeout: time.Second,
		}))
	if err != nil {
		return nil, err
	}
	return &grpcSender{conn: conn, client: ptraceotlp.NewGRPCClient(conn)}, nil
}

func (s *grpcSender) close() { _ = s.conn.Close() }

func (s *grpcSender) send(ctx context.Context, td ptrace.Traces) answer {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	response, err := s.client.Export(ctx, ptraceotlp.NewExportRequestFromTraces(td))
	if err == nil {
		return answer{refused: response.PartialSuccess().RejectedSpans()}
	}
	return answer{outcome: grpcOutcome(err), err: err}
}

// grpcOutcome tells what the server said from what the client library makes
// up: the library uses the same codes for a broken connection.
func grpcOutcome(err error) outcome {
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if _, asked := detail.(*errdetails.RetryInfo); asked {
			return retryable
		}
	}
	switch s.Code() {
	case codes.Unavailable:
		for _, cause := range []string{"connection refused", "i/o timeout", "error while dialing"} {
			if strings.Contains(s.Message(), cause) {
				return unreached
			}
		}
		for _, cause := range []string{"error reading from server", "connection error", "transport", "closing", "draining", "EOF", "reset by peer"} {
			if strings.Contains(s.Message(), cause) {
				return unanswered
			}
		}
		return retryable
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.DataLoss:
		return unanswered
	default:
		return fatal
	}
}

type httpSender struct {
	client *http.Client
	url    string
	gzip   bool
}

func newHTTPSender(address string, compress bool) *httpSender {
	return &httpSender{client: &http.Client{Transport: &http.Transport{}}, url: "http://" + address + "/v1/traces", gzip: compress}
}

func (s *httpSender) close() { s.client.CloseIdleConnections() }

func (s *httpSender) send(ctx context.Context, td ptrace.Traces) answer {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	request, err := s.request(ctx, td)
	if err != nil {
		return answer{outcome: fatal, err: err}
	}
	response, err := s.client.Do(request)
	if err != nil {
		return answer{outcome: httpTrouble(err), err: err}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		return httpRefusal(response, body)
	}
	if err != nil {
		return answer{outcome: unanswered, err: err}
	}
	message := ptraceotlp.NewExportResponse()
	if err := message.UnmarshalProto(body); err != nil {
		return answer{outcome: fatal, err: fmt.Errorf("read the answer: %w", err)}
	}
	return answer{refused: message.PartialSuccess().RejectedSpans()}
}

func (s *httpSender) request(ctx context.Context, td ptrace.Traces) (*http.Request, error) {
	body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	if err != nil {
		return nil, err
	}
	if s.gzip {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, writeErr := w.Write(body)
		if err := errors.Join(writeErr, w.Close()); err != nil {
			return nil, err
		}
		body = packed.Bytes()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	if s.gzip {
		request.Header.Set("Content-Encoding", "gzip")
	}
	return request, nil
}

func httpTrouble(err error) outcome {
	var dial *net.OpError
	if errors.Is(err, syscall.ECONNREFUSED) || (errors.As(err, &dial) && dial.Op == "dial") {
		return unreached
	}
	return unanswered
}

// httpRefusal judges a negative answer: the specification has four retryable
// statuses, and 503 must say when.
func httpRefusal(response *http.Response, body []byte) answer {
	err := fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(body[:min(len(body), 200)]))
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return answer{outcome: retryable, err: err}
	default:
		return answer{outcome: fatal, err: err}
	}
}
